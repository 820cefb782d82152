// Looks at pages of leasehold in Chromium: node check.mjs PICTURES KIND=FILE...
//
// KIND is study, sweep or timeline. Each page is opened from its file, with the network watched: no error, no request, the
// keyboard, both schemes, narrow and on paper. What differs by kind comes after that. Pictures of what was seen are kept in the
// folder PICTURES. Exits with 1 if something is not as it should be, with a line for each.

import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [folder, ...given] = process.argv.slice(2);
const pages = given.map((word) => word.split(/=(.*)/s).slice(0, 2));
const known = ["study", "sweep", "timeline"];
if (!folder || pages.length === 0 || pages.some(([kind, file]) => !known.includes(kind) || !file)) {
  console.error("usage: node check.mjs PICTURES study=FILE|sweep=FILE|timeline=FILE...");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });

const problems = [];
let checked = 0;

/** Notes what is not so. */
const expect = (is, what) => {
  checked += 1;
  if (!is) problems.push(what);
};

/** A page whose errors and requests are noted. */
const open = async (browser, name, file, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const address = pathToFileURL(resolve(file)).href;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${name}: console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`${name}: ${error}`));
  page.on("request", (request) => {
    const asked = request.url();
    if (asked.split("#")[0] !== address && !asked.startsWith("data:")) problems.push(`${name}: asked for ${asked}`);
  });
  const began = performance.now();
  await page.goto(address, { waitUntil: "load" });
  return { page, context, took: performance.now() - began };
};

const picture = (page, name, fullPage = false) => page.screenshot({ path: `${folder}/${name}.png`, fullPage });

/** What the keyboard is on, and whether one sees that. */
const focused = (page) =>
  page.evaluate(() => {
    const on = document.activeElement;
    if (!on || on === document.body) return null;
    const style = getComputedStyle(on);
    const box = on.getBoundingClientRect();
    // The browser's own ring is called auto, whatever its width is said to be.
    const outlined = style.outlineStyle === "auto" || (style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) >= 2);
    const named = on.textContent.trim().slice(0, 40) || on.getAttribute("aria-label") || on.tagName;
    // Where it stands in the document, to hold the order against it.
    const order = [...document.querySelectorAll("*")].indexOf(on);
    return { named, tag: on.tagName, outlined, seen: box.width > 0 && box.height > 0, order };
  });

/** Tab goes through all that can be used, in the order of the page, and one sees where it is. */
const keyboard = async (page, name) => {
  const stops = [];
  for (let presses = 0; presses < 400; presses += 1) {
    await page.keyboard.press("Tab");
    const on = await focused(page);
    if (!on) break;
    if (stops.length > 0 && on.order === stops[0].order) break;
    stops.push(on);
  }
  expect(stops.length >= 5, `${name}: Tab reaches only ${stops.length} places`);
  const hidden = stops.filter((on) => !on.seen || !on.outlined);
  expect(hidden.length === 0, `${name}: one does not see the focus on ${hidden.map((on) => on.named).join(" | ")}`);
  const ordered = stops.every((on, place) => place === 0 || stops[place - 1].order < on.order);
  expect(ordered, `${name}: Tab does not go in the order of the page`);
  const tags = (selector) =>
    page.evaluate((of) => [...document.querySelectorAll(of)].filter((one) => one.checkVisibility()).length, selector);
  const controls = await tags("button, summary, input, a[href]");
  const reached = stops.filter((on) => ["BUTTON", "SUMMARY", "INPUT", "A"].includes(on.tag.toUpperCase())).length;
  expect(reached === controls, `${name}: Tab reaches ${reached} of ${controls} controls`);
};

/** Nothing stands beyond the edge of the paper, and nothing is folded away. */
const paper = async (page, name) => {
  await page.emulateMedia({ media: "print" });
  // A4 at 96 dots an inch, without margins of 14 mm.
  await page.setViewportSize({ width: 688, height: 1017 });
  const cut = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const beyond = [...document.querySelectorAll("main *, header *")].filter((one) => {
      if (one.closest("svg") && one.tagName !== "svg") return false;
      const box = one.getBoundingClientRect();
      return one.checkVisibility() && box.width > 0 && box.right > width + 1;
    });
    return beyond.slice(0, 3).map((one) => `${one.tagName} ${one.textContent.trim().slice(0, 50)}`);
  });
  expect(cut.length === 0, `${name}: cut off on paper: ${cut.join(" | ")}`);
  const pdf = await page.pdf({ format: "A4" });
  writeFileSync(`${folder}/${name}.pdf`, pdf);
  expect(pdf.length > 10_000, `${name}: nothing comes on paper`);
  await page.emulateMedia({ media: "screen" });
  await page.setViewportSize({ width: 1280, height: 900 });
};

