/**
 * The worklist and the rules in memory, so that a scan is judged and a page is drawn without waiting.
 * @module
 */
import { trackingKey } from "../domain/codes.js";
import { emptyWorklist } from "../domain/worklist.js";

/** @import {Notice, Parcel, Rules, Run, Task, Worklist} from '../domain/types.js' */
/** @typedef {import('../storage/meta.js').MetaValues['offset']} Offset */

/** What `Phone` answers synchronously. */
export class Lists extends EventTarget {
  /** @type {Worklist} */ #worklist = emptyWorklist();
  /** @type {Rules|null} */ #rules = null;
  /** @type {Offset|null} */ #offset = null;

  /** @param {{worklist:Worklist, rules:Rules|null, offset:Offset|null}|null} kept null: of nobody */
  keepLists(kept) {
    this.#worklist = kept?.worklist ?? emptyWorklist();
    this.#rules = kept?.rules ?? null;
    this.#offset = kept?.offset ?? null;
  }

  /** @param {string} asOf RFC 3339 @param {Offset|null} offset */
  keepAge(asOf, offset) {
    this.#worklist.asOf = asOf;
    this.#offset = offset;
  }

  /**
   * The office's time as far as it is known: a phone may be set to another day.
   * @param {number} clock this phone's own, ms
   * @returns {number} ms; never before the list was made
   */
  officeTime(clock) {
    const offset = this.#offset && clock >= this.#offset.at ? this.#offset.ms : 0; // else it was set back since
    return Math.max(clock + offset, Date.parse(this.#worklist.asOf ?? "") || 0);
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
