/**
 * What the server will probably make of an event: read from its own exported table, shown as a guess, never decided here.
 * @module
 */

/** @import {Effect, Kind, Parcel, Rules} from './types.js' */

/**
 * @param {Rules|null} rules
 * @param {Kind} kind
 * @param {string|null} status of the parcel before
 * @returns {{status:string|null, anomalies:string[]}} status null: not known here
 */
export function predict(rules, kind, status) {
  const outcome = status ? rules?.table[kind]?.[status] : undefined;
  if (!outcome) return { status, anomalies: [] };
  return { status: outcome.to ?? status, anomalies: [...outcome.anomalies] };
}

/**
 * @param {Rules|null} rules
 * @param {Kind} kind
 * @param {string[]} codes
 * @param {ReadonlyMap<string, Parcel>} parcels
 * @returns {Effect[]}
 */
export function predictAll(rules, kind, codes, parcels) {
  return codes.map((code) => ({
    parcel: code, ...predict(rules, kind, parcels.get(code)?.status ?? null), predicted: true,
  }));
}
