/**
 * Sealed events and the outbox over them. An event's bytes are written once and never again; what changes is what has
 * become of it, always together with its outbox row.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { mustBeLatest } from "./drafts.js";
import { ownRows } from "./schema.js";

/** @import {BlobRow, EventRow, OutboxRow} from '../domain/types.js' */
/** @import {ChainRow} from './schema.js' */
/** @import {Store} from './store.js' */
/** @import {IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {Tables} from './schema.js' */

/** @typedef {IDBPTransaction<Tables, ('events'|'sealed'|'outbox'|'chains'|'drafts'|'blobs'|'blob_bytes'|'meta')[], 'readwrite'>} SealTransaction */

/**
 * Where the chain of this device ends, and the event already made from this draft, if any.
 * @param {Store} store
 * @param {string} device
 * @param {string} draft id
 * @returns {Promise<{head:ChainRow, sealed:EventRow|null}>}
 */
export async function chainHead(store, device, draft) {
  return store.read(["chains", "events"], async (tx) => {
    const head = await tx.objectStore("chains").get(device);
    const sealed = await tx.objectStore("events").index("byDraft").get([device, draft]);
    if (!head) throw new PhoneError("not-enrolled", "This phone is not enrolled yet.");
    return { head, sealed: sealed ?? null };
  });
}

/**
 * The seal: event, outbox row, chain head, the draft's end and the pictures' new state, all in one strict transaction.
 * @param {Store} store
 * @param {EventRow} event
 * @param {string} jws what was signed
 * @param {{prev:string|null, needsBytes:boolean, byHand:boolean, rev?:number, tab:string}} link `prev` must still be the
 *   chain's end; `needsBytes` false for a blob_lost event, whose pictures are gone; `byHand` true when a person seals, who
 *   must be the one signed in at that very moment; `rev` of the draft as `tab` read it
 * @returns {Promise<EventRow|'moved'>} the event now kept (an earlier one, when the draft was sealed before),
 *   or `'moved'` when another tab sealed first: sign again
 * @throws {PhoneError} `blob-missing`, `storage-full`, `person-changed`, `draft-elsewhere`
 */
export async function appendEvent(store, event, jws, { prev, needsBytes, byHand, rev, tab }) {
  const { device, seq, sha256, draft } = event;
  return store.write(
    ["events", "sealed", "outbox", "chains", "drafts", "blobs", "blob_bytes", "meta"],
    async (tx) => {
      const sealed = await tx.objectStore("events").index("byDraft").get([device, draft]);
      if (sealed) return sealed;
      const current = await tx.objectStore("meta").get(["", "current"]);
      if (byHand && current?.value !== device) throw personChanged();
      mustBeLatest(await tx.objectStore("drafts").get([device, draft]), rev, tab);
      const head = await tx.objectStore("chains").get(device);
      if (head?.seq !== seq - 1 || head.prev !== prev) return "moved";
      if (needsBytes) await claimBlobs(tx, event);
      await tx.objectStore("events").add(event);
      await tx.objectStore("sealed").add({ device, seq, jws });
      await tx.objectStore("outbox").add(outboxRow(event));
      await tx.objectStore("chains").put({ device, seq, prev: sha256 });
      await tx.objectStore("drafts").delete([device, draft]);
      return event;
    },
  );
}

/** @returns {PhoneError} nothing is ever sealed under the name of somebody who is not signed in */
export function personChanged() {
  return new PhoneError(
    "person-changed",
    "Somebody else is signed in on this phone now.",
    "This handover is kept for the one who began it: switch back to them to go on.",
  );
}

/** @param {SealTransaction} tx @param {EventRow} event */
async function claimBlobs(tx, { device, id, blobs }) {
  for (const { sha256, role } of blobs) {
    const row = await tx.objectStore("blobs").get([device, sha256]);
    const bytes = await tx.objectStore("blob_bytes").count([device, sha256]);
    if (!row || bytes === 0) {
      throw new PhoneError(
        "blob-missing",
        "A photo of this handover is no longer on this phone.",
        "Take it again.",
      );
    }
    const state = row.state === "local" ? "wanted" : row.state;
    await tx
      .objectStore("blobs")
      .put({ ...row, state, role: row.role ?? role, events: [...new Set([...row.events, id])] });
  }
}

/**
 * The draft id of the event that tells a picture's loss: the same every time, so that it is told once.
 * @param {string} sha256
 * @param {string} eventId that refers to it
 * @returns {string}
 */
export function lostDraftId(sha256, eventId) {
  return `blob_lost:${sha256}:${eventId}`;
}

/** @param {Store} store @param {string} device @returns {Promise<OutboxRow[]>} in order of seq; they stay where they are */
export async function peekOutbox(store, device) {
  return store.read(["outbox"], (tx) => tx.objectStore("outbox").getAll(ownRows(device)));
}

/**
 * @param {Store} store
 * @param {string} device
 * @param {number[]} seqs
 * @returns {Promise<string[]>} the JWS of each, verbatim
 */
export async function jwsOf(store, device, seqs) {
  return store.read(["sealed"], async (tx) => {
    const rows = await Promise.all(seqs.map((seq) => tx.objectStore("sealed").get([device, seq])));
    return rows.flatMap((row) => (row ? [row.jws] : []));
  });
}

/** @param {Store} store @param {string} device @param {string} id @returns {Promise<EventRow|null>} */
export async function eventById(store, device, id) {
  return (
    (await store.read(["events"], (tx) => tx.objectStore("events").index("byId").get([device, id]))) ?? null
  );
}

/**
 * @param {Store} store
 * @param {string} device
 * @returns {Promise<{events:EventRow[], blobs:Map<string, BlobRow>, headSeq:number}>} all this phone still keeps, from one moment
 */
export async function listEvents(store, device) {
  return store.read(["events", "blobs", "chains"], async (tx) => {
    const [events, blobs, head] = await Promise.all([
      tx.objectStore("events").getAll(ownRows(device)),
      tx.objectStore("blobs").getAll(ownRows(device)),
      tx.objectStore("chains").get(device),
    ]);
    return { events, blobs: new Map(blobs.map((row) => [row.sha256, row])), headSeq: head?.seq ?? 0 };
  });
}

/**
 * The outbox row an event gets when it is to be offered (again).
 * @param {EventRow} event
 * @returns {OutboxRow}
 */
export function outboxRow({ device, seq, id, sha256, size }) {
  return { device, seq, id, sha256, size, tries: 0, notBefore: 0, parked: false };
}

/**
 * Puts a parked event back into the outbox, and its refused pictures back among the wanted.
 * @param {Store} store
 * @param {string} device
 * @param {string} id
 * @returns {Promise<void>}
 */
export async function unpark(store, device, id) {
  await store.write(["events", "outbox", "blobs"], async (tx) => {
    const event = await tx.objectStore("events").index("byId").get([device, id]);
    if (!event) throw new PhoneError("event-unknown", "This phone has no such handover.");
    if (event.state === "parked") {
      await tx.objectStore("events").put({ ...event, state: "unsent", problem: null });
      await tx.objectStore("outbox").put(outboxRow(event));
    }
    for (const { sha256 } of event.blobs) {
      const row = await tx.objectStore("blobs").get([device, sha256]);
      if (row?.state === "refused") {
        await tx.objectStore("blobs").put({ ...row, state: "wanted", tries: 0, notBefore: 0, problem: null });
      }
    }
  });
}
