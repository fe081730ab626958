/**
 * From a finished draft to the event's payload, member for member as PROTOCOL §2 lists them.
 * @module
 */
import { DEFAULT_LIMITS } from "./batches.js";
import { utf8 } from "./bytes.js";
import { PhoneError } from "./problems.js";
import { t } from "./words.js";

/** @import {BlobRef, Draft, Payload, Photo} from './types.js' */

export const MAX_PARCELS = 500;
/** These speak of an earlier event, and of as many parcels as that has. */
const NEEDS_NONE = new Set(["void", "blob_lost"]);
const LONGEST = { note: 4_000, name: 200 };
/** Of what an event has around it, and of what comes after the photos: who signed and how, a note of some length. */
const RESERVED_BYTES = 9_000;

/**
 * @param {Draft} draft
 * @returns {string[]} as scanned, without repeats, in the order of scanning
 */
function parcelsOf(draft) {
  const codes = [...new Set(draft.scans.map(({ code }) => code))];
  if (codes.length === 0 && !NEEDS_NONE.has(draft.kind)) {
    throw new PhoneError("no-parcels", "No parcel is in this handover.", "Scan at least one.");
  }
  if (codes.length > MAX_PARCELS) {
    throw new PhoneError(
      "too-many-parcels",
      t("One handover holds {most} parcels at most.", { most: MAX_PARCELS }),
      "Seal it in two parts.",
    );
  }
  return codes;
}

/**
 * The server would keep too long a text in quarantine; better to say so while it can still be shortened.
 * @param {Draft} draft
 */
function checkTexts({ note, counterpart }) {
  if ((note?.length ?? 0) > LONGEST.note) {
    throw new PhoneError(
      "note-too-long",
      t("A note has {most} characters at most.", { most: LONGEST.note }),
      "Shorten it.",
    );
  }
  if ((counterpart?.name.length ?? 0) > LONGEST.name) {
    throw new PhoneError(
      "name-too-long",
      t("A name has {most} characters at most.", { most: LONGEST.name }),
      "Shorten it.",
    );
  }
}

/** @param {Draft} draft @returns {BlobRef[]} */
function blobsOf(draft) {
  /** @type {BlobRef[]} */
  const blobs = draft.photos.map(({ sha256, type, size, role, parcel }) => ({
    sha256,
    type,
    size,
    role,
    parcel,
  }));
  if (draft.signature) {
    const { sha256, type, size } = draft.signature;
    blobs.push({ sha256, type, size, role: "signature", parcel: null });
  }
  return blobs;
}

/**
 * Told at the photo, while less can still be taken: at the seal it would be too late.
 * @param {Draft} draft
 * @param {Omit<Photo, 'sha256'>} photo one more
 * @returns {boolean} the handover can still be sealed with it
 */
export function hasRoomFor(draft, photo) {
  const photos = [...draft.photos, { ...photo, sha256: "0".repeat(64) }];
  const codes = draft.scans.map(({ code }) => code);
  const said = JSON.stringify([codes, dataOf(draft), blobsOf({ ...draft, photos })]);
  return ((utf8(said).length + RESERVED_BYTES) * 4) / 3 <= DEFAULT_LIMITS.max_event_bytes; // as base64
}

/**
 * The office should see which codes were typed and which stops were overridden, and why.
 * @param {Draft} draft
 * @returns {Record<string, unknown>}
 */
function dataOf(draft) {
  const data = { ...draft.data };
  const typed = draft.scans.filter((scan) => scan.typed).map(({ code }) => code);
  const overrides = draft.scans
    .filter((scan) => scan.override !== null)
    .map(({ code, verdict, override }) => ({ parcel: code, verdict, reason: override }));
  if (typed.length) data.typed = typed;
  if (overrides.length) data.overrides = overrides;
  return data;
}

/**
 * @param {Draft} draft
 * @param {{id:string, device:string, actor:string, seq:number, prev:string|null, at:string, offset_ms:number|null}} link
 *   what the phone adds: who, when, and the place in its chain
 * @returns {Payload}
 * @throws {PhoneError} `no-parcels`, `too-many-parcels`, `note-too-long`, `name-too-long`
 */
export function buildPayload(draft, { id, device, actor, seq, prev, at, offset_ms }) {
  checkTexts(draft);
  const { kind, run, carrier, expected, place, counterpart, reason, note, intact, ref } = draft;
  return {
    v: 1,
    id,
    device,
    actor,
    seq,
    prev,
    kind,
    at,
    offset_ms,
    parcels: parcelsOf(draft),
    run,
    carrier,
    expected,
    place,
    counterpart,
    reason,
    note,
    intact,
    ref,
    blobs: blobsOf(draft),
    data: dataOf(draft),
  };
}
