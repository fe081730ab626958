/**
 * What one scan means for the handover at hand, from the phone's own list alone: offline, at once, pure.
 * @module
 */
import { looksLikeCode, normalise, trackingKey } from "./codes.js";

/** @import {Draft, Kind, Parcel, Rules, Run, Tone, Verdict, VerdictCode, Worklist} from './types.js' */

/** @type {Record<VerdictCode, {word:string, tone:Tone}>} */
const SAYS = {
  known: { word: "On the list", tone: "go" },
  again: { word: "Already scanned", tone: "warn" },
  not_on_list: { word: "Not on this list", tone: "warn" },
  other_carrier: { word: "Another carrier’s", tone: "stop" },
  cancelled: { word: "Cancelled", tone: "stop" },
  dangerous: { word: "Dangerous goods", tone: "stop" },
  unknown: { word: "Unknown parcel", tone: "warn" },
  invalid: { word: "Not a parcel code", tone: "stop" },
};

/** What dangerous goods must not take part in before the office lets them go (R28). @type {Set<Kind>} */
const NOT_DANGEROUS = new Set(["pack", "collect", "drop_off"]);

/**
 * @param {VerdictCode} verdict
 * @param {string|null} code
 * @param {Parcel|null} parcel
 * @param {string} [word]
 * @returns {Verdict}
 */
function say(verdict, code, parcel, word = SAYS[verdict].word) {
  return { verdict, code, parcel, word, tone: SAYS[verdict].tone };
}

/**
 * The carrier whose tracking numbers look like this text.
 * @param {string} text
 * @param {Rules|null} rules
 * @returns {string|null} code
 */
export function carrierOf(text, rules) {
  for (const { code, tracking_pattern: pattern } of rules?.carriers ?? []) {
    if (pattern && new RegExp(`^(?:${pattern})$`, "i").test(text)) return code;
  }
  return null;
}

/**
 * @param {string} raw as read or typed
 * @param {object} about
 * @param {Worklist} about.worklist
 * @param {Draft} about.draft
 * @param {Run|null} about.run the run being worked, null for a free handover
 * @param {Rules|null} [about.rules] carriers' patterns tell a strange tracking number from noise
 * @returns {Verdict} the gravest thing first: invalid, again, cancelled, dangerous, another carrier's, not on the list, unknown
 */
export function judge(raw, { worklist, draft, run, rules = null }) {
  const text = raw.trim();
  const ownCode = normalise(text);
  const parcel = find(text, ownCode, worklist);
  const code = parcel?.code ?? ownCode ?? trackingOf(text, rules);
  if (code === null) return say("invalid", null, null, looksLikeCode(text) ? "Mistyped code" : undefined);
  if (draft.scans.some((scan) => codeNow(scan.code, worklist) === code)) return say("again", code, parcel);
  const carrier = parcel ? parcel.carrier : carrierOf(text, rules);
  const isOurs = carrier === null || isExpected(carrier, draft, run);
  return parcel
    ? judgeKnown(parcel, draft.kind, run, isOurs)
    : say(isOurs ? "unknown" : "other_carrier", code, null);
}

/**
 * @param {string} carrier
 * @param {Draft} draft
 * @param {Run|null} run
 * @returns {boolean} where none is expected, any will do
 */
function isExpected(carrier, draft, run) {
  return carrier === (draft.carrier ?? run?.carrier ?? carrier);
}

/**
 * @param {Parcel} parcel
 * @param {Kind} kind
 * @param {Run|null} run
 * @param {boolean} isOurs the carrier is the one expected, or not known
 * @returns {Verdict}
 */
function judgeKnown(parcel, kind, run, isOurs) {
  const { code, cancel, status } = parcel;
  if (cancel !== null || status === "cancelled") {
    return say("cancelled", code, parcel, cancel === "requested" ? "Cancellation asked for" : undefined);
  }
  if (parcel.dangerous === "stop" && NOT_DANGEROUS.has(kind)) return say("dangerous", code, parcel);
  if (!isOurs) return say("other_carrier", code, parcel);
  return say(run && !run.parcels.includes(code) ? "not_on_list" : "known", code, parcel);
}

/**
 * @param {string} text
 * @param {string|null} ownCode
 * @param {Worklist} worklist
 * @returns {Parcel|null}
 */
function find(text, ownCode, worklist) {
  const byOwn = ownCode === null ? undefined : worklist.parcels.get(ownCode);
  if (byOwn) return byOwn;
  const code = worklist.byTracking.get(trackingKey(text));
  return (code && worklist.parcels.get(code)) || null;
}

/**
 * What a code kept earlier is called by the list of now: a tracking number scanned before the list came has a code since.
 * @param {string} code
 * @param {Worklist} worklist
 * @returns {string}
 */
export function codeNow(code, worklist) {
  return find(code, normalise(code), worklist)?.code ?? code;
}

/** @param {string} text @param {Rules|null} rules @returns {string|null} the tracking number, when it is some carrier's */
function trackingOf(text, rules) {
  return carrierOf(text, rules) === null ? null : trackingKey(text);
}
