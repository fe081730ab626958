/**
 * Peek, send, settle: offers the outbox to the server batch by batch. Rows stay where they are until an answer names
 * them; whatever happens in between, the next round offers them again.
 * @module
 */
import { nextBatch } from "../domain/batches.js";
import { waitFor } from "../domain/backoff.js";
import { settle } from "../domain/settle.js";
import { jwsOf, peekOutbox } from "../storage/events.js";
import { getMeta } from "../storage/meta.js";
import { writeDecision } from "../storage/settling.js";
import { knownHello } from "./hello.js";
import { packJson, request } from "./http.js";
import { queueReport } from "./queue.js";
import { checkReceipt } from "./receipts.js";
import { asOnlySender, isBusy } from "./sender.js";

/** @import {Decision, SentRow} from '../domain/settle.js' */
/** @import {OutboxRow, Problem} from '../domain/types.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */

/**
 * What one engine remembers from request to request about one device's line.
 * @typedef {object} Pace
 * @property {number} most      events at once; halved by refusals and faults, doubled by success
 * @property {boolean} gzip
 * @property {number} chunk     bytes of a picture at once
 * @property {number} limit     bytes that a proxy on the way is known, or thought, to let through at once
 * @property {number} rate      bytes a ms of pictures as last seen, 0 when unknown or the line failed
 * @property {boolean} isShaky  the line was cut in the middle of a picture
 * @property {boolean} changesBytes  a picture came to the server as another: its pieces are checked one by one
 * @property {boolean} moved    this round has brought something home
 * @property {boolean} told     the server knows the queue as it is now
 */

/**
 * How a step ended. `go`: done, nothing stands in the way. `busy`: another tab is sending.
 * @typedef {{next:'go'|'wait'|'offline'|'pause'|'busy', problem:Problem|null, retryAfterMs:number|null}} Outcome
 */

const MOST = 200;
const BEAT_MS = 600_000;

/** @returns {Pace} */
export function freshPace() {
  return {
    most: MOST,
    gzip: true,
    chunk: 262_144,
    limit: Infinity,
    rate: 0,
    isShaky: false,
    changesBytes: false,
    moved: false,
    told: false,
  };
}

/** @type {Outcome} */
export const GO = Object.freeze({ next: "go", problem: null, retryAfterMs: null });

/**
 * Sends until the outbox has nothing more that may go now; then, when the server has heard nothing for ten minutes or
 * the queue changed, an empty batch as heartbeat.
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @returns {Promise<Outcome>}
 */
export async function flushEvents(context, identity, pace) {
  /** @type {Problem|null} */
  let revoked = null;
  for (;;) {
    const step = await asOnlySender(context, () => sendOne(context, identity, pace));
    if (isBusy(step)) return { ...GO, next: "busy" };
    if (step === "empty") return revoked ? { ...GO, next: "pause", problem: revoked } : GO;
    if (step.revoked) revoked = step.problem;
    if (step.next === "wait" || step.next === "offline" || step.next === "pause") {
      return { next: step.next, problem: step.problem, retryAfterMs: step.retryAfterMs };
    }
  }
}

/**
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @returns {Promise<Decision|'empty'>}
 */
async function sendOne(context, identity, pace) {
  const { store, now } = context;
  const { device } = identity;
  const { limits } = await knownHello(context, device);
  const rows = nextBatch(await peekOutbox(store, device), { limits, most: pace.most, now: now() });
  if (rows.length === 0 && !(await isBeatDue(context, device, pace))) return "empty";
  const decision = await post(context, identity, pace, rows);
  if (decision.next === "plain" && !pace.gzip) decision.next = "wait"; // it will not take plain either
  await write(context, identity, rows, decision);
  adapt(pace, rows.length, decision);
  return decision;
}

/** @param {Context} context @param {string} device @param {Pace} pace @returns {Promise<boolean>} */
async function isBeatDue({ store, now }, device, pace) {
  if (!pace.told) return true;
  const beat = await getMeta(store, device, "beat");
  return beat === null || Math.abs(now() - beat) > BEAT_MS;
}

/**
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @param {OutboxRow[]} rows
 * @returns {Promise<Decision>}
 */
async function post(context, { device, token }, pace, rows) {
  const seqs = rows.map(({ seq }) => seq);
  const events = await jwsOf(context.store, device, seqs);
  const queue = await queueReport(context, device, seqs);
  const packed = await packJson(JSON.stringify({ sent_at: context.nowText(), events, queue }), pace.gzip);
  const decision = settle(
    await request(context, "/sync/v1/events", { method: "POST", token, ...packed }),
    rows,
  );
  // A proxy that strips Content-Encoding makes any batch unreadable: that is not yet the event's fault.
  const isUnread = pace.gzip && decision.problem?.code === "malformed-batch";
  return isUnread ? { ...decision, next: "plain", parked: [] } : decision;
}

/**
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {SentRow[]} rows
 * @param {Decision} decision
 */
async function write(context, { device, serverJwk }, rows, decision) {
  const { answer, settled, parked, later } = decision;
  if (!answer && settled.length + parked.length + later.length === 0) return;
  const receipt = answer?.receipt
    ? await checkReceipt(context, answer.receipt, { device, serverJwk, rows })
    : null;
  const delay = (/** @type {number} */ tries) => waitFor(tries, context.random());
  await writeDecision(context.store, decision, { device, now: context.now(), receipt, delay });
}

/** @param {Pace} pace @param {number} sent @param {Decision} decision */
function adapt(pace, sent, { next, shrink, later, answer }) {
  if (next === "plain") pace.gzip = false;
  if (next === "smaller" || (shrink && sent > 1)) pace.most = Math.max(1, Math.floor(sent / 2));
  else if (answer) pace.most = Math.min(MOST, pace.most * 2);
  if (answer && sent > 0) pace.moved = true;
  if (answer) pace.told = sent === 0 || (next === "go" && later.length === 0);
}
