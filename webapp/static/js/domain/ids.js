/**
 * UUIDv7 (RFC 9562) from a given time and given randomness. Identity only, never an order.
 * @module
 */

/**
 * @param {number} ms since 1970
 * @param {Uint8Array} random at least 10 random bytes
 * @returns {string}
 */
export function uuidv7(ms, random) {
  const bytes = new Uint8Array(16);
  let rest = Math.max(0, Math.trunc(ms));
  for (let i = 5; i >= 0; i -= 1) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
