/**
 * Sealing: a finished draft becomes a signed, chained event in the outbox.
 * Signing is asynchronous and an IndexedDB transaction does not wait for it, so the place in the chain is read first
 * and verified inside the transaction: of two tabs one wins, the other signs again for the next place.
 * @module
 */
import { asScans, beyond, blankDraft } from "../domain/draft.js";
import { utf8 } from "../domain/bytes.js";
import { DEFAULT_LIMITS } from "../domain/batches.js";
import { buildPayload } from "../domain/payload.js";
import { rowOf } from "../domain/transitions.js";
import { PhoneError } from "../domain/problems.js";
import { patchBlob } from "../storage/blobs.js";
import { appendEvent, chainHead, eventById, lostDraftId } from "../storage/events.js";
import { listIdentities, privateKeyOf } from "../storage/identities.js";
import { getMeta } from "../storage/meta.js";
import { makeJws } from "./keys.js";
import { t } from "../domain/words.js";

/** @import {BlobRow, Draft, EventRow, Payload, Sealed} from '../domain/types.js' */
/** @import {Context} from './context.js' */

const RACES = 50;

/**
 * @param {Context} context
 * @param {string} device
 * @param {Draft} draft its pictures are in the store already
 * @param {{byHand:boolean}} [by] false: the phone itself speaks for this identity, signed in or not
 * @returns {Promise<Sealed>} when the strict transaction is complete
 * @throws {PhoneError} see `Phone.seal`
 */
export async function sealDraft(context, device, draft, { byHand } = { byHand: true }) {
  const identity = (await listIdentities(context.store)).find((row) => row.device === device);
  if (!identity) throw new PhoneError("not-enrolled", "This phone is not enrolled yet.");
  const privateKey = await privateKeyOf(context.store, device);
  const key = privateKey && identity.kid ? { privateKey, kid: identity.kid } : null;
  const offset = await getMeta(context.store, device, "offset");
  const mine = {
    id: context.newId(),
    device,
    actor: identity.actor.id,
    at: context.nowText(),
    offset_ms: offset?.ms ?? null,
  };
  for (let race = 0; race < RACES; race += 1) {
    const { head, sealed } = await chainHead(context.store, device, draft.id);
    if (sealed) return sameAs(draft, sealed);
    const payload = buildPayload(draft, { ...mine, seq: head.seq + 1, prev: head.prev });
    const jws = await makeJws(context.subtle, payload, key);
    const size = checkSize(jws, draft);
    const sha256 = await context.digest(utf8(jws));
    const event = eventRow(payload, draft.id, { size, sha256, signed: key !== null });
    const needsBytes = draft.kind !== "blob_lost";
    const link = { prev: head.prev, needsBytes, byHand, rev: draft.rev, tab: context.tab };
    const kept = await appendEvent(context.store, event, jws, link);
    if (kept !== "moved") return sameAs(draft, kept);
  }
  throw new PhoneError(
    "seal-contended",
    "Other tabs are sealing without end.",
    "Close Baton’s other tabs, then try again.",
  );
}

/** @param {string} jws @param {Draft} draft @returns {number} bytes */
function checkSize(jws, { scans, photos }) {
  if (jws.length > DEFAULT_LIMITS.max_event_bytes) {
    throw new PhoneError(
      "event-too-large",
      t("This is too much for one handover: parcels {parcels}, photos and tags {photos}.", {
        parcels: scans.length,
        photos: photos.length,
      }),
      "Take some parcels off with their photos, or shorten the note. Seal the rest as a second handover.",
    );
  }
  return jws.length;
}

/**
 * @param {Draft} draft
 * @param {EventRow} event made from it, now or earlier
 * @returns {Sealed}
 * @throws {PhoneError} `sealed-elsewhere`, whose cause is the rest of the draft, which the event does not hold
 */
function sameAs(draft, event) {
  const rest = beyond(draft, event);
  if (rest === null) return { id: event.id, seq: event.seq, sha256: event.sha256 };
  throw new PhoneError(
    "sealed-elsewhere",
    "Another tab has sealed this handover without what you added here.",
    "That goes on as a new handover.",
    rest,
  );
}

/**
 * @param {Payload} payload
 * @param {string} draft id
 * @param {{size:number, sha256:string, signed:boolean}} seal of the JWS: bytes, digest, with a key or without
 * @returns {EventRow}
 */
function eventRow(
  { device, seq, id, kind, data, at, parcels, run, ref, blobs },
  draft,
  { size, sha256, signed },
) {
  return {
    device,
    seq,
    id,
    draft,
    sha256,
    size,
    kind,
    row: rowOf(kind, data),
    at,
    parcels,
    run,
    ref,
    task: typeof data.task === "string" ? data.task : null,
    signed,
    blobs,
    state: "unsent",
    problem: null,
    result: null,
    epoch: null,
    settledAt: null,
    offeredAt: null,
    receiptAt: null,
  };
}

/**
 * Tells the server, once for each event that refers to it, that a picture can no longer be read on this phone.
 * @param {Context} context
 * @param {BlobRow} blob
 * @returns {Promise<void>}
 */
export async function sealLoss(context, blob) {
  for (const eventId of blob.events) {
    const event = await eventById(context.store, blob.device, eventId);
    const lost = event?.blobs.find(({ sha256 }) => sha256 === blob.sha256);
    if (!event || !lost) continue;
    const draft = blankDraft(lostDraftId(blob.sha256, eventId), "blob_lost", context.nowText());
    const { sha256, type, size, role, parcel } = lost;
    draft.ref = eventId;
    draft.run = event.run;
    if (role === "signature") draft.signature = { sha256, type, size, strokes: null };
    else draft.photos = [{ sha256, type, size, role, parcel }];
    draft.scans = asScans(event.parcels, event.at);
    await sealDraft(context, blob.device, draft, { byHand: false });
  }
  await patchBlob(context.store, blob.device, blob.sha256, { state: "lost", upload: null });
}
