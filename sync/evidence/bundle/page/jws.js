/**
 * Compact JWS, opened as the server opens them: ES256 or nothing, one spelling, no extensions (envelope.py).
 * @module
 */
import { fromBase64url, fromLatin1, toBase64url } from "./bytes.js";
import { readJson } from "./json.js";

export const EVENT_TYP = "baton-event+jws";
export const RECEIPT_TYP = "baton-receipt+jws";
export const SEAL_TYP = "baton-seal+jws";
export const MAX_LINE = 65536;
export const MAX_SEAL = 16 * 1024 * 1024;

/** It is not one of ours. `isForAlg`: it asks for a way of signing that is refused. */
export class Refused extends Error {
  /** @param {string} detail @param {boolean} [isForAlg] */
  constructor(detail, isForAlg = false) {
    super(detail);
    this.isForAlg = isForAlg;
  }
}

/**
 * A JWS taken apart: nothing is proved yet.
 * @typedef {object} Envelope
 * @property {string} alg
 * @property {string | null} kid
 * @property {Record<string, any>} payload
 * @property {Uint8Array<ArrayBuffer>} signed
 * @property {Uint8Array<ArrayBuffer>} signature
 */

/**
 * @param {string} jws
 * @param {string} typ
 * @param {number} limit
 * @returns {Envelope}
 */
export function openJws(jws, typ, limit) {
  if (jws.length > limit) throw new Refused(`it has more than ${limit} bytes`);
  const parts = jws.split(".");
  if (parts.length !== 3) throw new Refused("a compact JWS has three parts");
  const { alg, kid, typ: own } = readHeader(parts[0]);
  if (own !== typ) throw new Refused(`typ must be ${typ}`);
  const [raw, signature] = [fromBase64url(parts[1]), fromBase64url(parts[2])];
  if (!raw || !signature) throw new Refused("a part is not canonical base64url");
  const payload = readJson(raw);
  if (payload === undefined) throw new Refused("the payload is refused");
  if (typeof payload !== "object" || !payload || Array.isArray(payload)) {
    throw new Refused("the payload is not an object");
  }
  return { alg, kid, payload, signed: fromLatin1(`${parts[0]}.${parts[1]}`), signature };
}

/** @param {string} text @returns {Record<string, any> | null} the object in base64url */
function objectIn(text) {
  const raw = fromBase64url(text);
  const value = raw ? readJson(raw) : undefined;
  return typeof value === "object" && value && !Array.isArray(value) ? value : null;
}

/** @param {string} part @returns {{alg: string, kid: string | null, typ: string}} */
function readHeader(part) {
  const header = objectIn(part);
  if (!header) throw new Refused("the header is refused");
  if ("crit" in header || "b64" in header) throw new Refused("the header asks for an extension");
  const { alg = null, kid = null, typ = null } = header;
  if (typeof typ !== "string" || (kid !== null && typeof kid !== "string")) {
    throw new Refused("kid and typ must be text");
  }
  if (alg !== "ES256" && alg !== "none") throw new Refused("alg must be ES256", true);
  return { alg, kid, typ };
}

/** @typedef {{kty: string, crv: string, x: string, y: string}} Jwk */

/**
 * Whether the key made this signature (64 bytes, r then s).
 * @param {Envelope} envelope
 * @param {Jwk} jwk
 * @returns {Promise<boolean>}
 */
export async function isSignedBy(envelope, jwk) {
  if (envelope.signature.length !== 64) return false;
  try {
    const { x, y } = jwk;
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("jwk", { kty: "EC", crv: "P-256", x, y }, algorithm, false, [
      "verify",
    ]);
    const how = { name: "ECDSA", hash: "SHA-256" };
    return await crypto.subtle.verify(how, key, envelope.signature, envelope.signed);
  } catch {
    return false;
  }
}

/**
 * The RFC 7638 thumbprint: what a key is called.
 * @param {Jwk} jwk
 * @returns {Promise<string>}
 */
export async function thumbprint(jwk) {
  const { crv, kty, x, y } = jwk;
  const text = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }));
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", text)));
}
