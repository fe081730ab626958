/**
 * The phone's copy of its worklist: how a page of changes is merged into it.
 * @module
 */

import { trackingKey } from "./codes.js";

/** @import {Parcel, Worklist, WorklistPage} from './types.js' */

/** @returns {Worklist} */
export function emptyWorklist() {
  return {
    parcels: new Map(),
    byTracking: new Map(),
    runs: new Map(),
    tasks: new Map(),
    notices: new Map(),
    asOf: null,
  };
}

/**
 * Tracking number → code.
 * @param {Iterable<Parcel>} parcels
 * @returns {Map<string, string>}
 */
export function indexTracking(parcels) {
  /** @type {Map<string, string>} */
  const byTracking = new Map();
  for (const { tracking_number: number, code } of parcels) {
    if (number) byTracking.set(trackingKey(number), code);
  }
  return byTracking;
}

/**
 * @param {unknown} value
 * @returns {value is WorklistPage} has every list; a body that has not is no worklist and changes nothing
 */
export function isWorklistPage(value) {
  const page = /** @type {Partial<WorklistPage>|null} */ (value);
  if (typeof page !== "object" || page === null) return false;
  if (typeof page.epoch !== "string" || typeof page.cursor !== "string") return false;
  return [page.parcels, page.runs, page.tasks, page.notices].every(
    (changes) => Array.isArray(changes?.upserts) && Array.isArray(changes?.removes),
  );
}

/**
 * Joins the pages of one pull: later ones win.
 * @param {WorklistPage[]} pages in the order received, at least one
 * @returns {WorklistPage} one page that does the same; `reset` if any did, and then only what came from that page on
 */
export function joinPages(pages) {
  const from = pages.map(({ reset }) => Boolean(reset)).lastIndexOf(true);
  const kept = from < 0 ? pages : pages.slice(from);
  const last = /** @type {WorklistPage} */ (pages.at(-1));
  return {
    ...last,
    reset: from >= 0,
    parcels: joinChanges(
      kept.map((page) => page.parcels),
      ({ code }) => code,
    ),
    runs: joinChanges(
      kept.map((page) => page.runs),
      ({ id }) => id,
    ),
    tasks: joinChanges(
      kept.map((page) => page.tasks),
      ({ id }) => id,
    ),
    notices: joinChanges(
      kept.map((page) => page.notices),
      ({ id }) => id,
    ),
  };
}

/**
 * @template T
 * @param {{upserts:T[], removes:string[]}[]} list
 * @param {(item:T) => string} key
 * @returns {{upserts:T[], removes:string[]}}
 */
function joinChanges(list, key) {
  /** @type {Map<string, T|null>} */
  const last = new Map();
  for (const { upserts, removes } of list) {
    for (const gone of removes) last.set(gone, null);
    for (const item of upserts) last.set(key(item), item);
  }
  const entries = [...last.entries()];
  return {
    upserts: entries.flatMap(([, item]) => (item === null ? [] : [item])),
    removes: entries.flatMap(([id, item]) => (item === null ? [id] : [])),
  };
}
