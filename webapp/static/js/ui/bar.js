/**
 * The bar and the tabs around every screen: title, back, the unsent count that is always in sight.
 * @module
 */

/** @import {Counts, SyncState} from '../domain/types.js' */

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id} in the shell`);
  return found;
}

/** @type {(() => void)|null} */
let onBack = null;

/** Wires the back button once. */
export function initBar() {
  byId("back").addEventListener("click", () => onBack?.());
}

/**
 * @param {{title:string, sub?:string, back?:(() => void)|null, flow?:boolean, tab?:string|null}} look
 *   `flow` hides the tabs: the screen's own button is where the thumb is
 */
export function setBar({ title, sub = "", back = null, flow = false, tab = null }) {
  byId("title").textContent = title;
  byId("subtitle").textContent = sub;
  byId("subtitle").hidden = !sub;
  document.title = title === "Baton" ? "Baton" : `${title} · Baton`;
  onBack = back;
  byId("back").hidden = !back;
  byId("tabs").hidden = flow;
  document.body.classList.toggle("in-flow", flow);
  for (const link of byId("tabs").querySelectorAll("a")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** @param {boolean} shown false before anybody is enrolled: there is nothing to count and nowhere to go */
export function showAround(shown) {
  byId("unsent").hidden = !shown;
  if (!shown) byId("tabs").hidden = true;
}

/** @param {string} sub */
export function setSubtitle(sub) {
  byId("subtitle").textContent = sub;
  byId("subtitle").hidden = !sub;
}

/** @param {Counts} counts @param {SyncState} sync @param {number} tasks */
export function setCounts(counts, sync, tasks) {
  const chip = byId("unsent");
  const pending = counts.unsent + counts.unsentBlobs;
  const icon =
    sync.state === "offline"
      ? "wifi-off"
      : pending === 0
        ? "check"
        : sync.state === "paused"
          ? "triangle-alert"
          : "upload";
  chip.querySelector("use")?.setAttribute("href", `/static/vendor/lucide-1.62.0/sprite.svg#${icon}`);
  chip.dataset.tone = pending === 0 ? "safe" : sync.state === "paused" ? "attention" : "sealed";
  // Events sent but photos still here is not "0 unsent": the proof is not whole yet.
  const photosOnly = counts.unsent === 0 && counts.unsentBlobs > 0;
  const seen = photosOnly ? `${counts.unsentBlobs} to go` : `${counts.unsent} unsent`;
  byId("unsent-text").textContent = seen;
  const photos = counts.unsentBlobs ? `, ${counts.unsentBlobs} photos not with the office` : "";
  const network = sync.state === "offline" ? ", no network" : "";
  chip.setAttribute("aria-label", `${seen}${photos}${network}. Open the outbox`);
  const badge = byId("tasks-count");
  badge.hidden = tasks === 0;
  badge.textContent = tasks ? String(tasks) : "";
}