/** The ground is dark where that is asked for, and texts stand out from it in both. */
const schemes = async (browser, name, file) => {
  const grounds = [];
  for (const colorScheme of ["light", "dark"]) {
    const { page, context } = await open(browser, `${name}, ${colorScheme}`, file, { colorScheme });
    await picture(page, `${name}-${colorScheme}`);
    const found = await page.evaluate(() => {
      const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
      const light = (colour) => {
        const [r, g, b] = channels(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const behind = (one) => {
        for (let at = one; at; at = at.parentElement) {
          const ground = getComputedStyle(at).backgroundColor;
          if ((channels(ground)[3] ?? 1) > 0) return ground;
        }
        return "rgb(255, 255, 255)";
      };
      const faint = [];
      for (const one of document.querySelectorAll("h1, h2, p, li, td, th, dt, dd, a, summary, code, caption, button")) {
        if (!one.checkVisibility() || one.textContent.trim() === "") continue;
        const [ink, ground] = [light(getComputedStyle(one).color), light(behind(one))];
        const contrast = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
        if (contrast < 4.5) faint.push(`${one.tagName} ${one.textContent.trim().slice(0, 30)}: ${contrast.toFixed(1)}`);
      }
      return { ground: light(behind(document.body)), faint };
    });
    grounds.push(found.ground);
    expect(found.faint.length === 0, `${name}, ${colorScheme}: too faint: ${found.faint.slice(0, 4).join(" | ")}`);
    await context.close();
  }
  expect(grounds[0] > 0.7 && grounds[1] < 0.1, `${name}: the ground is ${grounds} in light and dark`);
};

/** On a narrow screen only what can be scrolled by itself is wider than it. */
const narrow = async (browser, name, file) => {
  const { page, context } = await open(browser, `${name}, narrow`, file, { viewport: { width: 400, height: 800 } });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide <= 401, `${name}: ${wide} wide on a screen of 400`);
  await picture(page, `${name}-narrow`);
  await context.close();
};

/** Without scripts the same can be read. */
const silent = async (browser, name, file) => {
  const { page, context } = await open(browser, `${name}, without scripts`, file, { javaScriptEnabled: false });
  const told = await page.locator("h1, h2").allTextContents();
  expect(told.length >= 3, `${name}: without scripts there are only ${told.length} headings`);
  expect((await page.locator("svg").count()) > 0 || name === "sweep", `${name}: without scripts there is no picture`);
  await context.close();
};

/** What study and sweep have in common. */
const report = async (page, name) => {
  await page.keyboard.press("Tab");
  expect((await focused(page))?.named.startsWith("Skip"), `${name}: the first stop does not skip to the content`);
  await page.keyboard.press("Enter");
  expect(page.url().endsWith("#content"), `${name}: skipping goes to ${page.url()}`);
  const data = await page.evaluate(() => Object.keys(JSON.parse(document.getElementById("data").textContent)));
  expect(data.length > 0, `${name}: it embeds no data`);
  const bare = await page.evaluate(
    () => [...document.querySelectorAll("main svg")].filter((one) => !one.querySelector("title") || one.getAttribute("role") !== "img").length,
  );
  expect(bare === 0, `${name}: ${bare} pictures have no words`);
  const title = page.locator("table:visible .sort").first();
  if ((await title.count()) > 0) {
    await title.focus();
    await page.keyboard.press("Enter");
    const table = page.locator("table", { has: page.locator("[aria-sort=ascending]") });
    expect((await table.count()) === 1, `${name}: a table is not sorted by its title`);
  }
  // Whichever way a column is sorted, what has no number stands behind what has.
  const early = await page.evaluate(() => {
    const wrong = [];
    for (const button of document.querySelectorAll("table .sort")) {
      const title = button.closest("th");
      const body = title.closest("table").tBodies[0];
      for (const way of ["one way", "the other"]) {
        button.click();
        const has = [...body.rows].map((row) => !Number.isNaN(Number.parseFloat(row.cells[title.cellIndex].dataset.number)));
        if (has.lastIndexOf(true) > has.indexOf(false) && has.includes(false)) wrong.push(`${button.textContent}, ${way}`);
      }
    }
    return wrong;
  });
  expect(early.length === 0, `${name}: missing numbers do not stand last: ${early.join("; ")}`);
  const below = page.locator("main section:not(#verdict)").first();
  const link = page.locator("nav a").first();
  await link.focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => window.scrollY > 0);
  expect(await below.isVisible(), `${name}: the first link of the page leads nowhere`);
};

