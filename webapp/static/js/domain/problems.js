/**
 * A refusal the person should read: one error class with a stable code.
 * @module
 */

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
