/**
 * A refusal the person should read: one error class with a stable code.
 * @module
 */
import { t } from "./words.js";

/** @import {Problem} from './types.js' */

/** What went wrong, in words for the person; `code` is stable and is PROTOCOL's where the server said it. */
export class PhoneError extends Error {
  /**
   * @param {string} code
   * @param {string} title what happened
   * @param {string|null} [detail] what to do
   * @param {unknown} [cause]
   */
  constructor(code, title, detail = null, cause = undefined) {
    super(title, { cause });
    this.name = "PhoneError";
    this.code = code;
    this.title = title;
    this.detail = detail;
  }

  /** @returns {Problem} */
  toProblem() {
    return { code: this.code, title: this.title, detail: this.detail };
  }
}

/**
 * Any error as something to show.
 * @param {unknown} error
 * @returns {Problem}
 */
export function problemOf(error) {
  if (error instanceof PhoneError) return error.toProblem();
  const { message } = /** @type {{message?:unknown}} */ (error ?? {});
  return {
    code: "internal",
    title: "Something went wrong on this phone.",
    detail: message ? String(message) : null,
  };
}

/** @param {unknown} error @returns {string} in one line: what happened and what to do */
export function wordsOf(error) {
  return problemWords(problemOf(error));
}

/** @param {Problem} problem of this phone, or of the server @returns {string} in one line, as far as it is known in the language spoken */
export function problemWords({ title, detail }) {
  const what = t(title ?? ""); // a row kept by an older version may have none
  if (!detail || detail === title) return what;
  return `${what}${/[.!?…。]$/.test(what) ? "" : ":"} ${t(detail)}`;
}
