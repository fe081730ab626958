/**
 * The words that Photo asks for where the reason is "other": without them the office learns nothing.
 * @module
 */
import { el, on, part } from "../ui/template.js";

/** @import {OpenDraft} from './flow.js' */
/** @import {App} from './context.js' */

export class PhotoNote {
  /** @type {App} */ #app;
  /** @type {OpenDraft} */ #draft;
  /** @type {HTMLElement} */ #field;
  /** @type {HTMLTextAreaElement} */ #words;
  /** Where somebody signs, the note is of what is damaged, and Sign asks for it. */
  #isSigned;
  #saveSoon = 0;

  /** @param {App} app @param {HTMLElement} screen @param {OpenDraft} draft @param {() => void} changed */
  constructor(app, screen, draft, changed) {
    this.#app = app;
    this.#draft = draft;
    this.#isSigned = app.flow.steps.sign;
    this.#field = el(screen, "note-field");
    this.#words = part(screen, "note", HTMLTextAreaElement);
    this.#words.value = draft.note ?? "";
    this.#field.hidden = !this.#isAsked;
    on(screen, "note", "input", () => {
      this.keep();
      changed();
    });
  }

  get #isAsked() {
    return this.#draft.reason === "other" && !this.#isSigned;
  }

  /** @returns {boolean} it cannot be sealed without */
  get isMissing() {
    return this.#isAsked && !this.#draft.note;
  }

  /** What is typed goes into the draft, and out of it with its reason; it is saved when the fingers rest. */
  keep() {
    if (this.#isSigned) return;
    this.#field.hidden = !this.#isAsked;
    this.#draft.note = (this.#isAsked && this.#words.value.trim()) || null;
    clearTimeout(this.#saveSoon);
    this.#saveSoon = window.setTimeout(() => void this.#app.flow.save(), 250);
  }

  leave() {
    clearTimeout(this.#saveSoon);
    if (this.#saveSoon && this.#app.flow.draft === this.#draft) void this.#app.flow.save();
  }
}
