"use strict";
// Headings become buttons that sort; without scripts the tables stand as they were saved.
for (const table of document.querySelectorAll("table")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const rising = header.getAttribute("aria-sort") !== "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", rising ? "ascending" : "descending");
      sort(table.tBodies[0], column, header.classList.contains("number"), rising ? 1 : -1);
    });
  });
}

function sort(body, column, byNumber, way) {
  const said = (row) => row.cells[column].dataset.digits ?? (byNumber ? "" : row.cells[column].textContent);
  const order = (one, other) => {
    const [a, b] = [said(one), said(other)];
    if (a === "" || b === "") return (a === "") - (b === "");       // what has no value stays at the end
    return way * (byNumber ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
  };
  body.append(...[...body.rows].sort(order));
}
