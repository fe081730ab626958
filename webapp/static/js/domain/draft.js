/**
 * A handover that has just been begun.
 * @module
 */

/** @import {Draft, EventRow, Kind, Photo, Scan} from './types.js' */

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

/**
 * One handover that went on in two places.
 * @param {Draft} newer its words stand
 * @param {Draft} older
 * @returns {Draft} with the scans and photos of both
 */
export function united(newer, older) {
  const codes = new Set(newer.scans.map(({ code }) => code));
  const digests = new Set(newer.photos.map(({ sha256 }) => sha256));
  return {
    ...newer,
    scans: [...older.scans.filter(({ code }) => !codes.has(code)), ...newer.scans],
    photos: [...older.photos.filter(({ sha256 }) => !digests.has(sha256)), ...newer.photos],
    signature: newer.signature ?? older.signature,
    counterpart: newer.counterpart ?? older.counterpart,
  };
}

/** @param {Draft} draft @returns {boolean} nothing was done that would be a pity to lose */
export function isEmpty({ scans, photos }) {
  return scans.length === 0 && photos.length === 0;
}
