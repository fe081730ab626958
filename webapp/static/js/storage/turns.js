/**
 * Every transaction that changes the phone's database has a turn: by it two copies tell which of them is right.
 *
 * A line is a row of turns, each made on top of the one before. Who cannot tell whether its copy is the later one begins a
 * new line, and writes down where it left the old one. So two copies that went apart are never taken for two that are one
 * behind the other.
 * @module
 */

/** @import {IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {MetaRow, Tables} from './schema.js' */

/** The place of a line where another went on. @typedef {{id:string, n:number}} Leaving */
/** `id` of the line, `n` counts all that came before in any line, `past` the lines that it goes on from. @typedef {{id:string, n:number, past:Leaving[]}} Turn */

export const TURN_KEY = /** @type {[string, string]} */ (["", "turn"]);
const FIRST_TURN = 2; // never the next of nothing: what there was before turns were counted is levelled first
const LONGEST_PAST = 100; // starts in a row at which the other copy did not answer
/** @type {Turn} */ const NO_TURN = { id: "", n: 0, past: [] };

/** @param {unknown} row of `meta` @returns {Turn} */
export function turnIn(row) {
  return /** @type {Turn|undefined} */ (/** @type {MetaRow|undefined} */ (row)?.value) ?? NO_TURN;
}

/** @param {string} name of a store @param {unknown} key @returns {boolean} that row holds the turn */
export function isTurn(name, key) {
  return name === "meta" && Array.isArray(key) && key[0] === TURN_KEY[0] && key[1] === TURN_KEY[1];
}

/**
 * @param {Turn} later
 * @param {Turn} earlier
 * @returns {boolean} the later one was made on top of the earlier one, or is it
 */
export function covers(later, earlier) {
  if (earlier.n === 0) return true;
  return [later, ...later.past].some(({ id, n }) => id === earlier.id && n >= earlier.n);
}

/** @param {Turn} one @param {Turn} other @returns {boolean} */
export function isSame(one, other) {
  return one.id === other.id && one.n === other.n;
}

/** @param {Turn} turn @param {Turn} here @returns {boolean} nothing lacks between the two */
export function isNext(turn, here) {
  return turn.n === here.n + 1 && covers(turn, here);
}

/**
 * Counts this transaction.
 * @param {IDBPTransaction<Tables, any, 'readwrite'>} tx over `meta`, among others
 * @param {{isNewLine?:boolean}} [how] `isNewLine`: it is not known whether this copy is the later one
 * @returns {Promise<void>}
 */
export async function countTurn(tx, { isNewLine = false } = {}) {
  const now = await readTurn(tx);
  const n = Math.max(now.n, FIRST_TURN - 1) + 1;
  await putTurn(tx, isNewLine || now.id === "" ? newLine(n, [now]) : { ...now, n });
}

/**
 * Counts a transaction that makes one of two copies that went apart.
 * @param {IDBPTransaction<Tables, any, 'readwrite'>} tx over `meta`, among others
 * @param {Turn} other of the copy that is taken in
 * @returns {Promise<void>}
 */
export async function countJoining(tx, other) {
  const now = await readTurn(tx);
  await putTurn(tx, newLine(Math.max(now.n, other.n, FIRST_TURN - 1) + 1, [other, now]));
}

/** @param {IDBPTransaction<Tables, any, 'readwrite'>} tx @returns {Promise<Turn>} */
export async function readTurn(tx) {
  return turnIn(await tx.objectStore("meta").get(TURN_KEY));
}

/** @param {number} n @param {Turn[]} before whose own places are never forgotten for older ones @returns {Turn} */
function newLine(n, before) {
  /** @type {Map<string, number>} */ const places = new Map();
  for (const left of [...before.flatMap(({ past }) => past), ...before]) {
    const furthest = Math.max(left.n, places.get(left.id) ?? 0);
    places.delete(left.id);
    if (left.n > 0) places.set(left.id, furthest);
  }
  const past = [...places].map(([id, at]) => ({ id, n: at })).slice(-LONGEST_PAST);
  return { id: globalThis.crypto.randomUUID(), n, past };
}

/** @param {IDBPTransaction<Tables, any, 'readwrite'>} tx @param {Turn} value */
async function putTurn(tx, value) {
  const [device, name] = TURN_KEY;
  await tx.objectStore("meta").put({ device, name, value });
}
