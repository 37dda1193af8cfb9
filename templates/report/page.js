"use strict";
// Search, filters, sorting and arrow keys for the table. Without this script the page shows everything.
(() => {
  const table = document.getElementById("grid");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const search = document.getElementById("search");
  const state = document.getElementById("state");
  const platform = document.getElementById("platform");
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const details = document.getElementById("details");
  const cellsOf = (row) => Array.from(row.querySelectorAll("td.cell"));

  function matches(row) {
    const words = search.value.trim().toLowerCase();
    const text = `${row.dataset.name} ${row.dataset.kind}`.toLowerCase();
    if (!text.includes(words)) return false;
    if (platform.value === "") return state.value === "" || row.dataset.state === state.value;
    const button = cellsOf(row)[Number(platform.value)].firstElementChild;
    return button !== null && (state.value === "" || button.classList.contains(state.value));
  }

  function filter() {
    let count = 0;
    for (const row of rows) {
      row.hidden = !matches(row);
      if (!row.hidden) count += 1;
    }
    shown.textContent = `${count} of ${rows.length} shown`;
    none.hidden = count > 0;
    enter();
  }

  function sort(header) {
    const key = header.dataset.sort;
    const numeric = header.classList.contains("number");
    const rising = header.getAttribute("aria-sort") !== (numeric ? "descending" : "ascending") ? !numeric : numeric;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const compare = numeric
      ? (a, b) => Number(a.dataset[key]) - Number(b.dataset[key])
      : (a, b) => a.dataset[key].localeCompare(b.dataset[key]);
    rows.sort((a, b) => (rising ? compare(a, b) : compare(b, a)));
    body.append(...rows);
    enter();
  }

  // One cell of the table is in the order of the Tab key; arrow keys move from there.
  let current = null;
  function choose(button) {
    if (current !== null) current.tabIndex = -1;
    current = button;
    if (current !== null) current.tabIndex = 0;
  }

  function enter() {
    if (current !== null && !current.closest("tr").hidden) return;
    const row = rows.find((each) => !each.hidden && each.querySelector("td.cell button") !== null);
    choose(row === undefined ? null : row.querySelector("td.cell button"));
  }

  function move(button, down, right) {
    let row = button.closest("tr");
    let column = cellsOf(row).indexOf(button.parentElement);
    for (;;) {
      if (down !== 0) {
        do {
          row = down > 0 ? row.nextElementSibling : row.previousElementSibling;
        } while (row !== null && row.hidden);
        if (row === null) return;
      } else {
        column += right;
      }
      const cell = cellsOf(row)[column];
      if (cell === undefined) return;
      if (cell.firstElementChild !== null) {
        cell.firstElementChild.focus();
        return;
      }
    }
  }

  const keys = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
  body.addEventListener("keydown", (event) => {
    const button = event.target.closest("td.cell button");
    if (button === null || keys[event.key] === undefined) return;
    event.preventDefault();
    move(button, ...keys[event.key]);
  });
  const show = (event) => {
    const button = event.target.closest("td.cell button");
    if (button !== null) details.textContent = button.title;
  };
  body.addEventListener("focusin", (event) => {
    const button = event.target.closest("td.cell button");
    if (button !== null) choose(button);
    show(event);
  });
  body.addEventListener("pointerover", show);
  body.addEventListener("click", show);

  for (const header of table.tHead.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(header));
    header.replaceChildren(button);
  }
  const controls = document.getElementById("controls");
  controls.hidden = false;
  controls.addEventListener("submit", (event) => event.preventDefault());
  for (const control of [search, state, platform]) control.addEventListener("input", filter);
  document.getElementById("reset").addEventListener("click", () => {
    controls.reset();
    filter();
    search.focus();
  });
  enter();
})();
