/**
 * Bytes: base64url in its one spelling, hexadecimal, SHA-256 and CRC-32.
 * @module
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES = new Map([...ALPHABET].map((char, value) => [char, value]));

/**
 * Canonical unpadded base64url; null for any other spelling of the same bytes.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
export function fromBase64url(text) {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const char of text) {
    const value = VALUES.get(char);
    if (value === undefined) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at] = (held >> bits) & 0xff;
      at += 1;
    }
  }
  return held & ((1 << bits) - 1) ? null : bytes;
}

/**
 * Unpadded base64url.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64url(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const three = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const left = Math.min(bytes.length - at, 3);
    for (let n = 0; n <= left; n += 1) text += ALPHABET[(three >> (18 - 6 * n)) & 63];
  }
  return text;
}

/**
 * Base64 with padding, as the page carries a bundle.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer> | null}
 */
export function fromBase64(text) {
  if (text.length % 4 !== 0) return null;
  return fromBase64url(
    text
      .replace(/={1,2}$/, "")
      .replaceAll("+", "-")
      .replaceAll("/", "_"),
  );
}

/**
 * @param {Uint8Array} bytes
 * @returns {string} lower-case hexadecimal
 */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text pairs of hexadecimal digits @returns {Uint8Array<ArrayBuffer>} */
export function fromHex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, n) => parseInt(text.slice(2 * n, 2 * n + 2), 16));
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>} the digest in lower-case hexadecimal
 */
export async function sha256(bytes) {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** A byte for each character: what a JWS is, and a wrong one may be. @param {Uint8Array} bytes @returns {string} */
export function latin1(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} its characters up to U+00FF as bytes */
export function fromLatin1(text) {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * CRC-32 as zip has it.
 * @param {Uint8Array} bytes
 * @returns {number} 0…2³²-1
 */
export function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
