/**
 * Writes a decision about a batch into the stores: results, outbox, pictures, receipt and epoch, in one transaction.
 * @module
 */
import { toOfferAgain } from "../domain/settle.js";
import { outboxRow } from "./events.js";
import { mustBeKnown } from "./identities.js";
import { ownRows } from "./schema.js";

/** @import {Decision} from '../domain/settle.js' */
/** @import {EventsAnswer} from '../domain/types.js' */
/** @import {IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {ReceiptRow, Tables} from './schema.js' */
/** @import {Store} from './store.js' */

/** @typedef {IDBPTransaction<Tables, ('events'|'outbox'|'blobs'|'receipts'|'meta'|'chains'|'identities')[], 'readwrite'>} SettleTransaction */
/** What a decision about somebody's batch may touch. */
const TOUCHED = /** @type {const} */ ([
  ...["events", "outbox", "blobs", "receipts", "meta", "chains", "identities"],
]);

/** @typedef {{device:string, now:number, receipt:ReceiptRow|null, delay:(tries:number) => number}} Terms */

/**
 * @param {Store} store
 * @param {Decision} decision
 * @param {Terms} terms `delay` says how many ms a row that failed alone must wait after so many tries
 * @returns {Promise<void>}
 */
export async function writeDecision(store, decision, terms) {
  const { device, now, receipt } = terms;
  await store.write([...TOUCHED], async (tx) => {
    await mustBeKnown(tx, device);
    await settleRows(tx, decision, terms);
    await parkRows(tx, decision, terms);
    await delayRows(tx, decision, terms);
    if (receipt) await tx.objectStore("receipts").add(receipt);
    if (!decision.answer) return;
    await wantBlobs(tx, device, decision.answer.want);
    await offerAgain(tx, device, decision.answer, now);
    await tx.objectStore("meta").put({ device, name: "beat", value: now });
  });
}

/** @param {SettleTransaction} tx @param {Decision} decision @param {Terms} terms */
async function settleRows(tx, { settled, answer }, { device, now, receipt }) {
  await Promise.all(
    settled.map(async ({ seq, result }) => {
      const event = await tx.objectStore("events").get([device, seq]);
      if (!event || event.sha256 !== result.sha256) return;
      const isProved = receipt?.verified && receipt.events.includes(event.id);
      await Promise.all([
        tx.objectStore("events").put({
          ...event,
          state: "settled",
          problem: null,
          result,
          epoch: answer?.epoch ?? event.epoch,
          settledAt: settledAt(answer, now),
          receiptAt: isProved ? receipt.receivedAt : event.receiptAt,
        }),
        tx.objectStore("outbox").delete([device, seq]),
      ]);
    }),
  );
}

/**
 * By the server's clock, for what is kept is kept by it: one of the phone that jumps would let go of all, or never.
 * @param {EventsAnswer|null} answer
 * @param {number} now ms, by the phone
 * @returns {number} ms
 */
function settledAt(answer, now) {
  const at = Date.parse(answer?.received_at ?? "");
  return Number.isFinite(at) ? at : now;
}

/** @param {SettleTransaction} tx @param {Decision} decision @param {Terms} terms */
async function parkRows(tx, { parked }, { device }) {
  if (parked.length === 0) return;
  const epoch = await tx.objectStore("meta").get([device, "epoch"]);
  for (const { seq, problem } of parked) {
    const event = await tx.objectStore("events").get([device, seq]);
    if (!event) continue;
    await tx
      .objectStore("events")
      .put({ ...event, state: "parked", problem, epoch: /** @type {string|null} */ (epoch?.value ?? null) });
    await tx.objectStore("outbox").put({ ...outboxRow(event), parked: true });
  }
}

/** @param {SettleTransaction} tx @param {Decision} decision @param {Terms} terms */
async function delayRows(tx, { later }, { device, now, delay }) {
  for (const seq of later) {
    const row = await tx.objectStore("outbox").get([device, seq]);
    if (!row) continue;
    const tries = row.tries + 1;
    await tx.objectStore("outbox").put({ ...row, tries, notBefore: now + delay(tries) });
  }
}

/** @param {SettleTransaction} tx @param {string} device @param {string[]} want */
async function wantBlobs(tx, device, want) {
  for (const sha256 of want) {
    const row = await tx.objectStore("blobs").get([device, sha256]);
    if (row?.state === "held") await tx.objectStore("blobs").put({ ...row, state: "wanted", upload: null });
  }
}

/**
 * Under a new epoch everything that another one settled goes out again, and every picture counts as wanted until the
 * server says that it holds it.
 * @param {SettleTransaction} tx
 * @param {string} device
 * @param {Pick<EventsAnswer, 'epoch'|'high_seq'|'missing_seqs'>} server
 * @param {number} now ms
 * @returns {Promise<void>}
 */
async function offerAgain(tx, device, server, now) {
  const known = await tx.objectStore("meta").get([device, "epoch"]);
  const head = await tx.objectStore("chains").get(device);
  const isWhole =
    known?.value === server.epoch && server.missing_seqs.length === 0 && server.high_seq >= (head?.seq ?? 0);
  if (isWhole) return; // the common case must not read two weeks of events
  const events = await tx.objectStore("events").getAll(ownRows(device));
  const kept = events.filter(({ state }) => state !== "unsent");
  for (const seq of toOfferAgain(kept, server, now)) {
    const event = events.find((row) => row.seq === seq);
    if (!event) continue;
    await tx.objectStore("events").put({ ...event, state: "unsent", problem: null, offeredAt: now });
    await tx.objectStore("outbox").put(outboxRow(event));
  }
  if (known && known.value === server.epoch) return;
  await tx.objectStore("meta").put({ device, name: "epoch", value: server.epoch });
  if (!known) return;
  for (const row of await tx.objectStore("blobs").getAll(ownRows(device))) {
    if (row.state === "held") await tx.objectStore("blobs").put({ ...row, state: "wanted", upload: null });
  }
}

/**
 * Takes notice of the epoch in an answer that was not about events (hello, worklist).
 * @param {Store} store
 * @param {string} device
 * @param {string} epoch
 * @param {number} now ms
 * @returns {Promise<void>}
 */
export async function noticeEpoch(store, device, epoch, now) {
  const server = { epoch, high_seq: Number.MAX_SAFE_INTEGER, missing_seqs: [] };
  await store.write([...TOUCHED], async (tx) => {
    await mustBeKnown(tx, device);
    const known = await tx.objectStore("meta").get([device, "epoch"]);
    if (known?.value !== epoch) await offerAgain(tx, device, server, now);
  });
}
