/**
 * What the pages count: 17 of 20 and which are missing; what is unsent; the state of each sealed handover.
 * @module
 */
import { predictAll } from "./transitions.js";

/** @import {BlobRow, Draft, EventRow, ItemState, OutboxItem, Parcel, Rules, Run} from './types.js' */

/** @typedef {{events:EventRow[], blobs:Map<string, BlobRow>, headSeq:number}} Listed */

/**
 * @param {Draft} draft
 * @param {Run|null} run
 * @returns {{scanned:number, expected:number|null, missing:string[], surplus:string[]}} `scanned` counts those on the run;
 *   without a run, all
 */
export function progress(draft, run) {
  const scanned = new Set(draft.scans.map(({ code }) => code));
  if (!run) return { scanned: scanned.size, expected: draft.expected, missing: [], surplus: [] };
  const listed = new Set(run.parcels);
  const missing = run.parcels.filter((code) => !scanned.has(code));
  const surplus = [...scanned].filter((code) => !listed.has(code));
  return { scanned: listed.size - missing.length, expected: listed.size, missing, surplus };
}

/**
 * @param {Listed|null} listed
 * @returns {{unsent:number, unsentBlobs:number, oldestAt:string|null, headSeq:number}} `oldestAt` of the oldest event of
 *   which anything, itself or a picture, is not with the office
 */
export function countUnsent(listed) {
  if (!listed) return { unsent: 0, unsentBlobs: 0, oldestAt: null, headSeq: 0 };
  const unsent = listed.events.filter(({ state }) => state !== "settled");
  const wanted = new Set();
  const open = new Set(unsent);
  for (const event of listed.events) {
    for (const { sha256 } of event.blobs) {
      const state = listed.blobs.get(sha256)?.state;
      if (state !== "wanted" && state !== "refused") continue;
      wanted.add(sha256);
      open.add(event);
    }
  }
  const oldest = [...open].reduce((/** @type {EventRow|null} */ a, b) => (a && a.seq < b.seq ? a : b), null);
  return {
    unsent: unsent.length,
    unsentBlobs: wanted.size,
    oldestAt: oldest?.at ?? null,
    headSeq: listed.headSeq,
  };
}

/**
 * @param {EventRow} event
 * @param {Map<string, BlobRow>} blobs
 * @returns {ItemState}
 */
function stateOf(event, blobs) {
  if (event.state === "parked") return "parked";
  if (event.state === "unsent") return "sealed";
  const states = event.kind === "blob_lost" ? [] : event.blobs.map(({ sha256 }) => blobs.get(sha256)?.state);
  if (
    event.result?.status === "quarantined" ||
    states.some((state) => state === "lost" || state === "refused")
  ) {
    return "attention";
  }
  return states.every((state) => state === "held") ? "safe" : "sent";
}

/**
 * A person takes back only what is fresh; later, and wherever the office says so, it is the office's to grant.
 * @param {EventRow} event
 * @param {EventRow} own the void of it
 * @param {number} withinMs
 * @param {(at:string) => number} ms
 * @returns {boolean}
 */
function isWithdrawn(event, own, withinMs, ms) {
  if (own.state === "parked" || own.result?.status === "quarantined") return false;
  if (own.result) return !own.result.effects.some(({ anomalies }) => anomalies.includes("void_requested"));
  return ms(own.at) - ms(event.at) <= withinMs;
}

/**
 * The outbox page's lines, newest first.
 * @param {Listed} listed
 * @param {Rules|null} rules
 * @param {ReadonlyMap<string, Parcel>} parcels
 * @param {(at:string) => number} ms reads RFC 3339
 * @returns {OutboxItem[]}
 */
export function describeEvents(listed, rules, parcels, ms) {
  const undoMs = (rules?.policies.undo_within_s ?? 0) * 1000;
  const voids = new Map(
    listed.events.filter(({ kind }) => kind === "void").map((event) => [event.ref, event]),
  );
  return [...listed.events]
    .sort((a, b) => b.seq - a.seq)
    .map((event) => {
      const blobs =
        event.kind === "blob_lost" ? [] : event.blobs.map(({ sha256 }) => listed.blobs.get(sha256));
      const refused = blobs.find((blob) => blob?.problem)?.problem ?? null;
      const own = voids.get(event.id);
      const voided = own !== undefined && isWithdrawn(event, own, undoMs, ms);
      return {
        id: event.id,
        seq: event.seq,
        kind: event.kind,
        at: event.at,
        parcels: event.parcels,
        sha256: event.sha256,
        state: stateOf(event, listed.blobs),
        photosTotal: blobs.length,
        photosHeld: blobs.filter((blob) => blob?.state === "held").length,
        problem: event.problem ?? event.result?.problem ?? refused,
        effects: event.result?.effects ?? predictAll(rules, event.row, event.parcels, parcels),
        receiptAt: event.receiptAt,
        voided,
        voidAsked: own !== undefined && !voided,
        ref: event.ref,
        task: event.task ?? null,
        canRetry: event.state === "parked" || blobs.some((blob) => blob?.state === "refused"),
        signed: event.signed ?? true,
      };
    });
}
