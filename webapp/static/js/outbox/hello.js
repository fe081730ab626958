/**
 * Asks the server who it is: its epoch, its limits, and how far the phone's clock is off.
 * @module
 */
import { DEFAULT_LIMITS } from "../domain/batches.js";
import { listIdentities } from "../storage/identities.js";
import { getMeta, setMeta } from "../storage/meta.js";
import { noticeEpoch } from "../storage/settling.js";
import { request } from "./http.js";

/** @import {Limits} from '../domain/types.js' */
/** @import {MetaValues} from '../storage/meta.js' */
/** @import {Context} from './context.js' */

const FRESH_MS = 600_000;
/** A phone that slept in the middle of a request does not know when the server answered. */
const LONGEST_MS = 10_000;
const RETAIN_DAYS = 14;

/** @typedef {{epoch:string, server_time:string, min_client?:string, limits?:Partial<Limits>, retain_acked_days?:number}} Hello */

/**
 * @param {Context} context
 * @param {string} device
 * @returns {Promise<MetaValues['hello']>} the last known, or what PROTOCOL promises
 */
export async function knownHello({ store }, device) {
  return (
    (await getMeta(store, device, "hello")) ?? {
      limits: DEFAULT_LIMITS,
      retainDays: RETAIN_DAYS,
      minClient: null,
    }
  );
}

/**
 * @param {Context} context
 * @param {string} device
 * @returns {Promise<MetaValues['offset']|null>} null: not measured for ten minutes, or the phone's clock went back since
 */
export async function freshOffset({ store, now }, device) {
  const last = await getMeta(store, device, "offset");
  const passed = last ? now() - last.at : -1;
  return passed >= 0 && passed < FRESH_MS ? last : null;
}

/**
 * Measures again when the last measure is not fresh.
 * @param {Context} context
 * @param {string} device
 * @returns {Promise<boolean>} false: there was no Baton at the other end
 */
export async function sayHello(context, device) {
  const { store, now } = context;
  if (await freshOffset(context, device)) return true;
  const start = now();
  const answer = await request(context, "/sync/v1/hello");
  const end = now();
  if (!answer.protocol) return false;
  const hello = /** @type {Partial<Hello>|null} */ (answer.json);
  if (answer.status !== 200 || typeof hello?.epoch !== "string") return true; // a Baton, but not well: let the batch be judged
  const serverTime = Date.parse(String(hello.server_time));
  if (Number.isFinite(serverTime) && end >= start && end - start <= LONGEST_MS) {
    const ms = Math.round(serverTime - (start + end) / 2); // the answer was written about half-way
    await setMeta(store, device, "offset", { ms, at: end });
  }
  await setMeta(store, device, "hello", {
    limits: { ...DEFAULT_LIMITS, ...hello.limits },
    retainDays: Math.max(RETAIN_DAYS, hello.retain_acked_days ?? 0),
    minClient: hello.min_client ?? null,
  });
  // Whoever is not signed in may have nothing to send, and would never ask: what a restored server lost is theirs too.
  for (const row of await listIdentities(store)) await noticeEpoch(store, row.device, hello.epoch, end);
  return true;
}
