/**
 * Text and bytes in the spellings the wire uses: base64url, base64, hex.
 * @module
 */

/** @param {Uint8Array} bytes @returns {string} */
function binary(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** @param {Uint8Array} bytes @returns {string} with padding, as `Upload-Metadata` and `Upload-Checksum` want it */
export function base64(bytes) {
  return btoa(binary(bytes));
}

/** @param {Uint8Array} bytes @returns {string} without padding */
export function base64url(bytes) {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** @param {string} text base64url @returns {Uint8Array<ArrayBuffer>} @throws when it is none */
export function fromBase64url(text) {
  if (!/^[\w-]*$/.test(text)) throw new SyntaxError("not base64url");
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

/** @param {ArrayBuffer} buffer @returns {string} lower case */
export function hex(buffer) {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text hex @returns {Uint8Array<ArrayBuffer>} */
export function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} UTF-8 */
export function utf8(text) {
  return new TextEncoder().encode(text);
}
