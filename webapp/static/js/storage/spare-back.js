/**
 * The way back from the second copy: the first was thrown away, or is what it was before, or went another way since.
 * @module
 */
import { restOf, united } from "../domain/draft.js";
import { ALL, ask, readAll, rowsOf } from "./spare-rows.js";
import { countJoining, countTurn, covers, isSame, isTurn, readTurn, turnIn } from "./turns.js";
import { whole } from "./whole.js";

/** @import {IDBPTransaction} from '../../vendor/idb-8.0.4/index.js' */
/** @import {EventRow, OutboxRow} from '../domain/types.js' */
/** @import {Name} from './changes.js' */
/** @import {ChainRow, DraftRow, MetaRow, SealedRow, Tables} from './schema.js' */
/** @import {First, Kept, Second} from './spare-rows.js' */
/** @import {Turn} from './turns.js' */

/** @typedef {IDBPTransaction<Tables, Name[], 'readwrite'>} Whole over all of it */
/** @typedef {{tx:Whole, known:Set<string>, of:(name:Name) => any[]}} Joining */

/**
 * Makes the first copy, which is what it was before, what the second is.
 * @param {Second} second
 * @param {First} first
 * @param {Turn} from the first copy's turn, which must still be it
 * @returns {Promise<void>}
 */
export async function bringBack(second, first, from) {
  const pictures = await ask(second, (store) => store.count(rowsOf("blob_bytes")));
  const kept = await readAll(second);
  await changeAll(first, async (tx) => {
    if (!isSame(await readTurn(tx), from)) return;
    for (const { name, rows } of kept) {
      const store = tx.objectStore(name);
      await store.clear();
      for (const row of rows) await store.put(/** @type {any} */ (row));
    }
    await dropUnknown(tx);
    const events = kept.find(({ name }) => name === "outbox")?.rows.length ?? 0;
    await noteBrought(tx, events, pictures);
    await countTurn(tx, { isNewLine: true }); // what the first has lost may be on its way from another tab
  });
}

/** Pictures that no row speaks of. @param {Whole} tx */
async function dropUnknown(tx) {
  const [rows, keys] = [tx.objectStore("blobs"), await tx.objectStore("blob_bytes").getAllKeys()];
  for (const key of keys) if ((await rows.count(key)) === 0) await tx.objectStore("blob_bytes").delete(key);
}

/**
 * Makes one of two copies that went apart: people whom the first does not know come with all of theirs, and of the others
 * what they had done and the first has not.
 * @param {Second} second
 * @param {First} first
 * @returns {Promise<void>} the second copy is not changed: `level` makes it like the first then
 */
export async function join(second, first) {
  const pictures = await ask(second, (store) => store.count(rowsOf("blob_bytes")));
  await joinKept(await readAll(second), first, { pictures, isOld: false });
}

/**
 * @param {Kept[]} kept what the other one has
 * @param {First} first
 * @param {{pictures:number, isOld:boolean}} about how many pictures come; whether it may be older than turns are
 * @returns {Promise<boolean>} false: the first has all of it
 */
export async function joinKept(kept, first, { pictures, isOld }) {
  const turn = turnOf(kept);
  let isJoined = false;
  await changeAll(first, async (tx) => {
    const isUncounted = isOld && turn.n === 0;
    if (!isUncounted && covers(await readTurn(tx), turn)) return; // another tab has joined them since
    const known = new Set(await tx.objectStore("identities").getAllKeys());
    const of = (/** @type {Name} */ name) =>
      /** @type {any[]} */ (kept.find((store) => store.name === name)?.rows ?? []);
    const strangers = of("identities").filter(({ device }) => !known.has(device)).length;
    const events = (await takeOver({ tx, known, of })) + (await takeIn({ tx, known, of }));
    if (known.size === 0) await takeCurrent({ tx, known, of });
    if (strangers + events > 0) await noteBrought(tx, events, pictures);
    await countJoining(tx, turn);
    isJoined = true;
  });
  return isJoined;
}

/** @param {Kept[]} kept @returns {Turn} */
function turnOf(kept) {
  const meta = /** @type {MetaRow[]} */ (kept.find(({ name }) => name === "meta")?.rows ?? []);
  return turnIn(meta.find(({ device, name }) => isTurn("meta", [device, name])));
}

/** @param {First} first @param {(tx: Whole) => Promise<void>} work @returns {Promise<void>} when it is durable */
function changeAll(first, work) {
  const tx = first.transaction(/** @type {Name[]} */ ([...ALL, "blob_bytes"]), "readwrite", {
    durability: "strict",
  });
  return whole(/** @type {Whole} */ (/** @type {unknown} */ (tx)), work);
}

/** @param {Whole} tx @param {number} events @param {number} pictures */
async function noteBrought(tx, events, pictures) {
  const value = { at: new Date().toISOString(), events, pictures };
  await tx.objectStore("meta").put({ device: "", name: "brought", value });
}

/** Everything of the people whom the first copy does not know. @param {Joining} joining @returns {Promise<number>} events to be sent */
async function takeOver({ tx, known, of }) {
  const people = new Set(of("identities").map(({ device }) => device));
  known.forEach((device) => people.delete(device));
  let events = 0;
  for (const name of ALL) {
    for (const row of of(name)) {
      if (!people.has(row.device)) continue;
      await tx.objectStore(name).put(name === "receipts" ? withoutNumber(row) : row);
      events += name === "outbox" ? 1 : 0;
    }
  }
  return events;
}

/** Who is in front of the phone. @param {Joining} joining */
async function takeCurrent({ tx, of }) {
  const isCurrent = (/** @type {MetaRow} */ { device, name }) => device === "" && name === "current";
  const theirs = of("meta").find(isCurrent);
  if (theirs) await tx.objectStore("meta").put(theirs);
}

