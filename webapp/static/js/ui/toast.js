/**
 * A short word at the top of any screen, for what has no place of its own.
 * @module
 */
import { shout } from './announce.js';
import { clone, text } from './template.js';

const SHOWN_MS = 6000;

/** @type {HTMLElement|null} */
let shown = null;

/**
 * @param {string} words
 * @param {'safe'|'attention'|'stop'|'sealed'} [tone]
 * @param {{stay?:boolean}} [options]
 */
export function toast(words, tone = 'sealed', { stay = false } = {}) {
  shown?.remove();
  const box = clone('toast');
  box.dataset.tone = tone;
  text(box, 'text', words);
  const close = () => box.remove();
  box.querySelector('button')?.addEventListener('click', close);
  document.body.append(box);
  shown = box;
  shout(words);
  if (!stay) setTimeout(close, SHOWN_MS);
}
