/**
 * One picture to the server by tus 1.0.0: created, sent in pieces, taken up again after a break.
 *
 * The digest of the whole is checked when the last byte is in. A piece has a checksum of its own only where the line was
 * seen to change bytes: the server has to throw a piece with a checksum away when it was cut, and keeps what came of one
 * without.
 * @module
 */
import { base64, fromHex, utf8 } from "../domain/bytes.js";
import { request } from "./http.js";

/** @import {BlobRow} from '../domain/types.js' */
/** @import {Context} from './context.js' */
/** @import {HttpAnswer} from './http.js' */

const ROOT = "/sync/v1/blobs";
const VERSION = { "Tus-Resumable": "1.0.0" };
const OCTETS = "application/offset+octet-stream";

/** Up to here the first try carries the bytes along; later tries, and larger pictures, go in pieces that can resume. */
export const SMALL_BYTES = 131_072;

/**
 * Where an upload stands: `path` null when the server answered something else than an upload, told by `answer`.
 * @typedef {{path:string|null, offset:number, answer:HttpAnswer}} Standing
 */

/**
 * @param {Context} context
 * @param {string} token
 * @param {BlobRow} blob
 * @param {ArrayBuffer|null} bytes sent along when given
 * @returns {Promise<Standing>}
 */
export async function createUpload(context, token, { sha256, type, role, size }, bytes) {
  const metadata = Object.entries({ sha256, type, role: role ?? "photo" }).map(
    ([name, value]) => `${name} ${base64(utf8(value))}`,
  );
  /** @type {Record<string, string>} */
  const along =
    bytes === null ? {} : { "Content-Type": OCTETS, "Upload-Checksum": `sha256 ${base64(fromHex(sha256))}` };
  const answer = await request(context, ROOT, {
    method: "POST",
    token,
    body: bytes,
    bytes: bytes?.byteLength ?? 0,
    headers: { ...VERSION, "Upload-Length": String(size), "Upload-Metadata": metadata.join(","), ...along },
  });
  if (!answer.protocol || answer.status !== 201) return { path: null, offset: 0, answer };
  const offset = offsetOf(answer) ?? 0;
  const path = pathOf(answer.headers.get("Location"), context.base) ?? (offset === size ? ROOT : null);
  return { path, offset, answer };
}

/**
 * @param {Context} context
 * @param {string} token
 * @param {string} path
 * @returns {Promise<Standing>}
 */
export async function resumeUpload(context, token, path) {
  const answer = await request(context, path, { method: "HEAD", token, headers: VERSION });
  const offset = offsetOf(answer);
  const isThere = answer.protocol && (answer.status === 200 || answer.status === 204) && offset !== null;
  return { path: isThere ? path : null, offset: offset ?? 0, answer };
}

/**
 * @param {Context} context
 * @param {string} token
 * @param {string} path
 * @param {{bytes:ArrayBuffer, offset:number, chunk:number, hasChecksum:boolean}} piece
 * @returns {Promise<Standing>}
 */
export async function sendPiece(context, token, path, { bytes, offset, chunk, hasChecksum }) {
  const body = bytes.slice(offset, offset + chunk);
  /** @type {Record<string, string>} */
  const checksum = hasChecksum
    ? { "Upload-Checksum": `sha256 ${base64(fromHex(await context.digest(body)))}` }
    : {};
  const answer = await request(context, path, {
    method: "PATCH",
    token,
    body,
    bytes: body.byteLength,
    headers: { ...VERSION, "Content-Type": OCTETS, "Upload-Offset": String(offset), ...checksum },
  });
  const isTaken = answer.protocol && answer.status === 204;
  return { path: isTaken ? path : null, offset: isTaken ? (offsetOf(answer) ?? offset) : offset, answer };
}

/** @param {HttpAnswer} answer @returns {number|null} */
function offsetOf({ headers }) {
  const text = headers.get("Upload-Offset");
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

/**
 * Only the path of what the server names: behind a proxy it may think of itself under another scheme or host, and the
 * token must never go to a third one.
 * @param {string|null} location
 * @param {string} base
 * @returns {string|null}
 */
function pathOf(location, base) {
  if (location === null) return null;
  const url = new URL(location, new URL(`${ROOT}/`, base || "https://baton.invalid"));
  return url.pathname + url.search;
}
