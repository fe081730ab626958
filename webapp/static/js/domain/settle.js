/**
 * What a server's answer to a batch means for the rows that were sent. Pure: it decides, others do.
 * The one law: a row is final only when a well-formed result under the protocol's header names it.
 * @module
 */
import { t } from "./words.js";

/** @import {EventRow, EventsAnswer, EventResult, Problem} from './types.js' */

/** @typedef {{seq:number, id:string, sha256:string}} SentRow */

/**
 * An answer as the transport read it; `protocol` is false when `Sync-Protocol: 1` was missing, `status` 0 when no
 * answer came at all.
 * @typedef {{status:number, protocol:boolean, json:unknown, retryAfterMs:number|null, timedOut:boolean}} Answer
 */

/**
 * `go`: look for more. `smaller`: offer half as many at once. `plain`: without gzip. `wait`: back off.
 * `offline`: there was no Baton at the other end. `pause`: until a person does something.
 * @typedef {'go'|'smaller'|'plain'|'wait'|'offline'|'pause'} Next
 */

/**
 * @typedef {object} Decision
 * @property {Next} next
 * @property {{seq:number, result:EventResult}[]} settled
 * @property {{seq:number, problem:Problem}[]} parked   malformed or too large even alone
 * @property {number[]} later                          these rows alone wait
 * @property {boolean} shrink                          next time fewer at once: one of them may be poison
 * @property {EventsAnswer|null} answer
 * @property {Problem|null} problem
 * @property {boolean} revoked                         the server keeps these, but wants no more of this phone
 * @property {number|null} retryAfterMs
 */

const FINAL = new Set(["applied", "recorded", "duplicate", "quarantined"]);
const REOFFER_AFTER_MS = 600_000;
const PARKING = new Set([400, 413, 422]);

/**
 * @param {Answer} answer
 * @param {SentRow[]} rows in the order sent
 * @returns {Decision}
 */
export function settle(answer, rows) {
  if (answer.status === 0) return { ...decide("offline"), shrink: answer.timedOut };
  if (!answer.protocol) {
    // a proxy's own 413 is the one foreign answer that says something: less may pass. It never parks.
    return answer.status === 413 && rows.length > 1 ? decide("smaller") : decide("offline");
  }
  const body = readEventsAnswer(answer.json);
  if (body && (answer.status === 200 || answer.status === 403)) return settleResults(answer, body, rows);
  return refusal(answer, rows);
}

/**
 * @param {Answer} answer
 * @param {EventsAnswer} body
 * @param {SentRow[]} rows
 * @returns {Decision}
 */
function settleResults(answer, body, rows) {
  const bySha = new Map(body.results.map((result) => [result.sha256, result]));
  /** @type {Decision['settled']} */
  const settled = [];
  /** @type {number[]} */
  const later = [];
  for (const { seq, id, sha256 } of rows) {
    const result = bySha.get(sha256);
    const names = result && (result.id === id || (result.id === null && result.status === "quarantined"));
    if (names && FINAL.has(result.status)) settled.push({ seq, result });
    else later.push(seq);
  }
  const problem = answer.status === 403 ? readProblem(answer.json, 403) : null;
  const revoked = answer.status === 403;
  const isStuck = settled.length === 0;
  const next = revoked && isStuck ? "pause" : isStuck && rows.length > 0 ? "wait" : "go";
  return {
    ...decide(next, problem),
    settled,
    later,
    revoked,
    answer: body,
    retryAfterMs: answer.retryAfterMs,
  };
}

/**
 * @param {Answer} answer
 * @param {SentRow[]} rows
 * @returns {Decision}
 */
function refusal(answer, rows) {
  const { status, retryAfterMs } = answer;
  const problem = readProblem(answer.json, status);
  const [only] = rows;
  if (status === 401 || status === 403 || status === 426) return decide("pause", problem);
  if (status === 415) return decide("plain", problem);
  if (PARKING.has(status)) return unreadable(answer, rows, problem);
  const isFault = status >= 500 && status !== 503 && status !== 507;
  const later = isFault && only && rows.length === 1 ? [only.seq] : [];
  return { ...decide("wait", problem), shrink: isFault, later, retryAfterMs };
}

