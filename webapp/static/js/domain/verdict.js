/**
 * What one scan means for the handover at hand, from the phone's own list alone: offline, at once, pure.
 * @module
 */
import { ownerOf } from "./carriers.js";
import { looksLikeCode, normalise, trackingKey } from "./codes.js";

/** @import {Draft, Kind, Parcel, Rules, Run, Tone, Verdict, VerdictCode, Worklist} from './types.js' */

/** @type {Record<VerdictCode, {word:string, tone:Tone}>} */
export const SAYS = {
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
  return { verdict, code, parcel, word, tone: SAYS[verdict].tone, looksLike: null };
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
  const owner = parcel || ownCode ? null : ownerOf(text, rules);
  const code = parcel?.code ?? ownCode ?? (owner && trackingKey(text));
  if (code === null) return say("invalid", null, null, looksLikeCode(text) ? "Mistyped code" : undefined);
  if (draft.scans.some((scan) => codeNow(scan.code, worklist) === code)) return say("again", code, parcel);
  const expected = expectedBy(draft, run);
  if (parcel) return judgeKnown(parcel, draft.kind, run, isOneOf(parcel.carrier, expected));
  return judgeUnlisted(owner, code, expected, rules);
}

/** @param {Draft} draft @param {Run|null} run @returns {string|null} the carrier that this handover is for */
function expectedBy(draft, run) {
  return draft.carrier ?? run?.carrier ?? null;
}

/** @param {string|null} carrier @param {string|null} expected @returns {boolean} where none is expected, any will do */
function isOneOf(carrier, expected) {
  return carrier === null || expected === null || carrier === expected;
}

/**
 * A parcel that no list has. One that the public table alone knows stops where it is surely not ours: where the shop's
 * carrier is none of that table, nobody can tell whether it is the same one.
 * @param {import("./carriers.js").Owner|null} owner whose number it is, or looks like
 * @param {string} code
 * @param {string|null} expected
 * @param {Rules|null} rules
 * @returns {Verdict}
 */
function judgeUnlisted(owner, code, expected, rules) {
  if (!owner) return say("unknown", code, null);
  const isSure = owner.isOurs || rules?.carriers.some((own) => own.code === expected && own.built_in);
  const isForeign = expected !== null && owner.own !== expected && isSure;
  return { ...say(isForeign ? "other_carrier" : "unknown", code, null), looksLike: owner.name };
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
  if (!run) return say("known", code, parcel, "Known parcel");
  return say(run.parcels.includes(code) ? "known" : "not_on_list", code, parcel);
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
