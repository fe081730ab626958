/**
 * The pictures: each is what an event signed for, and what is not here is said to be missing, with the reason.
 * @module
 */
import { MAX_PICTURE, payloadOf } from "./contents.js";
import { place } from "./events.js";

/** @typedef {import("./contents.js").Bundle} Bundle */

/** @type {Record<string, string>} */
const ABSENT = {
  never_arrived: "photo_never_arrived",
  lost: "photo_lost",
  damaged: "photo_damaged",
  deleted_by_policy: "photo_deleted_by_policy",
};
/** @type {Record<string, string>} */
const ENDINGS = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" };

/** Read every picture once. @param {Bundle} bundle */
export async function checkPhotos(bundle) {
  /** @type {Map<string, any>} */
  const signed = new Map();
  for (const line of bundle.events) {
    for (const blob of payloadOf(line).blobs ?? []) signed.set(blob.sha256, blob);
  }
  const there = new Set();
  for (const [name, digest] of bundle.pictureNames()) {
    const bytes = await bundle.read(name, MAX_PICTURE);
    there.add(digest);
    if (!bytes) continue;
    if (bundle.digests.get(name) !== digest) bundle.findings.add("photo_changed", name);
    else if (!signed.has(digest)) bundle.findings.add("photo_unlisted", name);
    else comparePhoto(bundle, name, bytes, signed.get(digest));
  }
  checkAbsent(bundle, there);
}

/** @param {Bundle} bundle @param {string} name @param {Uint8Array} bytes @param {any} signed */
function comparePhoto(bundle, name, bytes, signed) {
  const type = mediaType(bytes);
  const isNamedSo = type !== null && name.endsWith(`.${ENDINGS[type]}`);
  if (!isNamedSo || type !== signed.type || bytes.length !== signed.size) {
    bundle.findings.add("photo_type", name);
  }
}

/** By the first bytes. @param {Uint8Array} bytes @returns {string | null} */
export function mediaType(bytes) {
  const starts = (/** @type {number[]} */ mark, at = 0) => mark.every((byte, n) => bytes[at + n] === byte);
  if (starts([0xff, 0xd8, 0xff])) return "image/jpeg";
  if (starts([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return "image/png";
  return starts([0x52, 0x49, 0x46, 0x46]) && starts([0x57, 0x45, 0x42, 0x50], 8) ? "image/webp" : null;
}

/** @param {Bundle} bundle @param {Set<string>} there */
function checkAbsent(bundle, there) {
  /** @type {Map<string, any>} */
  const told = new Map((bundle.sealed.events ?? []).map((/** @type {any} */ event) => [event.id, event]));
  for (const line of bundle.events) {
    const { id, kind, blobs } = payloadOf(line);
    if (kind === "blob_lost") continue;
    const absent = (blobs ?? []).filter((/** @type {any} */ blob) => !there.has(blob.sha256));
    for (const blob of absent) {
      bundle.findings.add(whyAbsent(bundle, blob, told.get(id)), `${blob.sha256} of ${place(line)}`);
    }
  }
}

/** The finding for a picture that is not here. @param {Bundle} bundle @param {any} blob @param {any} event @returns {string} */
function whyAbsent(bundle, blob, event) {
  const known = (event?.blobs ?? []).filter(
    (/** @type {any} */ b) => b.sha256 === blob.sha256 && b.role === blob.role,
  );
  const state = known.at(-1)?.state ?? "";
  if (state !== "left_out") return ABSENT[state] ?? "photo_missing";
  const names = bundle.sealed.names ?? [];
  const showsOther = names.length > 0 && typeof blob.parcel === "string" && !names.includes(blob.parcel);
  return showsOther ? "photo_left_out" : "photo_withheld";
}
