/**
 * Sends the pictures the server lacks, small before large, and lets every newly sealed scan pass between two pieces.
 * How many go side by side, and how large the pieces are, follows from how the line behaves.
 * @module
 */
import { isDue, uploadOrder } from "../domain/batches.js";
import { waitFor } from "../domain/backoff.js";
import { PhoneError } from "../domain/problems.js";
import { isSaid, readProblem } from "../domain/settle.js";
import { listBlobs, markHeldBut, patchBlob, readBlob } from "../storage/blobs.js";
import { peekOutbox } from "../storage/events.js";
import { spareOf } from "../storage/place.js";
import { GO } from "./flush.js";
import { packJson, request } from "./http.js";
import { inLanes } from "./lanes.js";
import { sealLoss } from "./seal.js";
import { asOnlySender, isBusy, showLife } from "./sender.js";
import { SMALL_BYTES, createUpload, resumeUpload, sendPiece } from "./tus.js";

/** @import {BlobRow} from '../domain/types.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */
/** @import {Outcome, Pace} from './flush.js' */
/** @import {HttpAnswer} from './http.js' */
/** @import {Standing} from './tus.js' */

/** `more`: an event is waiting, or this picture is not through yet. @typedef {Outcome|'more'|'done'} Step */

/** `tell` is called after each picture that is through; `mayGoOn` false: somebody else's work is waiting. @typedef {{tell:() => void, mayGoOn:() => boolean}} Terms */

const LEAST_CHUNK = 16_384;
const MOST_CHUNK = 1_048_576;
const QUICK_BYTES_PER_MS = 50; // a photo in some four seconds
const QUICK_LANES = 3;
const SHAKY_MS = 8_000; // of the line's time: what a cut loses, beside the round trip that each piece costs
const ASK_AT_ONCE = 1_000;
const READS = 3;
const ASK_SECOND_AGAIN_MS = 300_000;
const DIGEST_MISMATCH = 460;
const REFUSED = new Set([400, 413, 415, 422]);

/**
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @param {Terms} terms
 * @returns {Promise<Outcome|'events'>} `'events'`: something was sealed meanwhile, send that first, then come back
 */
export async function sendPictures(context, identity, pace, terms) {
  const asked = await asOnlySender(context, () => askWanted(context, identity, pace));
  if (isBusy(asked)) return { ...GO, next: "busy" };
  if (asked.next !== "go") return asked;
  const done = await asOnlySender(context, () => sendAll(context, identity, pace, terms));
  return isBusy(done) ? { ...GO, next: "busy" } : done;
}

/**
 * Picture after picture until none is left, the line fails or an event waits; on a quick line several side by side, so
 * that it is not idle for a round trip after each.
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @param {Terms} terms
 * @returns {Promise<Outcome|'events'>}
 */
async function sendAll(context, identity, pace, { tell, mayGoOn }) {
  /** @type {Set<string>} */
  const going = new Set();
  /** @type {Outcome|'events'|null} */
  let end = null;

  async function sendNext() {
    const waiting = uploadOrder(await listBlobs(context.store, identity.device), context.now());
    const blob = waiting.find(({ sha256 }) => !going.has(sha256));
    if (!blob || end !== null) return false;
    going.add(blob.sha256);
    const step = await sendSome(context, identity, pace, { blob, mayGoOn }).finally(() =>
      going.delete(blob.sha256),
    );
    pace.told = false;
    if (step === "done") {
      pace.moved = true;
      tell();
    }
    if (step !== "more" && step !== "done" && step.next !== "go") end ??= step;
    else if (!mayGoOn()) end ??= { ...GO, next: "busy" };
    else if (await hasEvents(context, identity.device)) end ??= "events";
    return end === null;
  }

  await inLanes(() => (isQuick(pace) ? QUICK_LANES : 1), sendNext);
  return end ?? GO;
}

/** @param {Pace} pace @returns {boolean} */
function isQuick({ rate }) {
  return rate >= QUICK_BYTES_PER_MS;
}

/** @param {Context} context @param {string} device @returns {Promise<boolean>} */
async function hasEvents({ store, now }, device) {
  return (await peekOutbox(store, device)).some((row) => !row.parked && isDue(row, now()));
}

/**
 * Before many pictures go, one question saves sending what the server holds already.
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @returns {Promise<Outcome>}
 */
