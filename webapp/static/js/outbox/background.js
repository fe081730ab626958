/**
 * One round with no page open: the service worker wakes, everybody's events and pictures go home, and it sleeps again.
 * The same engine as in a page, so there is one way to send and one to settle; a page that sends meanwhile holds the lock.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { listBlobs } from "../storage/blobs.js";
import { peekOutbox } from "../storage/events.js";
import { currentIdentity, listIdentities } from "../storage/identities.js";
import { lastBegun } from "../storage/place.js";
import { DATABASE } from "../storage/schema.js";
import { existingNames } from "../storage/shelf.js";
import { Store } from "../storage/store.js";
import { makeContext } from "./context.js";
import { SyncEngine } from "./sync.js";

/** @import {Context, PhoneOptions} from './context.js' */

const BUDGET_MS = 120_000; // browsers end a worker's event after five minutes, and one request may take half of that
const PAUSE_MS = 3_000;
const ROUNDS = 5; // a page may hold the lock, or one picture may have to wait

/**
 * @param {PhoneOptions & {pause?:(ms:number) => Promise<void>}} [options] what a test puts in the browser's place
 * @returns {Promise<void>} when nothing is left that could go, or only a person can help
 * @throws {Error} when work is left that a later try may send: the browser then wakes the worker again
 */
export async function flushInBackground(options = {}) {
  const end = (options.now ?? Date.now)() + BUDGET_MS;
  /** @type {unknown[]} */ const failures = [];
  let served = 0;
  const names = await namesOf(options.databaseName);
  for (const name of names.filter((one) => lastBegun(one, names) === one)) {
    const context = withBudget(makeContext(options, new Store(name, { tries: 2 })), end);
    try {
      await context.store.open();
      await sendAll(context, options.pause ?? sleep);
      served += 1;
    } catch (error) {
      failures.push(error); // one database that will not open must not hold back the other
    } finally {
      context.channel?.close();
      context.store.close();
    }
  }
  const isBroken = (/** @type {unknown} */ error) =>
    error instanceof PhoneError && error.code === "storage-unavailable";
  const worth = served > 0 ? failures.filter((error) => !isBroken(error)) : failures;
  if (worth.length > 0) throw worth[0];
}

/**
 * A worker cannot read which database is in use: it asks for all there are. Of those with the same second copy it is the
 * last; the others are for a page to take in.
 * @param {string} [only]
 * @returns {Promise<string[]>}
 */
async function namesOf(only) {
  return only ? [only] : [...new Set([DATABASE, ...(await existingNames())])];
}

/**
 * @param {Context & {end:number}} context
 * @param {(ms:number) => Promise<void>} pause
 */
async function sendAll(context, pause) {
  const engine = listeningTo(new SyncEngine(context), context);
  for (let round = 1; ; round += 1) {
    const { state } = await engine.kick("background");
    const left = await devicesLeft(context);
    if (left.length === 0) return;
    const current = (await currentIdentity(context.store))?.device;
    if (state === "paused" && left.every((device) => device === current)) return; // only a person helps
    if (state !== "idle" || round === ROUNDS || context.now() >= context.end) {
      throw new Error(`work is left, and sending is ${state}`);
    }
    await pause(PAUSE_MS);
  }
}

/**
 * After its time no request is begun any more; what is unsettled then simply goes again.
 * @param {Context} context
 * @param {number} end ms
 * @returns {Context & {end:number}}
 */
function withBudget(context, end) {
  /** @type {typeof globalThis.fetch} */
  const fetch = async (...request) => {
    if (context.now() > end) throw new TypeError("no time is left for another request");
    return context.fetch(...request);
  };
  return { ...context, fetch, end };
}

/**
 * Pages that are open, but asleep, read again what was settled under them.
 * @param {SyncEngine} engine
 * @param {Context} context
 * @returns {SyncEngine}
 */
function listeningTo(engine, { channel }) {
  for (const name of ["settled", "age"]) engine.addEventListener(name, () => channel?.postMessage("outbox"));
  engine.addEventListener("list", () => channel?.postMessage("all"));
  return engine;
}

/** @param {Context} context @returns {Promise<string[]>} whose events or pictures still wait to be sent */
async function devicesLeft({ store }) {
  const left = [];
  for (const { device } of await listIdentities(store)) {
    const events = await peekOutbox(store, device);
    const pictures = await listBlobs(store, device);
    const isLeft = events.some(({ parked }) => !parked) || pictures.some(({ state }) => state === "wanted");
    if (isLeft) left.push(device);
  }
  return left;
}

/** @param {number} ms @returns {Promise<void>} */
function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
