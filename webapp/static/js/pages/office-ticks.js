/* A tick in a table's head for all of its rows. It stays hidden without this script: the pages have a press for all. */

const BOXES = 'tbody td.tick input[type="checkbox"]';

/**
 * The tick in the head of the table that something stands in.
 * @param {Element} within
 * @returns {HTMLInputElement|null}
 */
function headOf(within) {
  return within.closest("table")?.querySelector("[data-tick-all] input") ?? null;
}

/**
 * The ticks of the rows below a head.
 * @param {Element} head
 * @returns {HTMLInputElement[]}
 */
function rowsOf(head) {
  return [...(head.closest("table")?.querySelectorAll(BOXES) ?? [])].filter(
    (it) => it instanceof HTMLInputElement,
  );
}

/**
 * Ticked when all rows are, and neither when some are.
 * @param {HTMLInputElement} head
 */
function follow(head) {
  const rows = rowsOf(head);
  const ticked = rows.filter((row) => row.checked).length;
  head.checked = ticked > 0 && ticked === rows.length;
  head.indeterminate = ticked > 0 && ticked < rows.length;
}

/** Shows the heads of the page as its rows stand, also after the browser has brought ticks back. */
export function showTickAll() {
  for (const label of document.querySelectorAll("[data-tick-all]")) {
    const head = label.querySelector("input");
    if (!(label instanceof HTMLElement) || !head) continue;
    label.hidden = false;
    follow(head);
  }
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  const head = headOf(box);
  if (!head) return;
  if (box === head) for (const row of rowsOf(head)) row.checked = head.checked;
  else follow(head);
});
window.addEventListener("pageshow", showTickAll);
document.addEventListener("htmx:afterSettle", showTickAll);
