/**
 * What the phone tells the server about its queue with every batch, so that the office knows what it has not got yet.
 * @module
 */
import { ownRows } from "../storage/schema.js";

/** @import {Context} from './context.js' */

const ANSWER_MS = 2_000;

/**
 * @typedef {{unsent:number, unsent_blobs:number, oldest_at:string|null, head_seq:number,
 *   storage:{usage:number|null, quota:number|null, persisted:boolean}, client:string,
 *   storage_lost?:{name:string, at:string, why:string}[]}} QueueReport `storage_lost`: stores that do not open
 */

/**
 * What is left once the batch it goes with is taken: nothing may follow that could tell it later.
 * @param {Context} context
 * @param {string} device
 * @param {number[]} [sent] the seqs in that batch
 * @returns {Promise<QueueReport>}
 */
export async function queueReport(context, device, sent = []) {
  const going = new Set(sent);
  const counted = await context.store.read(["outbox", "events", "blobs", "chains"], async (tx) => {
    const all = await tx.objectStore("outbox").getAll(ownRows(device));
    const rows = all.filter(({ seq }) => !going.has(seq));
    const oldest = rows[0] ? await tx.objectStore("events").get([device, rows[0].seq]) : undefined;
    const blobs = await tx.objectStore("blobs").getAll(ownRows(device));
    const head = await tx.objectStore("chains").get(device);
    const unsentBlobs = blobs.filter(({ state }) => state === "wanted" || state === "refused").length;
    return {
      unsent: rows.length,
      unsent_blobs: unsentBlobs,
      oldest_at: oldest?.at ?? null,
      head_seq: head?.seq ?? 0,
    };
  });
  const lost = context.shelf.lost.map(({ name, at, why }) => ({ name, at, why }));
  const report = { ...counted, storage: await estimate(context), client: context.client };
  return lost.length > 0 ? { ...report, storage_lost: lost } : report;
}

/**
 * @param {Context} context
 * @returns {Promise<{usage:number|null, quota:number|null, persisted:boolean}>} nulls where the browser will not say
 */
export async function estimate({ storageManager }) {
  const { usage = null, quota = null } = (await soon(storageManager?.estimate?.())) ?? {};
  const persisted = (await soon(storageManager?.persisted?.())) ?? false;
  return { usage, quota, persisted };
}

/** Nobody's photo waits for a browser that does not answer. @template T @param {Promise<T>|undefined} asked */
async function soon(asked) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const given = new Promise((/** @type {(nothing: null) => void} */ done) => {
    timer = setTimeout(() => done(null), ANSWER_MS);
  });
  try {
    return await Promise.race([Promise.resolve(asked).catch(() => null), given]);
  } finally {
    clearTimeout(timer);
  }
}
