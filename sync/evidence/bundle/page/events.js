/**
 * The events: each signed by the key of the phone it names, and they are those that were sealed, in their order.
 * @module
 */
import { EVENTS, TIMELINE, asSentence, payloadOf } from "./contents.js";
import { isReordered } from "./seal.js";
import { ms } from "./shapes.js";

/** @typedef {import("./contents.js").Bundle} Bundle */
/** @typedef {import("./contents.js").Line} Line */
/** @typedef {import("./keys.js").Ring} Ring */

const SAME = ["device", "seq", "kind", "at", "offset_ms", "actor"];

/** How a finding names an event: by its id, or by its line. @param {Line} line @returns {string} */
export function place(line) {
  return payloadOf(line).id || `${EVENTS}, line ${line.number}`;
}

/** Who made each event, as far as mathematics knows. @param {Bundle} bundle @param {Ring} ring */
export async function checkSignatures(bundle, ring) {
  for (const line of bundle.events) {
    if (line.envelope) await checkSignature(bundle.findings, line, line.envelope, ring);
    else {
      bundle.findings.add(
        line.refused?.isForAlg ? "alg_refused" : "event_unreadable",
        place(line),
        asSentence(line.refused?.message ?? ""),
      );
    }
  }
}

/** @param {import("./findings.js").Findings} find @param {Line} line @param {import("./jws.js").Envelope} envelope @param {Ring} ring */
async function checkSignature(find, line, envelope, ring) {
  const where = place(line);
  const { device, actor } = envelope.payload;
  if (envelope.alg === "none") {
    const holder = ring.holder(device);
    const hasKey = !holder || holder.jwk || envelope.signature.length > 0;
    find.add(hasKey ? "alg_refused" : "unsigned", where);
    return;
  }
  const key = ring.byKid.get(envelope.kid ?? "");
  if (!key) {
    find.add("key_unknown", where, `The key ${envelope.kid || "without a name"}.`);
    return;
  }
  if (!(await ring.hasSigned(envelope.kid, envelope))) find.add("event_signature", where);
  if (key.device !== device) {
    find.add("key_of_another_phone", where, `The key is that of ${key.label || key.device}.`);
  } else if (key.kind !== "server" && key.person && key.person.id !== actor) {
    find.add("actor_other", where, `The phone was given to ${key.person.name}.`);
  }
}

/** No event changed, taken out, put in, doubled or moved. @param {Bundle} bundle */
export function checkOrder(bundle) {
  if (!bundle.seal) return;
  const find = bundle.findings;
  /** @type {Map<string, any>} */
  const told = new Map((bundle.sealed.events ?? []).map((/** @type {any} */ event) => [event.id, event]));
  const lines = bundle.events.filter((line) => line.envelope);
  const there = lines.map((line) => String(payloadOf(line).id));
  for (const line of lines) {
    const known = told.get(payloadOf(line).id);
    if (!known) find.add("event_added", place(line));
    else if (known.sha256 !== line.sha256) find.add("event_changed", place(line));
    else compareEvent(find, line, known);
  }
  for (const [index, id] of there.entries()) if (there.indexOf(id) !== index) find.add("event_twice", id);
  for (const id of told.keys()) if (!there.includes(id)) find.add("event_removed", id);
  if (isReordered(there, [...told.keys()])) find.add("events_reordered", EVENTS);
  checkParcel(bundle, lines, new Set(there));
}

/**
 * What the parcel is called that the bundle is about; none when it is about a handover.
 * @param {Bundle} bundle
 * @returns {Set<string>}
 */
export function namesOf({ sealed }) {
  const parcel = sealed.about?.parcel;
  return new Set(parcel ? [parcel, ...(sealed.names ?? [])] : []);
}

/**
 * The parcels that an event's maker has signed for, as they stand there: those of these names, and how many others.
 * Without names all of them.
 * @param {any} payload
 * @param {Set<string>} names
 * @returns {{own: string[], others: number}}
 */
export function signedFor({ parcels }, names) {
  const codes = (Array.isArray(parcels) ? parcels : []).filter((text) => typeof text === "string");
  const own = codes.filter((code) => names.size === 0 || names.has(code));
  return { own, others: codes.length - own.length };
}

/** Each event names the parcel, or speaks of another one here (a withdrawal, a review, a picture that was lost). @param {Bundle} bundle @param {Line[]} lines @param {Set<string>} there */
function checkParcel(bundle, lines, there) {
  const names = namesOf(bundle);
  if (names.size === 0) {
    checkHandover(bundle, lines);
    return;
  }
  const { parcel } = bundle.sealed.about;
  if ((bundle.sealed.parcels ?? []).some((/** @type {any} */ told) => told.code !== parcel)) {
    bundle.findings.add("timeline_contradicts", TIMELINE, "In parcels.");
  }
  for (const line of lines) {
    const { id, ref } = payloadOf(line);
    const isOfAnother = typeof ref === "string" && there.has(ref) && ref !== id;
    if (!isOfAnother && signedFor(payloadOf(line), names).own.length === 0) {
      bundle.findings.add("parcel_other", place(line));
    }
  }
}

/** Each event is the one that the bundle is about, speaks of it, or is what that one speaks of. @param {Bundle} bundle @param {Line[]} lines */
function checkHandover(bundle, lines) {
  const event = bundle.sealed.about?.event ?? null;
  const its = lines.filter((line) => payloadOf(line).id === event).map((line) => payloadOf(line).ref);
  for (const line of lines) {
    const { id, ref } = payloadOf(line);
    const isIts = id === event || ref === event || its.includes(id);
    if (its.length === 0 || !isIts) bundle.findings.add("event_other", place(line));
  }
}

/** What the server's timeline says of an event against what its maker signed. @param {import("./findings.js").Findings} find @param {Line} line @param {any} told */
function compareEvent(find, line, told) {
  const payload = payloadOf(line);
  const differing = SAME.filter((name) => (payload[name] ?? null) !== (told[name] ?? null));
  const claimed = ms(told.at) + (told.offset_ms ?? 0);
  if (ms(told.effective_at) !== Math.min(claimed, ms(told.received_at))) differing.push("effective_at");
  if (blobNames(payload.blobs) !== blobNames(told.blobs)) differing.push("blobs");
  if (differing.length > 0) find.add("timeline_contradicts", place(line), `In ${differing.join(", ")}.`);
}

/** @param {any[] | null | undefined} blobs @returns {string} */
function blobNames(blobs) {
  return [...new Set((blobs ?? []).map(({ sha256, role }) => `${sha256} ${role}`))].sort().join("\n");
}
