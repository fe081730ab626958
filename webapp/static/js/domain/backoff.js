/**
 * How long to wait before the next try: full jitter between nothing and a doubling ceiling, so that a thousand
 * phones coming out of the same tunnel do not knock at once.
 * @module
 */

export const FIRST_MS = 2_000;
export const LONGEST_MS = 300_000;
const LEAST_MS = 250;

/**
 * @param {number} failures in a row, 1 after the first
 * @param {number} random 0…1
 * @param {number|null} retryAfterMs what the server asked for; never less than that
 * @returns {number} milliseconds
 */
export function waitFor(failures, random, retryAfterMs = null) {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(Math.max(failures, 1) - 1, 20));
  const jittered = Math.max(LEAST_MS, Math.round(ceiling * random));
  if (retryAfterMs === null) return jittered;
  return retryAfterMs + Math.round(Math.min(ceiling, FIRST_MS) * random);
}
