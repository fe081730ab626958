/**
 * The worklist and the rules in memory, so that a scan is judged and a page is drawn without waiting.
 * @module
 */
import { trackingKey } from "../domain/codes.js";
import { emptyWorklist } from "../domain/worklist.js";

/** @import {Notice, Parcel, Rules, Run, Task, Worklist} from '../domain/types.js' */

/** What `Phone` answers synchronously. */
export class Lists extends EventTarget {
  /** @type {Worklist} */ #worklist = emptyWorklist();
  /** @type {Rules|null} */ #rules = null;

  /** @param {Worklist|null} worklist @param {Rules|null} rules */
  keepLists(worklist, rules) {
    this.#worklist = worklist ?? emptyWorklist();
    this.#rules = rules;
  }

  /** @param {string} asOf RFC 3339 */
  keepAge(asOf) {
    this.#worklist.asOf = asOf;
  }

  /** @param {string} [day] 2026-11-22; all open days when left out @returns {Run[]} open ones first */
  runs(day) {
    const all = [...this.#worklist.runs.values()].filter((run) => !day || run.day === day);
    return all.sort(
      (a, b) => compared(b.state, a.state) || compared(a.day, b.day) || compared(a.title, b.title),
    );
  }

  /** @param {string} id @returns {Run|null} */
  run(id) {
    return this.#worklist.runs.get(id) ?? null;
  }

  /** @param {string} code @returns {Parcel|null} */
  parcel(code) {
    return this.#worklist.parcels.get(code) ?? null;
  }

  /** @param {string} trackingNumber @returns {Parcel|null} */
  parcelByTracking(trackingNumber) {
    const code = this.#worklist.byTracking.get(trackingKey(trackingNumber));
    return code ? this.parcel(code) : null;
  }

  /** @returns {Task[]} oldest first */
  tasks() {
    return [...this.#worklist.tasks.values()].sort((a, b) => compared(a.created_at, b.created_at));
  }

  /** @returns {Notice[]} newest first */
  notices() {
    return [...this.#worklist.notices.values()].sort((a, b) => compared(b.at, a.at));
  }

  /** @returns {Worklist} for `judge` */
  get worklist() {
    return this.#worklist;
  }

  /** @returns {string|null} RFC 3339, how old the phone's list is */
  get worklistAsOf() {
    return this.#worklist.asOf;
  }

  /** @returns {Rules|null} null until the first pull */
  get rules() {
    return this.#rules;
  }
}

/**
 * In the order of their characters. A browser's own collation takes longer to wake than all else Home does.
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
function compared(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
