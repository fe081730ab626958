/**
 * Whose a tracking number may be: the shop's own carriers by their patterns, all others by the public table that came
 * with the rules. The same rules as `sync/rules/carriers.py`; both read `tests/vectors/carriers.json`. Pure.
 * @module
 */
import { trackingKey } from "./codes.js";

/** @import {KnownCarrier, Rules} from './types.js' */

/** From most to least sure: a check digit, a beginning that only this carrier has, no more than length and kind. */
const CONFIDENCE = ["check", "prefix", "shape"];
const S10_WEIGHTS = [8, 6, 4, 2, 3, 5, 9, 7];

/** @typedef {{code:string, name:string, confidence:string}} Candidate */

/** @param {string} serial eight digits @returns {number} the check digit of an S10 identifier (UPU): modulo 11 */
function s10Check(serial) {
  const sum = S10_WEIGHTS.reduce((total, weight, at) => total + weight * Number(serial[at]), 0);
  const rest = 11 - (sum % 11);
  if (rest === 10) return 0;
  return rest === 11 ? 5 : rest;
}

/** @param {string|null|undefined} check @param {string} number @returns {boolean} a check nobody knows never fits */
function checkFits(check, number) {
  if (!check) return true;
  if (check !== "s10" || !/^..\d{9}/.test(number) || number.length !== 13) return false;
  return Number(number[10]) === s10Check(number.slice(2, 10));
}

/**
 * @param {string|null|undefined} pattern
 * @param {string|null|undefined} check
 * @param {string} text
 * @returns {boolean} the whole text is a number of this pattern, in any case, with this check digit
 */
export function fits(pattern, check, text) {
  const number = trackingKey(text);
  return Boolean(pattern) && new RegExp(`^(?:${pattern})$`, "i").test(number) && checkFits(check, number);
}

/**
 * @param {string} text
 * @param {KnownCarrier[]} known the public table
 * @returns {Candidate[]} every carrier whose number it may be, most sure first
 */
export function guess(text, known) {
  return known
    .flatMap(({ code, name, patterns }) => {
      const ranks = patterns
        .filter(({ pattern, check }) => fits(pattern, check, text))
        .map(({ confidence }) => CONFIDENCE.indexOf(confidence));
      return ranks.length ? [{ code, name, confidence: CONFIDENCE[Math.min(...ranks)] ?? "shape" }] : [];
    })
    .sort(
      (a, b) =>
        CONFIDENCE.indexOf(a.confidence) - CONFIDENCE.indexOf(b.confidence) || (a.code < b.code ? -1 : 1),
    );
}

/** @param {string} text @param {KnownCarrier[]} known @returns {Candidate|null} the one that more than a shape speaks for */
export function likely(text, known) {
  const sure = guess(text, known).filter(({ confidence }) => confidence !== "shape");
  return sure.length === 1 ? (sure[0] ?? null) : null;
}

/** `own` is the shop's code for the carrier, where it has one. @typedef {{name:string, own:string|null, isOurs:boolean}} Owner */

/**
 * Whose a number is that no list knows: the shop's own carrier by its pattern (`isOurs`), else what it looks like.
 * @param {string} text
 * @param {Rules|null} rules
 * @returns {Owner|null}
 */
export function ownerOf(text, rules) {
  const shops = rules?.carriers ?? [];
  const ours = shops.find(({ tracking_pattern, check }) => fits(tracking_pattern, check, text));
  if (ours) return { name: ours.name, own: ours.code, isOurs: true };
  const found = likely(text, rules?.known_carriers ?? []);
  if (!found) return null;
  const own = shops.find((carrier) => carrier.built_in === found.code);
  return { name: own?.name ?? found.name, own: own?.code ?? null, isOurs: false };
}
