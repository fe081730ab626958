/**
 * The phone's signing key (ES256, never extractable) and the compact JWS made and checked with such keys.
 * @module
 */
import { base64url, fromBase64url, utf8 } from "../domain/bytes.js";

/** @import {PublicJwk} from '../domain/types.js' */

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ES256 = { name: "ECDSA", hash: "SHA-256" };
export const EVENT_TYPE = "baton-event+jws";
export const RECEIPT_TYPE = "baton-receipt+jws";

/**
 * @param {SubtleCrypto} subtle
 * @returns {Promise<{privateKey:CryptoKey, jwk:PublicJwk, kid:string}>}
 */
export async function makeKey(subtle) {
  const pair = await subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const { x, y } = await subtle.exportKey("jwk", pair.publicKey);
  /** @type {PublicJwk} */
  const jwk = { kty: "EC", crv: "P-256", x: String(x), y: String(y) };
  return { privateKey: pair.privateKey, jwk, kid: await thumbprint(subtle, jwk) };
}

/**
 * RFC 7638: the required members, in lexical order, without blanks.
 * @param {SubtleCrypto} subtle
 * @param {PublicJwk} jwk
 * @returns {Promise<string>} base64url
 */
export async function thumbprint(subtle, { crv, kty, x, y }) {
  const digest = await subtle.digest("SHA-256", utf8(JSON.stringify({ crv, kty, x, y })));
  return base64url(new Uint8Array(digest));
}

/** @param {unknown} value @returns {string} */
function part(value) {
  return base64url(utf8(JSON.stringify(value)));
}

/**
 * @param {SubtleCrypto} subtle
 * @param {unknown} payload
 * @param {{privateKey:CryptoKey, kid:string}|null} key null: unsigned, `alg` none and an empty signature
 * @returns {Promise<string>} compact JWS; built once, kept verbatim from then on
 */
export async function makeJws(subtle, payload, key) {
  if (key === null) return `${part({ alg: "none", typ: EVENT_TYPE })}.${part(payload)}.`;
  const input = `${part({ alg: "ES256", kid: key.kid, typ: EVENT_TYPE })}.${part(payload)}`;
  const signature = await subtle.sign(ES256, key.privateKey, utf8(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

/**
 * @param {string} jws
 * @returns {{header:Record<string, unknown>, payload:Record<string, unknown>, input:string, signature:Uint8Array<ArrayBuffer>}|null}
 *   null when it is no compact JWS with JSON objects in it; nothing is checked yet
 */
export function readJws(jws) {
  const [head, body, mark, ...rest] = jws.split(".");
  if (!head || !body || mark === undefined || rest.length > 0) return null;
  try {
    const text = (/** @type {string} */ piece) =>
      new TextDecoder("utf-8", { fatal: true }).decode(fromBase64url(piece));
    const header = JSON.parse(text(head));
    const payload = JSON.parse(text(body));
    if (typeof header !== "object" || typeof payload !== "object" || header === null || payload === null) {
      return null;
    }
    return { header, payload, input: `${head}.${body}`, signature: fromBase64url(mark) };
  } catch {
    return null; // not base64url, not UTF-8, not JSON: whatever it is, it is no JWS
  }
}

/**
 * @param {SubtleCrypto} subtle
 * @param {PublicJwk} jwk
 * @param {{header:Record<string, unknown>, input:string, signature:Uint8Array<ArrayBuffer>}} parts
 * @returns {Promise<boolean>} false also for any algorithm but ES256
 */
export async function isSignedBy(subtle, jwk, { header, input, signature }) {
  if (header.alg !== "ES256") return false;
  const { kty, crv, x, y } = jwk;
  const key = await subtle.importKey("jwk", { kty, crv, x, y }, CURVE, false, ["verify"]);
  return subtle.verify(ES256, key, signature, utf8(input));
}