const study = async (page, name) => {
  await report(page, name);
  const first = await page.locator("#verdict").boundingBox();
  expect(first !== null, `${name}: there is no verdict`);
  const details = page.locator("figure details").first();
  await details.locator("summary").focus();
  await page.keyboard.press("Enter");
  expect(await details.locator("table").isVisible(), `${name}: the numbers of a picture do not open`);
};

const timeline = async (page, name) => {
  const jump = page.locator("a.jump");
  if ((await jump.count()) > 0) {
    await jump.focus();
    await page.keyboard.press("Enter");
    const target = await jump.getAttribute("href");
    await page.waitForFunction((id) => {
      const box = document.querySelector(id).getBoundingClientRect();
      return box.top >= -200 && box.top < window.innerHeight;
    }, target);
    await picture(page, `${name}-jumped`);
  } else {
    expect((await page.locator(".verdict.failed").count()) === 0, `${name}: one cannot jump to what went wrong`);
  }
  const figure = page.locator("figure.chart").first();
  await figure.focus();
  const ruler = () => figure.locator(".ticks").textContent();
  const whole = await ruler();
  for (const [keys, what] of [["+", "zooms in"], ["ArrowRight", "goes to what is later"]]) {
    const before = await ruler();
    await page.keyboard.press(keys);
    await page.waitForTimeout(100);
    expect((await ruler()) !== before, `${name}: ${keys} does not do what it should: it ${what}`);
  }
  await picture(page, `${name}-zoomed`);
  await page.keyboard.press("0");
  await page.waitForTimeout(100);
  expect((await ruler()).length > 0, `${name}: 0 leaves no ruler; the whole had ${whole.length} letters`);
  const filter = figure.locator("input[type=search]");
  await filter.fill("nothing-is-called-so");
  const out = await figure.locator("path.out").count();
  expect(out > 0, `${name}: the filter takes nothing away`);
  await filter.fill("");
  expect((await figure.locator("path.out").count()) === 0, `${name}: without a filter something stays away`);
};

const special = { study, sweep: report, timeline };

const browser = await chromium.launch({
  executablePath: process.env.LEASEHOLD_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const seen = new Map();
const look = async (kind, name, file) => {
  const { page, context, took } = await open(browser, name, file);
  expect(statSync(file).size < 1_000_000 || kind === "timeline", `${name}: ${statSync(file).size} bytes`);
  await keyboard(page, name);
  await page.reload();
  await special[kind](page, name);
  await page.reload();
  await picture(page, `${name}-whole`, true);
  await paper(page, name);
  await context.close();
  await schemes(browser, name, file);
  await narrow(browser, name, file);
  await silent(browser, name, file);
  console.log(`${name}: ${statSync(file).size} bytes, opened in ${took.toFixed(0)} ms`);
};
for (const [kind, file] of pages) {
  const nth = (seen.get(kind) ?? 0) + 1;
  seen.set(kind, nth);
  const name = nth === 1 ? kind : `${kind}-${nth}`;
  try {
    await look(kind, name, file);
  } catch (error) {
    problems.push(`${name}: ${error.message.split("\n")[0]}`);
  }
}
await browser.close();

for (const problem of problems) console.log(`PROBLEM ${problem}`);
console.log(`${checked} checks of ${pages.length} pages, ${problems.length} problems; pictures in ${folder}`);
process.exit(problems.length > 0 ? 1 : 0);
