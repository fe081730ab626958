/**
 * What goes into the next request: events in their order within count and byte budget; pictures small before large.
 * @module
 */

import { LONGEST_MS } from "./backoff.js";

/** @import {BlobRow, Limits, OutboxRow} from './types.js' */

/** What PROTOCOL §3 promises until the server's hello says otherwise. @type {Limits} */
export const DEFAULT_LIMITS = {
  max_events: 200,
  max_batch_bytes: 1_048_576,
  max_event_bytes: 65_536,
  max_blob_bytes: 10_485_760,
};

const ENVELOPE_BYTES = 2_048; // sent_at, queue and brackets around the events
const PER_EVENT_BYTES = 3; // two quotes and a comma

/**
 * Whether a row's own wait is over. One further off than any wait is a clock that went back: do not wait for it.
 * @param {{notBefore:number}} row
 * @param {number} now ms
 * @returns {boolean}
 */
export function isDue({ notBefore }, now) {
  return notBefore <= now || notBefore - now > LONGEST_MS;
}

/**
 * @param {OutboxRow[]} rows in order of seq
 * @param {{limits:Limits, most:number, now:number}} budget `most`: no more events than this, whatever the limits say
 * @returns {OutboxRow[]} never empty while one row may go: a row over the byte budget goes alone, the server shall judge it
 */
export function nextBatch(rows, { limits, most, now }) {
  const count = Math.max(1, Math.min(limits.max_events, most));
  /** @type {OutboxRow[]} */
  const batch = [];
  let bytes = ENVELOPE_BYTES;
  for (const row of rows) {
    if (row.parked || !isDue(row, now)) continue;
    bytes += row.size + PER_EVENT_BYTES;
    if (batch.length > 0 && (batch.length === count || bytes > limits.max_batch_bytes)) break;
    batch.push(row);
  }
  return batch;
}

/**
 * @param {BlobRow[]} blobs
 * @param {number} now ms
 * @returns {BlobRow[]} those to send now, small before large
 */
export function uploadOrder(blobs, now) {
  return blobs
    .filter((blob) => blob.state === "wanted" && isDue(blob, now))
    .sort((a, b) => a.size - b.size || a.storedAt - b.storedAt);
}

/**
 * When the earliest waiting row may go, for the timer.
 * @param {{notBefore:number}[]} rows
 * @param {number} now ms
 * @returns {number|null} ms since 1970
 */
export function earliest(rows, now) {
  const times = rows.map(({ notBefore }) => notBefore).filter((at) => at > now);
  return times.length ? Math.min(...times) : null;
}
