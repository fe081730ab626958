/**
 * What the server will probably make of an event: read from its own exported table, shown as a guess, never decided here.
 * @module
 */

/** @import {Effect, Kind, Parcel, Rules} from './types.js' */

/**
 * The row of the table for an event: `return` has one for each stage. As `row_of` in `sync/rules/lifecycle.py`.
 * @param {Kind} kind
 * @param {Record<string, unknown>} data
 * @returns {string}
 */
export function rowOf(kind, data) {
  return kind === "return" && typeof data.stage === "string" ? `return.${data.stage}` : kind;
}

/**
 * @param {Rules|null} rules
 * @param {string} row kind, or kind and stage
 * @param {string|null} status of the parcel before
 * @returns {{status:string|null, anomalies:string[]}} status null: not known here. Anomalies that hang on what only the
 *   server knows (who handed over before) are left out
 */
export function predict(rules, row, status) {
  const table = rules?.table;
  const outcome = status ? (table?.[row] ?? table?.[row.split(".")[0] ?? row])?.[status] : undefined;
  if (!outcome) return { status, anomalies: [] };
  const conditions = rules?.conditions ?? {};
  return {
    status: outcome.to ?? status,
    anomalies: outcome.anomalies.filter((code) => !(code in conditions)),
  };
}

/**
 * @param {Rules|null} rules
 * @param {string} row kind, or kind and stage
 * @param {string[]} codes
 * @param {ReadonlyMap<string, Parcel>} parcels
 * @returns {Effect[]}
 */
export function predictAll(rules, row, codes, parcels) {
  return codes.map((code) => ({
    parcel: code,
    ...predict(rules, row, parcels.get(code)?.status ?? null),
    predicted: true,
  }));
}
