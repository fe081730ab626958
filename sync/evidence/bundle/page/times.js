/**
 * The times: what the phone says, corrected by what it knew of the server's clock, within what the server attests.
 * @module
 */
import { payloadOf } from "./contents.js";
import { place } from "./events.js";
import { ms } from "./shapes.js";

/** @typedef {import("./contents.js").Bundle} Bundle */
/** @typedef {import("./contents.js").Line} Line */
/** @typedef {import("./keys.js").Ring} Ring */
/** @typedef {import("./receipts.js").Received} Received */
/** @typedef {import("./stamps.js").Stamped} Stamped */

const TOLERATED = 5 * 60 * 1000;

/** When its maker says it was, on the server's clock. @param {Line} line @returns {number} */
export function claimedMs(line) {
  const { at, offset_ms: offset } = payloadOf(line);
  return ms(at) + (offset ?? 0);
}

/**
 * Each event between what came before it, the server's receipt, and the stamp of its day.
 * @param {Bundle} bundle
 * @param {Ring} ring
 * @param {Map<string, Received>} receipts
 * @param {Map<string, Stamped>} stamps
 */
export function checkTimes(bundle, ring, receipts, stamps) {
  /** @type {Map<string, any>} */
  const told = new Map((bundle.sealed.events ?? []).map((/** @type {any} */ event) => [event.id, event]));
  const lines = bundle.events.filter((line) => line.envelope);
  for (const line of lines) {
    const { id } = payloadOf(line);
    const received = receipts.get(id);
    const known = told.get(id);
    let by = known ? ms(known.received_at) : null;
    if (received) {
      checkReceiptTime(bundle, line, received.at, by);
      by = received.at;
    }
    if (by !== null && claimedMs(line) > by + TOLERATED) {
      bundle.findings.add("time_after_receipt", place(line), `By ${spanOf(claimedMs(line) - by)}.`);
    }
    checkStampTime(bundle, line, stamps.get(id), by);
    if (!isServersLine(ring, line)) checkClock(bundle, ring, line, by);
  }
  checkCourse(bundle, ring, lines);
}

/** @param {Bundle} bundle @param {Line} line @param {number} at @param {number | null} told */
function checkReceiptTime(bundle, line, at, told) {
  if (told === null || at === told) return;
  if (at < told) {
    bundle.findings.add("timeline_contradicts", place(line), "In received_at: the receipt is earlier.");
  } else bundle.findings.add("receipt_late", place(line), `By ${spanOf(at - told)}.`);
}

/** @param {Bundle} bundle @param {Line} line @param {Stamped | undefined} stamped @param {number | null} by */
function checkStampTime(bundle, line, stamped, by) {
  if (!stamped) return;
  const late = claimedMs(line) - stamped.at;
  if (late > TOLERATED) bundle.findings.add("time_after_stamp", place(line), `By ${spanOf(late)}.`);
  if (by !== null && by > stamped.at + TOLERATED) {
    bundle.findings.add("stamp_before_receipt", place(line), `By ${spanOf(by - stamped.at)}.`);
  }
}

/** @param {Bundle} bundle @param {Ring} ring @param {Line} line @param {number | null} by */
function checkClock(bundle, ring, line, by) {
  const { offset_ms: offset, device } = payloadOf(line);
  if (offset === null || offset === undefined) bundle.findings.add("clock_unmeasured", place(line));
  else if (Math.abs(offset) > TOLERATED) {
    bundle.findings.add("clock_off", place(line), `By ${spanOf(Math.abs(offset))}.`);
  }
  const holder = ring.holder(device);
  if (!holder) return;
  if (claimedMs(line) < ms(holder.enrolled_at) - TOLERATED) {
    bundle.findings.add("time_before_enrolment", place(line));
  }
  if (holder.revoked_at && by !== null && by > ms(holder.revoked_at)) {
    bundle.findings.add("key_revoked", place(line));
  }
}

/** On one phone the numbers rise, so the times must not fall. @param {Bundle} bundle @param {Ring} ring @param {Line[]} lines */
function checkCourse(bundle, ring, lines) {
  for (const own of byDevice(lines.filter((line) => !isServersLine(ring, line))).values()) {
    own.sort((one, other) => payloadOf(one).seq - payloadOf(other).seq);
    for (let n = 1; n < own.length; n += 1) {
      const back = claimedMs(own[n - 1]) - claimedMs(own[n]);
      if (back > TOLERATED) bundle.findings.add("time_went_back", place(own[n]), `By ${spanOf(back)}.`);
    }
  }
}

/** @param {Line[]} lines @returns {Map<string, Line[]>} */
export function byDevice(lines) {
  /** @type {Map<string, Line[]>} */
  const held = new Map();
  for (const line of lines) {
    const { device } = payloadOf(line);
    held.set(device, [...(held.get(device) ?? []), line]);
  }
  return held;
}

/** @param {Ring} ring @param {Line} line */
function isServersLine(ring, line) {
  return ring.isServers(line.envelope?.kid ?? null);
}

/** @param {number} milliseconds */
function spanOf(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}