async function askWanted(context, { device, token }, pace) {
  const waiting = uploadOrder(await listBlobs(context.store, device), context.now()).filter(
    ({ upload }) => upload === null,
  );
  const digests = waiting.slice(0, ASK_AT_ONCE).map(({ sha256 }) => sha256);
  if (digests.length < 2) return GO; // creating the upload tells the same
  const packed = await packJson(JSON.stringify({ sha256: digests }), false);
  const answer = await request(context, "/sync/v1/blobs/want", { method: "POST", token, ...packed });
  const missing = /** @type {{missing?:unknown}|null} */ (answer.json)?.missing;
  if (!answer.protocol || answer.status !== 200 || !Array.isArray(missing)) return trouble(answer);
  await markHeldBut(context.store, device, digests, new Set(missing.map(String)));
  if (missing.length < digests.length) pace.told = false; // fewer wait than the office was just told
  return GO;
}

/**
 * One request's worth of one picture.
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @param {{blob:BlobRow, mayGoOn:() => boolean}} which
 * @returns {Promise<Step>}
 */
async function sendSome(context, identity, pace, { blob, mayGoOn }) {
  const bytes = await readBack(context, blob);
  if (bytes === "later") return "more";
  if (bytes === null && mayBeInOld(context)) {
    await patchBlob(context.store, blob.device, blob.sha256, {
      notBefore: context.now() + ASK_SECOND_AGAIN_MS,
    });
    return "more";
  }
  if (bytes === null) {
    await sealLoss(context, blob);
    return "more";
  }
  let { standing, sent } = await takeUp(context, identity, pace, { blob, bytes });
  while (standing.path !== null) {
    const { path, offset } = standing;
    if (offset >= blob.size) return finish(context, blob);
    await keepPath(context, blob, path);
    await showLife(context);
    if (!mayGoOn() || (await hasEvents(context, identity.device))) return "more";
    const at = context.now();
    const chunk = Math.floor(Math.min(pace.chunk, pace.limit));
    sent = Math.min(chunk, blob.size - offset);
    standing = await sendPiece(context, identity.token, path, {
      bytes,
      offset,
      chunk,
      hasChecksum: pace.changesBytes,
    });
    clock(context, pace, standing, standing.offset - offset, at);
    resize(pace, standing, sent);
  }
  pace.changesBytes ||= standing.answer.status === DIGEST_MISMATCH;
  return mayBeLess(pace, standing, sent) ? "more" : judge(context, blob, standing.answer);
}

/**
 * Where the upload goes on, or a new one: a small picture goes along with it.
 * @param {Context} context
 * @param {IdentityRow} identity
 * @param {Pace} pace
 * @param {{blob:BlobRow, bytes:ArrayBuffer}} picture
 * @returns {Promise<{standing:Standing, sent:number}>} `sent`: bytes
 */
async function takeUp(context, { token }, pace, { blob, bytes }) {
  if (blob.upload !== null) return { standing: await resumeUpload(context, token, blob.upload), sent: 0 };
  const most = Math.min(pace.limit, isQuick(pace) ? MOST_CHUNK : SMALL_BYTES);
  if (blob.tries > 0 || blob.size > most) {
    return { standing: await createUpload(context, token, blob, null), sent: 0 };
  }
  const began = context.now();
  const standing = await createUpload(context, token, blob, bytes);
  clock(context, pace, standing, blob.size, began);
  return { standing, sent: blob.size };
}

/**
 * What was cut or ran out of time is sent again, so let it be less; a line that was cut once is trusted again slowly, and
 * never with more than it carries in some seconds.
 * @param {Pace} pace
 * @param {Standing} standing
 * @param {number} sent bytes
 */
function resize(pace, { answer }, sent) {
  if (answer.status === 0) {
    pace.isShaky = true;
    pace.chunk = Math.max(LEAST_CHUNK, Math.min(pace.chunk, sent) / 2);
  } else {
    pace.moved = true;
    const most = pace.rate > 0 ? pace.rate * SHAKY_MS : MOST_CHUNK;
    const next = pace.isShaky ? Math.min(pace.chunk + LEAST_CHUNK, most) : pace.chunk * 2;
    pace.chunk = Math.max(LEAST_CHUNK, Math.min(MOST_CHUNK, next));
  }
}

/**
 * A proxy's own 413 says that less may pass: so much less is tried at once, and nothing is waited for.
 * @param {Pace} pace
 * @param {Standing} standing
 * @param {number} sent bytes of the last request
 * @returns {boolean}
 */
function mayBeLess(pace, { answer }, sent) {
  if (answer.protocol || answer.status !== 413 || sent <= LEAST_CHUNK) return false;
  pace.limit = Math.max(LEAST_CHUNK, Math.floor(sent / 2));
  return true;
}

