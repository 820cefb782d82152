(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const WIDTH = 1130;
  document.documentElement.classList.add("js");
  const svg = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  let lines = null;
  const logLine = (place) => {
    const log = document.getElementById("log");
    lines = lines || log.textContent.replace(/^\n/, "").split("\n");
    return lines[place - +log.dataset.first] || "";
  };

  // A clock between two readings ran evenly.
  const reading = (showed, at) => {
    if (showed.length < 1) return null;
    let next = showed.findIndex(([known]) => known > at);
    if (next < 0) next = showed.length - 1;
    if (next === 0) next = Math.min(1, showed.length - 1);
    const from = showed[Math.max(0, next - 1)], to = showed[next];
    return to[0] === from[0] ? from[1] + at - from[0] : from[1] + (at - from[0]) * (to[1] - from[1]) / (to[0] - from[0]);
  };
  const step = (least) => {
    for (let power = 1000; ; power *= 10) for (const of of [1, 2, 5]) if (of * power >= least) return of * power;
  };
  const label = (nanos, step) => {
    const decimals = step >= 1e9 ? 0 : Math.min(6, Math.ceil(9 - Math.log10(step) - 1e-9));
    return (nanos / 1e9).toFixed(decimals) + " s";
  };

  class Chart {
    constructor(figure, of) {
      this.figure = figure;
      this.whole = [of.from, of.until];
      this.view = [of.from, of.until];
      this.plot = figure.querySelector("svg.plot");
      this.under = figure.querySelector(".under");
      this.node = null;
      const svgTop = figure.querySelector("svg");
      this.height = svgTop.viewBox.baseVal.height;
      // Upper-case commands are places in time, lower-case ones are shapes.
      this.paths = [...this.plot.querySelectorAll(":scope > path")].map((path) => ({
        path,
        parts: path.getAttribute("d").split(/(?=M)/).map((part) => {
          const cut = part.split(/([MLH])(-?[\d.]+)/);
          const places = [];
          for (let i = 2; i < cut.length; i += 3) places.push((cut[i] = +cut[i]));
          return { cut, from: Math.min(...places), until: Math.max(...places) };
        }),
      }));
      this.moving = [...this.plot.querySelectorAll(":scope > [data-x], .pins > [data-x]")];
      this.ticks = this.plot.querySelector(".ticks");
      this.pinsHeight = +this.plot.dataset.pins;
      for (const button of figure.querySelectorAll("button[data-do]")) {
        button.addEventListener("click", () => this.act(button.dataset.do));
      }
      this.filter = figure.querySelector("input");
      this.filter.addEventListener("input", () => this.sieve());
      for (const name of figure.querySelectorAll(".name[data-node]")) {
        name.setAttribute("tabindex", "0");
        name.setAttribute("role", "button");
        const choose = () => this.choose(+name.dataset.node);
        name.addEventListener("click", choose);
        name.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); choose(); }
        });
      }
      this.names = [...figure.querySelectorAll(".name[data-node]")];
      this.listen(svgTop);
    }

    listen(top) {
      let held = null;
      const place = (event) => {
        const box = top.getBoundingClientRect();
        const scale = top.viewBox.baseVal.width / box.width;
        return [(event.clientX - box.left) * scale - 150, (event.clientY - box.top) * scale];
      };
      const at = (x) => this.view[0] + x / WIDTH * (this.view[1] - this.view[0]);
      top.addEventListener("dblclick", (event) => { const [x] = place(event); this.zoom(0.4, at(x)); });
      top.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.shiftKey) return;
        event.preventDefault();
        const [x] = place(event);
        this.zoom((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, at(x));
      }, { passive: false });
      top.addEventListener("pointerdown", (event) => { const [x] = place(event); if (x > 0) held = [x, ...this.view]; });
      top.addEventListener("pointermove", (event) => {
        const [x, y] = place(event);
        if (held && event.buttons) {
          const by = (held[0] - x) / WIDTH * (held[2] - held[1]);
          this.show(held[1] + by, held[2] + by);
        } else if (x >= 0 && x <= WIDTH) this.tell(at(x), y);
      });
      window.addEventListener("pointerup", () => { held = null; });
    }

    act(what) {
      const middle = (this.view[0] + this.view[1]) / 2, length = this.view[1] - this.view[0];
      if (what === "in") this.zoom(0.5, middle);
      if (what === "out") this.zoom(2, middle);
      if (what === "earlier") this.show(this.view[0] - length / 4, this.view[1] - length / 4);
      if (what === "later") this.show(this.view[0] + length / 4, this.view[1] + length / 4);
      if (what === "all") this.show(...this.whole);
      if (what === "filter") this.filter.focus();
    }

    zoom(by, about) {
      this.show(about - (about - this.view[0]) * by, about + (this.view[1] - about) * by);
    }

    show(from, until) {
      const length = Math.max(Math.min(until - from, this.whole[1] - this.whole[0]), 20000);
      from = Math.max(this.whole[0], Math.min(from, this.whole[1] - length));
      this.view = [from, from + length];
      if (!this.waits) {
        this.waits = true;
        requestAnimationFrame(() => { this.waits = false; this.draw(); });
      }
    }

    draw() {
      const all = this.whole[1] - this.whole[0], length = this.view[1] - this.view[0];
      const by = all / length, shift = (this.view[0] - this.whole[0]) / length * WIDTH;
      const far = (place) => Math.max(-30000, Math.min(30000, place * by - shift));
      let ordinary = 0;
      for (const { path, parts } of this.paths) {
        let out = "";
        const counts = path.matches(".msg.ok:not(.head)");
        for (const { cut, from, until } of parts) {
          if (until * by - shift < -40 || from * by - shift > WIDTH + 40) continue;
          for (let i = 0; i < cut.length; i++) out += i % 3 === 2 ? far(cut[i]).toFixed(1) : cut[i];
          ordinary += counts ? 1 : 0;
        }
        path.setAttribute("d", out);
      }
      const crowd = ordinary > 1500 ? "far" : ordinary > 400 ? "dense" : "near";
      for (const other of ["far", "dense", "near"]) this.figure.classList.toggle("messages-" + other, other === crowd);
      let pin = null;
      for (const item of this.moving) {
        const x = far(+item.dataset.x);
        if (item.classList.contains("pin")) {
          // Those that would hide each other share a pin.
          const seen = x >= -1 && x <= WIDTH + 1, joins = seen && pin !== null && x - pin.edge < 34;
          item.classList.toggle("none", !seen || joins);
          if (joins) pin.edge = x;
          else if (seen) pin = { item, x, edge: x };
          if (seen) this.number(pin, item.dataset.n);
        } else if (item.dataset.x2 !== undefined) {
          const start = Math.max(0, x), end = Math.min(WIDTH, far(+item.dataset.x2));
          item.classList.toggle("none", end - start < +item.dataset.w);
          item.firstElementChild.setAttribute("x", (start + 4).toFixed(1));
        } else {
          item.setAttribute("x", (x + +(item.dataset.dx || 4)).toFixed(1));
        }
      }
      this.rule();
    }

    number({ item, x }, last) {
      const text = item.querySelector("text"), rect = item.querySelector("rect");
      text.textContent = last === item.dataset.n ? last : `${item.dataset.n}\u2013${last}`;
      const wide = 10 + 7 * text.textContent.length;
      rect.setAttribute("x", -wide / 2);
      rect.setAttribute("width", wide);
      item.setAttribute("transform", `translate(${Math.max(wide / 2, Math.min(WIDTH - wide / 2, x)).toFixed(1)} 14)`);
    }

    rule() {
      const [from, until] = this.view, by = step((until - from) / 10);
      this.ticks.replaceChildren();
      const showed = this.node === null ? null : data.nodes[this.node].showed;
      for (let at = Math.ceil(from / by) * by; at <= until; at += by) {
        const exact = (at - from) / (until - from) * WIDTH, x = exact.toFixed(1);
        const anchor = exact < 20 ? "start" : exact > WIDTH - 20 ? "end" : "middle";
        const line = svg("path");
        line.setAttribute("class", "tick");
        line.setAttribute("d", `M${x} ${this.pinsHeight + 18}V${this.height}`);
        const time = svg("text");
        time.setAttribute("x", x);
        time.setAttribute("text-anchor", anchor);
        time.setAttribute("y", this.pinsHeight + 13);
        time.textContent = label(at, by);
        const own = svg("text");
        own.setAttribute("class", "own");
        own.setAttribute("x", x);
        own.setAttribute("text-anchor", anchor);
        own.setAttribute("y", this.pinsHeight + 30);
        const shows = showed && reading(showed, at);
        own.textContent = showed && shows !== null ? label(shows, by) : "";
        this.ticks.append(line, time, own);
      }
    }

    choose(node) {
      this.node = node;
      for (const name of this.names) name.classList.toggle("chosen", +name.dataset.node === node);
      const { name, clock } = data.nodes[node];
      this.under.textContent = `The second line of the ruler is the ${clock} clock of ${name}.`;
      this.rule();
    }

    // Everything whose words hold all that is asked for stays.
    sieve() {
      const asked = this.filter.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
      const fits = (words) => asked.every((word) => words.includes(word));
      for (const { path } of this.paths) {
        const words = path.dataset.k;
        const isFrame = path.classList.contains("wire") || path.classList.contains("alarm");
        path.classList.toggle("out", !isFrame && words !== undefined && !fits(words.toLowerCase()));
      }
    }

    // What is nearest to the pointer, in words.
    tell(at, y) {
      const near = (this.view[1] - this.view[0]) / 60;
      let best = null;
      for (let place = 0; place < data.events.length; place++) {
        const off = Math.abs(data.events[place][0] - at);
        if (off < near && (best === null || off < best[0]) && logLine(place)) best = [off, logLine(place).trim()];
      }
      for (const [sent, took, from, to, what, fate] of data.messages.rows) {
        const off = Math.min(Math.abs(sent - at), Math.abs(sent + (took ?? 0) - at));
        if (off < near && (best === null || off < best[0])) {
          const after = took === null ? "" : ` after ${(took / 1e6).toFixed(3)} ms`;
          const name = (node) => data.nodes[node].name;
          best = [off, `${(sent / 1e9).toFixed(6)}  ${name(from)} to ${name(to)}: ${data.messages.texts[what]}, ${data.messages.texts[fate]}${after}`];
        }
      }
      if (best) this.under.textContent = best[1];
    }
  }

  const charts = [...document.querySelectorAll("figure.chart")].map(
    (figure, place) => new Chart(figure, data.charts[place]));
  let current = charts[0];
  for (const chart of charts) {
    chart.figure.addEventListener("focusin", () => { current = chart; });
    chart.figure.addEventListener("pointerenter", () => { current = chart; });
    const first = chart.figure.dataset.clock;
    if (first !== undefined) { chart.node = +first; }
  }
  const KEYS = { "+": "in", "=": "in", "-": "out", ArrowLeft: "earlier", ArrowRight: "later", 0: "all", f: "filter" };
  document.addEventListener("keydown", (event) => {
    const within = event.target instanceof Element && event.target.closest("input, summary, textarea");
    if (within) { if (event.key === "Escape") event.target.blur(); return; }
    const what = KEYS[event.key];
    if (!what || event.ctrlKey || event.metaKey || event.altKey || !current) return;
    event.preventDefault();
    current.act(what);
  });
})();
