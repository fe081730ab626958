/**
 * A short word at the top of any screen, for what has no place of its own.
 * @module
 */
import { shout } from "./announce.js";
import { clone, text } from "./template.js";

/** A refusal takes longer to read than a nod. */
const SHOWN_MS = { safe: 3500, sealed: 3500, attention: 7000, stop: 9000 };

/** @type {HTMLElement|null} */
let shown = null;

/**
 * @param {string} words
 * @param {'safe'|'attention'|'stop'|'sealed'} [tone]
 * @param {{stay?:boolean}} [options]
 */
export function toast(words, tone = "sealed", { stay = false } = {}) {
  shown?.remove();
  const box = clone("toast");
  box.dataset.tone = tone;
  text(box, "text", words);
  const close = () => box.remove();
  box.querySelector("button")?.addEventListener("click", close);
  document.getElementById("toasts")?.append(box);
  shown = box;
  shout(words);
  if (!stay) setTimeout(close, SHOWN_MS[tone]);
}
