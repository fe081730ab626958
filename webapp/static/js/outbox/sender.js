/**
 * One sender among the tabs, to save work: a Web Lock held for one request only, with a heartbeat, so that a frozen tab
 * can be passed over; a lease in the database where there are no locks. Correctness does not hang on it, the server's
 * idempotency carries that.
 * @module
 */
import { getMeta, setMeta, takeLease } from "../storage/meta.js";

/** @import {Context} from './context.js' */

const NAME = "baton-send";
const STALE_MS = 180_000; // longer than the longest deadline of a request
const BUSY = Symbol("busy");

/** @typedef {typeof BUSY} Busy */

/** @param {unknown} value @returns {value is Busy} */
export function isBusy(value) {
  return value === BUSY;
}

/**
 * @template T
 * @param {Context} context
 * @param {() => Promise<T>} work one request and what follows from it
 * @returns {Promise<T|Busy>} busy: another tab is at it
 */
export async function asOnlySender(context, work) {
  const { store, locks, now, tab } = context;
  if (!locks) return (await takeLease(store, tab, now(), STALE_MS)) ? work() : BUSY;
  const guarded = async (/** @type {Lock|null} */ lock) => {
    if (lock === null) return BUSY;
    await showLife(context);
    return work();
  };
  try {
    const result = await locks.request(NAME, { ifAvailable: true }, guarded);
    if (result !== BUSY || !(await isStale(context))) return result;
    return await locks.request(NAME, { steal: true }, guarded);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return BUSY; // stolen from us: we were frozen
    throw error;
  }
}

/**
 * The heartbeat of whoever sends.
 * @param {Context} context
 * @returns {Promise<void>}
 */
export async function showLife({ store, now }) {
  await setMeta(store, "", "heartbeat", now());
}

/** @param {Context} context @returns {Promise<boolean>} the holder has shown no life for longer than any request may take */
async function isStale({ store, now }) {
  const beat = await getMeta(store, "", "heartbeat");
  return beat === null || Math.abs(now() - beat) > STALE_MS;
}

/**
 * Lets the next tab have its turn at once where a lease stands in for the lock.
 * @param {Context} context
 * @returns {Promise<void>}
 */
export async function endTurn({ store, locks, tab }) {
  if (locks) return;
  const lease = await getMeta(store, "", "lease");
  if (lease?.owner === tab) await setMeta(store, "", "lease", null);
}
