/**
 * The receipts: signed by the server, those that were sealed, and for each event one that names its very bytes.
 * @module
 */
import { RECEIPTS, asSentence, payloadOf } from "./contents.js";
import { place } from "./events.js";
import { isReordered } from "./seal.js";
import { ms } from "./shapes.js";

/** @typedef {import("./contents.js").Bundle} Bundle */
/** @typedef {import("./contents.js").Line} Line */
/** @typedef {import("./keys.js").Ring} Ring */
/** That the server had an event by then. @typedef {{at: number, text: string}} Received */

/**
 * The earliest receipt that holds for each event, by event id.
 * @param {Bundle} bundle
 * @param {Ring} ring
 * @returns {Promise<Map<string, Received>>}
 */
export async function checkReceipts(bundle, ring) {
  const good = [];
  for (const line of bundle.receipts) if (await isGood(bundle, ring, line)) good.push(line);
  checkList(bundle);
  /** @type {Map<string, Received>} */
  const received = new Map();
  for (const line of bundle.events) {
    const found = line.envelope ? receiptOf(bundle, ring, line, good) : null;
    if (found) received.set(payloadOf(line).id, found);
  }
  return received;
}

/** @param {Bundle} bundle @param {Ring} ring @param {Line} line */
async function isGood(bundle, ring, line) {
  const where = `${RECEIPTS}, line ${line.number}`;
  if (!line.envelope) {
    bundle.findings.add("receipt_unreadable", where, asSentence(line.refused?.message ?? ""));
    return false;
  }
  const { kid, payload } = line.envelope;
  if (!ring.isServers(kid) || !(await ring.hasSigned(kid, line.envelope))) {
    bundle.findings.add("receipt_signature", where);
    return false;
  }
  if (bundle.seal && !(bundle.sealed.epochs ?? []).includes(payload.epoch)) {
    bundle.findings.add("receipt_epoch", where, `The life ${payload.epoch}.`);
    return false;
  }
  return true;
}

/** @param {Bundle} bundle */
function checkList(bundle) {
  if (!bundle.seal) return;
  /** @type {string[]} */
  const sealed = bundle.sealed.receipts ?? [];
  const there = bundle.receipts.map((line) => line.sha256);
  for (const line of bundle.receipts) {
    if (!sealed.includes(line.sha256) && line.envelope) {
      bundle.findings.add("receipt_added", `${RECEIPTS}, line ${line.number}`);
    }
  }
  for (const [index, digest] of sealed.entries()) {
    if (!there.includes(digest)) {
      bundle.findings.add("receipt_removed", `${RECEIPTS}, sealed line ${index + 1}`);
    }
  }
  if (isReordered(there, sealed)) bundle.findings.add("receipts_reordered", RECEIPTS);
}

/** @param {Bundle} bundle @param {Ring} ring @param {Line} line @param {Line[]} good @returns {Received | null} */
function receiptOf(bundle, ring, line, good) {
  const { id, device } = payloadOf(line);
  const names = (/** @type {Line} */ receipt) =>
    (payloadOf(receipt).events ?? []).filter((/** @type {any} */ event) => event.id === id);
  const naming = good.filter((receipt) => names(receipt).length > 0);
  const fitting = naming.filter((r) => names(r).some((/** @type {any} */ e) => e.sha256 === line.sha256));
  const own = fitting.filter((receipt) => payloadOf(receipt).device === device);
  if (own.length > 0) {
    const first = own.reduce((one, other) =>
      ms(payloadOf(other).received_at) < ms(payloadOf(one).received_at) ? other : one,
    );
    const { epoch, received_at: text } = payloadOf(first);
    if (epoch !== bundle.sealed.epoch) bundle.findings.add("epoch_changed", place(line));
    return { at: ms(text), text };
  }
  if (fitting.length > 0) bundle.findings.add("receipt_device", place(line));
  else if (naming.length > 0) bundle.findings.add("receipt_other_bytes", place(line));
  else if (!ring.isServers(line.envelope?.kid ?? null)) bundle.findings.add("receipt_missing", place(line));
  return null;
}