/**
 * What the server calls malformed or too large: fewer at once, and a single one is given up when it says why.
 * @param {Answer} answer
 * @param {SentRow[]} rows
 * @param {Problem} problem
 * @returns {Decision}
 */
function unreadable({ json, retryAfterMs }, rows, problem) {
  if (rows.length > 1) return decide("smaller", problem);
  const [only] = rows;
  if (!only) return decide("wait", problem);
  if (!isSaid(json)) return { ...decide("wait", problem), later: [only.seq], retryAfterMs };
  return { ...decide("go", problem), parked: [{ seq: only.seq, problem }] };
}

/**
 * A refusal that was cut on its way does not say what is wrong: nothing is given up for it.
 * @param {unknown} json
 * @returns {boolean} whether the server's words came whole
 */
export function isSaid(json) {
  return typeof (/** @type {{code?:unknown}|null} */ (json)?.code) === "string";
}

/**
 * @param {Next} next
 * @param {Problem|null} [problem]
 * @returns {Decision}
 */
function decide(next, problem = null) {
  return {
    next,
    settled: [],
    parked: [],
    later: [],
    shrink: false,
    answer: null,
    problem,
    revoked: false,
    retryAfterMs: null,
  };
}

/**
 * @param {unknown} json
 * @param {number} status
 * @returns {Problem}
 */
export function readProblem(json, status) {
  const said = /** @type {{code?:unknown, title?:unknown, detail?:unknown}|null} */ (json);
  const text = (/** @type {unknown} */ value) => (typeof value === "string" ? value : null);
  return {
    code: text(said?.code) ?? `http-${status}`,
    title: text(said?.title) ?? t("The server answered {status}.", { status }),
    detail: text(said?.detail),
  };
}

/**
 * @param {unknown} json
 * @returns {EventsAnswer|null} null when it has not the shape PROTOCOL §3 gives
 */
export function readEventsAnswer(json) {
  const body = /** @type {Partial<EventsAnswer>|null} */ (json);
  if (typeof body !== "object" || body === null || typeof body.epoch !== "string") return null;
  if (!Array.isArray(body.results) || !body.results.every(isResult)) return null;
  return {
    epoch: body.epoch,
    received_at: String(body.received_at ?? ""),
    results: body.results,
    high_seq: Number.isInteger(body.high_seq) ? Number(body.high_seq) : Number.MAX_SAFE_INTEGER,
    missing_seqs: Array.isArray(body.missing_seqs) ? body.missing_seqs.filter(isRange) : [],
    want: Array.isArray(body.want) ? body.want.filter((digest) => typeof digest === "string") : [],
    receipt: typeof body.receipt === "string" ? body.receipt : "",
  };
}

/** @param {unknown} value @returns {value is EventResult} */
function isResult(value) {
  const result = /** @type {Partial<EventResult>|null} */ (value);
  if (typeof result !== "object" || result === null || typeof result.sha256 !== "string") return false;
  return FINAL.has(String(result.status)) || result.status === "retry";
}

/** @param {unknown} value @returns {value is [number, number]} */
function isRange(value) {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isInteger);
}

/**
 * Which settled (or parked) events must be offered again: all those another epoch settled; those the server says it
 * has not. Quarantined ones count as had, and none is offered twice within ten minutes under one epoch, so that a
 * server which will not count an event cannot make the phone spin.
 * @param {EventRow[]} rows not unsent
 * @param {{epoch:string, high_seq:number, missing_seqs:[number, number][]}} server
 * @param {number} now ms
 * @returns {number[]} seqs
 */
export function toOfferAgain(rows, server, now) {
  const isMissing = (/** @type {number} */ seq) =>
    seq > server.high_seq || server.missing_seqs.some(([from, to]) => seq >= from && seq <= to);
  return rows
    .filter((row) => {
      if (row.epoch !== server.epoch) return row.state === "settled" || row.epoch !== null;
      if (row.state === "parked" || row.result?.status === "quarantined") return false;
      return (
        isMissing(row.seq) && (row.offeredAt === null || Math.abs(now - row.offeredAt) > REOFFER_AFTER_MS)
      );
    })
    .map(({ seq }) => seq);
}
