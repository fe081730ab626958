/**
 * Sheets: modal questions cloned from templates. One at a time; Escape or the back key is the safe answer.
 * @module
 */
import { button, clone, el, text, textOrHide } from "./template.js";

/** @type {Set<HTMLDialogElement>} */
const shown = new Set();

/** What is asked on a screen that goes has no answer any more. */
export function closeAll() {
  for (const dialog of shown) dialog.close("");
}

/** @returns {boolean} somebody is asked something: what goes on behind it is not meant */
export function isAsking() {
  return shown.size > 0;
}

/**
 * Shows a cloned dialog and resolves with its returnValue when it closes; it is then removed.
 * @param {HTMLElement} dialog
 * @returns {Promise<string>} '' when dismissed
 */
export function open(dialog) {
  if (!(dialog instanceof HTMLDialogElement)) throw new Error("a sheet is a dialog");
  document.body.append(dialog);
  dialog.returnValue = "";
  dialog.showModal();
  shown.add(dialog);
  dialog.querySelector("h2")?.focus();
  const closeOnLeave = () => dialog.close("");
  addEventListener("hashchange", closeOnLeave, { once: true });
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        removeEventListener("hashchange", closeOnLeave);
        shown.delete(dialog);
        dialog.remove();
        resolve(dialog.returnValue);
      },
      { once: true },
    );
  });
}

/**
 * A question with a few big answers.
 * @param {string} title
 * @param {string} words
 * @param {{value:string, label:string, tone?:'primary'|'danger'|'plain'}[]} answers
 * @returns {Promise<string>} the value, or '' when dismissed
 */
export function ask(title, words, answers) {
  const dialog = clone("ask");
  text(dialog, "title", title);
  textOrHide(dialog, "text", words);
  for (const { value, label, tone = "plain" } of answers) {
    const answer = clone("ask-button");
    const press = button(answer, "button");
    press.value = value;
    press.textContent = label;
    if (tone !== "plain") press.classList.add(`btn-${tone}`);
    el(dialog, "buttons").append(answer);
  }
  return open(dialog);
}
