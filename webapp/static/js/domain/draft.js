/**
 * A handover that has just been begun.
 * @module
 */

/** @import {Draft, Kind} from './types.js' */

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
