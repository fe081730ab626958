/**
 * A handover that has just been begun.
 * @module
 */

import { withoutAnswers } from "./packing.js";

/** @import {Draft, EventRow, Kind, Photo, Scan} from './types.js' */

const WORDS = /** @type {const} */ ([
  ...["run", "carrier", "expected", "counterpart", "place", "reason", "note", "ref"],
]);
/** Of nobody who signed or answered; the strokes are the screens' own. */
const UNSIGNED = { signature: null, intact: null, pad: [] };

/**
 * @param {string} id
 * @param {Kind} kind
 * @param {string} startedAt RFC 3339
 * @returns {Draft}
 */
export function blankDraft(id, kind, startedAt) {
  return {
    id,
    kind,
    step: "scan",
    run: null,
    carrier: null,
    expected: null,
    scans: [],
    photos: [],
    signature: null,
    counterpart: null,
    intact: null,
    place: null,
    reason: null,
    note: null,
    ref: null,
    data: {},
    startedAt,
  };
}

/**
 * Parcels that are meant without being scanned: those of an earlier event, or of what the office asks.
 * @param {string[]} codes
 * @param {string} at RFC 3339
 * @returns {Scan[]}
 */
export function asScans(codes, at) {
  return codes.map((code) => ({ code, raw: code, verdict: "known", at, typed: false, override: null }));
}

/**
 * Every picture the draft points at.
 * @param {Draft} draft
 * @returns {string[]} digests
 */
export function draftDigests(draft) {
  const digests = draft.photos.map(({ sha256 }) => sha256);
  if (draft.signature) digests.push(draft.signature.sha256);
  return [...new Set(digests)];
}

/**
 * What a draft holds beyond the event another tab made of it. A signature is no part of it: the event has its own.
 * @param {Draft} draft
 * @param {Pick<EventRow, 'parcels'|'blobs'>} sealed
 * @returns {{scans:Scan[], photos:Photo[]}|null} null when nothing would be lost
 */
export function beyond(draft, { parcels, blobs }) {
  const kept = new Set(blobs.map(({ sha256 }) => sha256));
  const scans = draft.scans.filter(({ code }) => !parcels.includes(code));
  const photos = draft.photos.filter(({ sha256 }) => !kept.has(sha256));
  if (scans.length === 0 && photos.length === 0) return null;
  return { scans: scans.length > 0 ? scans : draft.scans, photos }; // photos alone go with the parcels they show
}

/** @param {string} id of a draft that was sealed @returns {string} of the one that goes on with the rest, whoever makes it */
export function restId(id) {
  return `rest:${id}`;
}

/** @param {Draft} draft that was sealed without all of it @returns {Partial<Draft>} what the handover of the rest takes from it */
export function goingOn({ id, kind, run, carrier, place, data }) {
  const stage = kind === "return" ? { data: { stage: data.stage } } : {};
  return { id: restId(id), run, carrier, place, ...stage };
}

/**
 * What goes on as a handover of its own, from its first step: nobody signed or answered for it.
 * @param {Draft} draft
 * @param {Pick<EventRow, 'parcels'|'blobs'>} sealed from it
 * @returns {Draft|null} null when nothing would be lost
 */
export function restOf(draft, sealed) {
  const rest = beyond(draft, sealed);
  if (rest === null) return null;
  const { id, kind, startedAt, owner } = draft;
  const own = owner === undefined ? {} : { owner };
  return { ...blankDraft(id, kind, startedAt), ...own, ...goingOn(draft), ...rest };
}

/**
 * One handover that went on in two places.
 * @param {Draft} newer its words stand, and its signature, when it was for all the parcels
 * @param {Draft} older
 * @returns {Draft} with the scans and photos of both
 */
export function united(newer, older) {
  const codes = new Set(newer.scans.map(({ code }) => code));
  const digests = new Set(newer.photos.map(({ sha256 }) => sha256));
  const others = older.scans.filter(({ code }) => !codes.has(code));
  const scans = [...others, ...newer.scans];
  const photos = [...older.photos.filter(({ sha256 }) => !digests.has(sha256)), ...newer.photos];
  const words = Object.fromEntries(WORDS.map((word) => [word, newer[word] || older[word]]));
  const both = { ...newer, ...words, data: { ...older.data, ...newer.data }, scans, photos };
  if (others.length === 0) return both;
  const data = withoutAnswers(
    both.data,
    scans.map(({ code }) => code),
  );
  return { ...both, ...UNSIGNED, data, step: "scan" };
}

/** @param {Draft} draft @returns {boolean} nothing was done that would be a pity to lose */
export function isEmpty({ scans, photos }) {
  return scans.length === 0 && photos.length === 0;
}
