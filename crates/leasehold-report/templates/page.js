"use strict";
// Two comforts. Whatever the page says can be read without them.

// A button beside each line that is there to be copied.
for (const line of document.querySelectorAll("pre.line")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(line.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed here";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  const frame = document.createElement("div");
  frame.className = "copied";
  line.replaceWith(frame);
  frame.append(line, button);
}

// Tables are sorted by the column whose title is pressed.
const order = (row, place) => {
  const cell = row.cells[place];
  const number = Number.parseFloat(cell.dataset.number);
  return Number.isNaN(number) ? cell.textContent : number;
};
// What has no number stands behind what has, in whichever direction numbers go.
const before = (one, other, sign) => {
  if (typeof one === "number" && typeof other === "number") return sign * (one - other);
  if (typeof one === "number") return -1;
  if (typeof other === "number") return 1;
  return sign * one.localeCompare(other, "en", { numeric: true });
};
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  if (body.rows.length < 4) continue;
  [...table.tHead.rows[0].cells].forEach((title, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => {
      const ascending = title.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      title.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const rows = [...body.rows];
      rows.sort((a, b) => before(order(a, place), order(b, place), ascending ? 1 : -1));
      body.append(...rows);
    });
  });
}
