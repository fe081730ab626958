/**
 * Lets go of what the server has had for long enough: the event and every picture of it, nothing sooner.
 * @module
 */
import { dropOrphans } from "./blobs.js";
import { ownRows } from "./schema.js";

/** @import {BlobRow, EventRow} from '../domain/types.js' */
/** @import {Store} from './store.js' */

const DAY_MS = 86_400_000;

/**
 * @param {Store} store
 * @param {string} device
 * @param {{now:number, clock:number, retainDays:number}} terms `now` by the server's clock, `clock` this phone's own, ms
 * @returns {Promise<{events:number, pictures:number}>} how many were let go
 */
export async function releaseOld(store, device, { now, clock, retainDays }) {
  const before = now - retainDays * DAY_MS;
  const events = await store.write(["events", "sealed", "blobs", "blob_bytes"], async (tx) => {
    const all = await tx.objectStore("events").getAll(ownRows(device));
    const rows = await tx.objectStore("blobs").getAll(ownRows(device));
    const blobs = new Map(rows.map((row) => [row.sha256, row]));
    const old = all.filter((event) => isDone(event, blobs, before));
    for (const { seq, id, blobs: refs } of old) {
      await tx.objectStore("events").delete([device, seq]);
      await tx.objectStore("sealed").delete([device, seq]);
      for (const { sha256 } of refs) {
        const row = blobs.get(sha256);
        if (!row) continue;
        row.events = row.events.filter((other) => other !== id);
        await (row.events.length > 0
          ? tx.objectStore("blobs").put(row)
          : tx.objectStore("blobs").delete([device, sha256]));
        if (row.events.length === 0) await tx.objectStore("blob_bytes").delete([device, sha256]);
      }
    }
    return old.length;
  });
  return { events, pictures: await dropOrphans(store, device, clock - DAY_MS) };
}

/**
 * @param {EventRow} event
 * @param {Map<string, BlobRow>} blobs
 * @param {number} before ms
 * @returns {boolean}
 */
function isDone({ state, settledAt, blobs: refs, kind }, blobs, before) {
  if (state !== "settled" || settledAt === null || settledAt >= before) return false;
  if (kind === "blob_lost") return true;
  return refs.every(({ sha256 }) => {
    const known = blobs.get(sha256)?.state;
    return known === "held" || known === "lost";
  });
}
