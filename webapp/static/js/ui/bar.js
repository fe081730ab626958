/**
 * The bar and the tabs around every screen: title, back, the unsent count that is always in sight.
 * @module
 */
import { count, t } from "../domain/words.js";
import { DOT } from "./format.js";
import { useIcon } from "./template.js";

/** @import {Counts, SyncState} from '../domain/types.js' */

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id} in the shell`);
  return found;
}

/** The hyphen of a code, after which no line ends. */
const JOINED = "-\u2060";

/** @type {(() => void)|null} */
let onBack = null;

/** Wires the back button once. */
export function initBar() {
  byId("back").addEventListener("click", () => onBack?.());
}

/**
 * @param {{title:string, sub?:string, back?:(() => void)|null, flow?:boolean, tab?:string|null, who?:string}} look
 *   `flow` hides the tabs: the screen's own button is where the thumb is; `who` is signed in, to be tapped to switch
 */
export function setBar({ title, sub = "", back = null, flow = false, tab = null, who = "" }) {
  byId("title").textContent = title;
  setSubtitle(sub);
  byId("who-text").textContent = who;
  byId("who").hidden = !who;
  byId("who").setAttribute("aria-label", t("{who}. Switch person", { who }));
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
function setSubtitle(sub) {
  byId("subtitle").textContent = sub.replaceAll(" · ", DOT).replaceAll("-", JOINED);
  byId("subtitle").hidden = !sub;
}

const ICONS = { safe: "check", attention: "triangle-alert", sealed: "upload" };

/** @param {number} pending @param {number} odd @param {SyncState} sync @returns {keyof typeof ICONS} green only when nothing is left to do */
function toneOf(pending, odd, sync) {
  if (pending === 0) return odd > 0 ? "attention" : "safe";
  return sync.state === "paused" ? "attention" : "sealed";
}

/** "0 unsent" only when the proofs are whole and nothing needs a look. @param {number} unsent @param {number} blobs @param {number} odd @returns {string} */
function seenWords(unsent, blobs, odd) {
  if (unsent === 0 && blobs > 0) return t("{n} to go", { n: blobs });
  return unsent === 0 && odd > 0 ? t("{n} to look at", { n: odd }) : t("{n} unsent", { n: unsent });
}

/** @param {Counts} counts @param {SyncState} sync @param {{tasks:number, odd:number}} open `odd`: handovers that need a look */
export function setCounts(counts, sync, { tasks, odd }) {
  const chip = byId("unsent");
  const unsent = counts.unsent + counts.othersUnsent;
  const unsentBlobs = counts.unsentBlobs + counts.othersUnsentBlobs;
  const pending = unsent + unsentBlobs;
  const tone = toneOf(pending, odd, sync);
  const icon = sync.state === "offline" ? "wifi-off" : ICONS[tone];
  useIcon(chip, icon);
  chip.dataset.tone = tone;
  const seen = seenWords(unsent, unsentBlobs, odd);
  byId("unsent-text").textContent = seen;
  const pictures = unsentBlobs
    ? `, ${t("{pictures} not with the office", { pictures: count(unsentBlobs, "picture") })}`
    : "";
  const network = sync.state === "offline" ? `, ${t("no network")}` : "";
  chip.setAttribute("aria-label", `${seen}${pictures}${network}. ${t("Open the outbox")}`);
  const badge = byId("tasks-count");
  badge.hidden = tasks === 0;
  badge.textContent = tasks ? String(tasks) : "";
}