/**
 * How fast the line is, by the bytes that just went; a failure makes it a slow one.
 * @param {Context} context
 * @param {Pace} pace
 * @param {Standing} standing
 * @param {number} size bytes
 * @param {number} began ms
 */
function clock({ now }, pace, { answer }, size, began) {
  const ms = now() - began;
  if (!answer.protocol) pace.rate = 0;
  else if (ms > 0 && size >= LEAST_CHUNK) pace.rate = size / ms;
}

/** @param {Context} context @param {BlobRow} blob @param {string} path */
async function keepPath({ store }, blob, path) {
  if (blob.upload === path) return;
  blob.upload = path;
  await patchBlob(store, blob.device, blob.sha256, { upload: path });
}

/** @param {Context} context @param {BlobRow} blob @returns {Promise<Step>} */
async function finish({ store }, { device, sha256 }) {
  await patchBlob(store, device, sha256, {
    state: "held",
    upload: null,
    tries: 0,
    notBefore: 0,
    problem: null,
  });
  return "done";
}

/**
 * What an answer that was no progress means for this picture; only trouble with the line stops the others.
 * @param {Context} context
 * @param {BlobRow} blob
 * @param {HttpAnswer} answer
 * @returns {Promise<Step>}
 */
async function judge(context, blob, answer) {
  const { device, sha256, tries } = blob;
  const { status, protocol } = answer;
  if (!protocol) {
    await patchBlob(context.store, device, sha256, { tries: tries + 1 });
    return trouble(answer);
  }
  if (REFUSED.has(status) && isSaid(answer.json)) {
    await patchBlob(context.store, device, sha256, {
      state: "refused",
      upload: null,
      problem: readProblem(answer.json, status),
    });
    return "more";
  }
  if (status === 403) {
    // Signed out, and the office has no event that speaks of it (yet): the others may go.
    const notBefore = context.now() + waitFor(tries + 1, context.random());
    await patchBlob(context.store, device, sha256, { tries: tries + 1, notBefore });
    return "more";
  }
  const isOurs =
    REFUSED.has(status) ||
    status === 404 ||
    status === 409 ||
    status === 410 ||
    status === DIGEST_MISMATCH ||
    status === 500;
  if (!isOurs) return trouble(answer);
  const mayGoAtOnce = tries < 2 && status !== 500;
  const notBefore = mayGoAtOnce ? 0 : context.now() + waitFor(tries + 1, context.random());
  const upload = status === 409 ? blob.upload : null; // 409: ask where it stands and go on from there
  await patchBlob(context.store, device, sha256, { upload, tries: tries + 1, notBefore });
  return "more";
}

/** @param {HttpAnswer} answer @returns {Outcome} */
function trouble({ protocol, status, json, retryAfterMs }) {
  if (!protocol) return { next: "offline", problem: null, retryAfterMs: null };
  const problem = readProblem(json, status);
  const next = status === 401 || status === 403 || status === 426 ? "pause" : "wait";
  return { next, problem, retryAfterMs };
}

/**
 * One picture that cannot be read must not hold back the others, and is not called lost at the first failure.
 * @param {Context} context
 * @param {BlobRow} blob
 * @returns {Promise<ArrayBuffer|null|'later'>} null when the bytes are gone or no longer those that were hashed
 */
async function readBack(context, { device, sha256, tries }) {
  try {
    const bytes = await readBlob(context.store, device, sha256);
    return bytes !== null && (await context.digest(bytes)) === sha256 ? bytes : null;
  } catch (error) {
    const isUnread = error instanceof PhoneError && error.code === "storage-failed";
    if (!isUnread && !(error instanceof DOMException)) throw error;
    if (tries >= READS) return null;
    // The first copy of the store fails by a PhoneError; the second, which is asked again only later, by a DOMException.
    const wait = isUnread ? waitFor(tries + 1, context.random()) : ASK_SECOND_AGAIN_MS;
    const notBefore = context.now() + wait;
    await patchBlob(context.store, device, sha256, { tries: tries + 1, notBefore });
    return "later";
  }
}

/** The store before this one may have the picture still, and open again. @param {Context} context @returns {boolean} */
function mayBeInOld({ store, shelf }) {
  if (spareOf(store.name) === store.name) return false;
  const before = shelf.read().lost.filter(({ name }) => spareOf(name) === spareOf(store.name));
  return !shelf.isKnown || before.some(({ isEmpty, isGone }) => !isEmpty && !isGone);
}