/** Another receipt may have its number here. @param {any} row @returns {any} */
function withoutNumber({ n: _n, ...row }) {
  return row;
}

/**
 * What people whom both copies know have done in the second only.
 * @param {Joining} joining
 * @returns {Promise<number>} events to be sent
 */
async function takeIn(joining) {
  let events = 0;
  for (const device of joining.known) {
    events += await takeEvents(joining, device);
    await takeChain(joining, device);
    await takePictures(joining, device);
    await takeDrafts(joining, device);
    await takeReceipts(joining, device);
  }
  return events;
}

/**
 * A number that was given twice stays on both: the office keeps both, and says that the chain forks.
 * @param {Joining} joining
 * @param {string} device
 * @returns {Promise<number>} to be sent
 */
async function takeEvents({ tx, of }, device) {
  let taken = 0;
  const own = (/** @type {Name} */ name) => of(name).filter((row) => row.device === device);
  const [events, outbox] = [own("events"), own("outbox")];
  for (const sealed of /** @type {SealedRow[]} */ (own("sealed"))) {
    const event = /** @type {EventRow|undefined} */ (events.find(({ seq }) => seq === sealed.seq));
    if (!event || (await tx.objectStore("events").index("byId").count([device, event.id])) > 0) continue;
    await leaveRest(tx, await tx.objectStore("drafts").get([device, event.draft]), event);
    const seq = await freePlace(tx, device, sealed.seq);
    const isRedone = (await tx.objectStore("events").index("byDraft").count([device, event.draft])) > 0;
    await tx
      .objectStore("events")
      .add({ ...event, seq, draft: isRedone ? `again:${event.id}` : event.draft });
    await tx.objectStore("sealed").add({ ...sealed, seq });
    const waiting = /** @type {OutboxRow|undefined} */ (outbox.find((row) => row.seq === sealed.seq));
    if (!waiting) continue;
    await tx.objectStore("outbox").add({ ...waiting, seq });
    taken += 1;
  }
  return taken;
}

/**
 * @param {Whole} tx
 * @param {string} device
 * @param {number} seq
 * @returns {Promise<number>} where it stands on this phone: in its place, or between it and the next when another has its number
 */
async function freePlace(tx, device, seq) {
  let place = seq;
  for (let step = 1 / 2; (await tx.objectStore("sealed").count([device, place])) > 0; step /= 2) {
    place = Math.floor(seq) + 1 - step; // never the next number, which is for the next event
  }
  return place;
}

/** Goes on from the longer chain. @param {Joining} joining @param {string} device */
async function takeChain({ tx, of }, device) {
  const theirs = /** @type {ChainRow|undefined} */ (of("chains").find((row) => row.device === device));
  const ours = await tx.objectStore("chains").get(device);
  if (theirs && theirs.seq > (ours?.seq ?? 0)) await tx.objectStore("chains").put(theirs);
}

/** @param {Joining} joining @param {string} device */
async function takePictures({ tx, of }, device) {
  const store = tx.objectStore("blobs");
  for (const theirs of of("blobs").filter((row) => row.device === device)) {
    const ours = await store.get([device, theirs.sha256]);
    if (!ours) await store.put(theirs);
    else {
      const state = ours.state === "local" ? theirs.state : ours.state;
      const events = [...new Set([...ours.events, ...theirs.events])];
      await store.put({ ...ours, state, role: ours.role ?? theirs.role, events });
    }
  }
}

/**
 * A handover that went on in both copies has what was done in either.
 * @param {Joining} joining
 * @param {string} device
 */
async function takeDrafts({ tx, of }, device) {
  for (const theirs of /** @type {DraftRow[]} */ (of("drafts").filter((row) => row.device === device))) {
    await keepDraft(tx, theirs);
  }
}

/** @param {Whole} tx @param {DraftRow} row beside what is kept of the same handover, sealed or not */
async function keepDraft(tx, row) {
  const key = /** @type {[string, string]} */ ([row.device, row.id]);
  const sealed = await tx.objectStore("events").index("byDraft").get(key);
  if (sealed) return leaveRest(tx, row, sealed);
  const ours = await tx.objectStore("drafts").get(key);
  await tx.objectStore("drafts").put(ours ? unitedRows(ours, row) : row);
}

/** @param {DraftRow} ours @param {DraftRow} theirs @returns {DraftRow} */
function unitedRows(ours, theirs) {
  const [older, newer] = ours.savedAt < theirs.savedAt ? [ours, theirs] : [theirs, ours];
  const rev = Math.max(ours.rev ?? 0, theirs.rev ?? 0) + 1;
  return { ...newer, draft: united(newer.draft, older.draft), rev, by: "" }; // a tab that shows one of them loads it again
}

/**
 * Of a draft that was sealed only what the event does not hold stays, as a handover of its own.
 * @param {Whole} tx
 * @param {DraftRow|undefined} row
 * @param {EventRow} event
 */
async function leaveRest(tx, row, event) {
  if (!row) return;
  await tx.objectStore("drafts").delete([row.device, row.id]);
  const draft = restOf(row.draft, event);
  if (draft) await keepDraft(tx, { ...row, id: draft.id, draft, by: "" });
}

/** @param {Joining} joining @param {string} device */
async function takeReceipts({ tx, of }, device) {
  const store = tx.objectStore("receipts");
  const ours = new Set((await store.index("byDevice").getAll(device)).map(({ jws }) => jws));
  const theirs = of("receipts").filter((row) => row.device === device && !ours.has(row.jws));
  for (const row of theirs) await store.put(withoutNumber(row));
}
