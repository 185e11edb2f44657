"use strict";
// Everything on the page can be read without this. It adds filters, sorting, copying, and opens what a link leads to.
(() => {
  const keys = ["source", "model", "target", "seed"];
  const form = document.getElementById("filters");
  const tagged = [...document.querySelectorAll(keys.map((key) => `[data-${key}]`).join())];
  const lists = [...document.querySelectorAll("[data-list]")];
  const runs = [...document.querySelectorAll("[data-run]")];

  function filter() {
    const chosen = keys.map((key) => [key, form.elements[key].value]).filter(([, value]) => value !== "");
    for (const element of tagged) {
      const out = chosen.some(([key, value]) => key in element.dataset && element.dataset[key] !== value);
      element.classList.toggle("out", out);
    }
    for (const list of lists) {
      const inside = list.querySelectorAll(list.dataset.list);
      list.classList.toggle("none", inside.length > 0 && [...inside].every((item) => item.closest(".out")));
    }
    const shown = runs.filter((run) => !run.closest(".out")).length;
    const seed = form.elements.seed.value === "" ? "" : " Means and intervals are still over all seeds.";
    const chose = chosen.length ? " Axes, and the numbers below a figure, stay those of all." : "";
    form.elements.shown.value = `${shown} of ${runs.length} runs shown.${seed}${chose}`;
  }

  if (form) {
    form.hidden = false;
    form.addEventListener("change", filter);
    form.addEventListener("reset", () => setTimeout(filter));
    filter();
  }

  function value(row, column) {
    const cell = row.cells[column];
    if (!cell) return "";
    const number = Number(cell.dataset.v);
    return cell.dataset.v !== undefined && !Number.isNaN(number) ? number : cell.textContent.trim().toLowerCase();
  }

  function compare(one, other) {
    if (typeof one === "number" && typeof other === "number") return one - other;
    if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
    return one.localeCompare(other, "en", { numeric: true });
  }

  function sort(heading) {
    const table = heading.closest("table");
    const descending = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    for (const body of table.tBodies) {
      const rows = [...body.rows];
      rows.sort((a, b) => compare(value(a, heading.cellIndex), value(b, heading.cellIndex)) * (descending ? -1 : 1));
      body.append(...rows);
    }
  }

  for (const heading of document.querySelectorAll("table.sortable thead th")) {
    if (heading.colSpan > 1 || !heading.textContent.trim()) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(heading.firstChild); // its name; the unit stays beside it
    heading.prepend(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(heading));
  }

  for (const cell of document.querySelectorAll("td.command")) {
    if (!navigator.clipboard) break;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy the command of ${cell.dataset.name}`);
    button.addEventListener("click", async () => {
      let said = "Copied";
      await navigator.clipboard.writeText(cell.querySelector("code").textContent).catch(() => { said = "Not copied"; });
      button.textContent = said;
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    cell.append(button);
  }

  function open() {
    const wanted = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = wanted; at; at = at.parentElement) if (at.matches("details")) at.open = true;
    if (wanted) wanted.scrollIntoView();
  }
  window.addEventListener("hashchange", open);
  open();

  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const part of closed) part.open = true;
  });
  window.addEventListener("afterprint", () => { for (const part of closed) part.open = false; });
})();
