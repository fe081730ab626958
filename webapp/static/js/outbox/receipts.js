/**
 * Checks the server's signed receipt for a batch, before it is kept.
 * @module
 */
import { RECEIPT_TYPE, isSignedBy, readJws } from "./keys.js";

/** @import {PublicJwk} from '../domain/types.js' */
/** @import {SentRow} from '../domain/settle.js' */
/** @import {ReceiptRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */

/**
 * @param {Context} context
 * @param {string} jws
 * @param {{device:string, serverJwk:PublicJwk|null, rows:SentRow[]}} about `rows`: what was sent
 * @returns {Promise<ReceiptRow|null>} null when it is no receipt or names none of the rows; `verified` only when the
 *   server's key of the enrolment signed it, for this device, with the digests this phone sealed
 */
export async function checkReceipt({ subtle }, jws, { device, serverJwk, rows }) {
  const parts = readJws(jws);
  if (!parts || parts.header.typ !== RECEIPT_TYPE) return null;
  const { payload } = parts;
  const named = Array.isArray(payload.events) ? payload.events : [];
  const events = rows.filter(({ id, sha256 }) =>
    named.some((event) => event?.id === id && event?.sha256 === sha256),
  );
  if (events.length === 0) return null;
  const isSigned = serverJwk !== null && (await isSignedBy(subtle, serverJwk, parts));
  return {
    device,
    jws,
    epoch: String(payload.epoch ?? ""),
    receivedAt: String(payload.received_at ?? ""),
    verified: isSigned && payload.device === device,
    events: events.map(({ id }) => id),
  };
}
