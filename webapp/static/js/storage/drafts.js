/**
 * Unfinished handovers, kept at every step so that a crash, a reload or a phone call costs nothing.
 * @module
 */
import { draftDigests, isEmpty } from "../domain/draft.js";
import { PhoneError } from "../domain/problems.js";
import { mustBeKnown } from "./identities.js";
import { ownRows } from "./schema.js";

/** @import {Draft} from '../domain/types.js' */
/** @import {DraftRow} from './schema.js' */
/** @import {Store} from './store.js' */

/**
 * @param {Store} store
 * @param {string} device
 * @param {Draft} draft
 * @param {{now:number, tab:string}} by ms, and who saves: a tab never stands in its own way
 * @returns {Promise<boolean>} false: it is sealed already and stays gone, however late its last save comes
 * @throws {PhoneError} `draft-elsewhere` when another tab went on with it since this one read it
 */
export async function putDraft(store, device, draft, { now, tab }) {
  return store.write(["drafts", "events", "identities"], async (tx) => {
    await mustBeKnown(tx, device);
    const { id } = draft;
    if (await tx.objectStore("events").index("byDraft").getKey([device, id])) return false;
    const row = await tx.objectStore("drafts").get([device, id]);
    mustBeLatest(row, draft.rev, tab);
    // An emptied one stays, out of sight: it tells a tab that is behind that what it still shows was taken off.
    const rev = (row?.rev ?? now) + 1; // begun by the time: a row that comes anew is not taken for the one before it
    await tx.objectStore("drafts").put({ device, id, draft: bare(draft), savedAt: now, rev, by: tab });
    return true;
  });
}

/**
 * @param {DraftRow|undefined} row as it is kept
 * @param {number|undefined} rev that this tab read
 * @param {string} tab
 * @throws {PhoneError} `draft-elsewhere`
 */
export function mustBeLatest(row, rev, tab) {
  if (!row || row.by === tab || (row.rev ?? 0) === (rev ?? 0)) return;
  throw new PhoneError(
    "draft-elsewhere",
    "This handover went on in another tab.",
    "Load it here again, or close this tab and go on there.",
  );
}

/** @param {Draft} draft @returns {Draft} of an emptied one nobody's name and no words are kept */
function bare(draft) {
  if (!isEmpty(draft)) return draft;
  return { ...draft, counterpart: null, signature: null, note: "", place: null };
}

/**
 * @param {Store} store
 * @param {string} device
 * @param {string} [id] the one that is meant; the one saved last when left out
 * @returns {Promise<Draft|null>}
 */
export async function keptDraft(store, device, id) {
  const rows = await store.read(["drafts"], (tx) => tx.objectStore("drafts").getAll(ownRows(device)));
  const [newest] = rows
    .filter(({ draft }) => !isEmpty(draft) && (id === undefined || draft.id === id))
    .sort((a, b) => b.savedAt - a.savedAt);
  return newest ? { ...newest.draft, owner: device, rev: newest.rev ?? 0 } : null;
}

/**
 * Deletes a draft and the pictures that neither an event nor another draft uses.
 * @param {Store} store
 * @param {string} device
 * @param {Pick<Draft, 'id'|'rev'>} draft
 * @param {string} tab that throws it away
 * @returns {Promise<void>}
 * @throws {PhoneError} `draft-elsewhere` when another tab went on with it since this one read it
 */
export async function deleteDraft(store, device, { id, rev }, tab) {
  await store.write(["drafts", "blobs", "blob_bytes"], async (tx) => {
    const drafts = tx.objectStore("drafts");
    const row = await drafts.get([device, id]);
    if (!row) return;
    mustBeLatest(row, rev, tab);
    await drafts.delete([device, id]);
    const others = await drafts.getAll(ownRows(device));
    const inUse = new Set(others.flatMap(({ draft }) => draftDigests(draft)));
    for (const sha256 of draftDigests(row.draft)) {
      const blob = await tx.objectStore("blobs").get([device, sha256]);
      if (blob?.state !== "local" || inUse.has(sha256)) continue;
      await tx.objectStore("blobs").delete([device, sha256]);
      await tx.objectStore("blob_bytes").delete([device, sha256]);
    }
  });
}
