/**
 * The worklist on the phone: its rows and its cursor change in one transaction or not at all.
 * @module
 */
import { indexTracking } from "../domain/worklist.js";
import { mustBeKnown } from "./identities.js";
import { ownRows } from "./schema.js";

/** @import {Rules, Worklist, WorklistPage} from '../domain/types.js' */
/** @import {MetaValues} from './meta.js' */
/** @import {Store} from './store.js' */

/**
 * @param {Store} store
 * @param {string} device
 * @param {WorklistPage} page
 * @param {string|null} etag
 * @returns {Promise<void>}
 */
export async function applyPage(store, device, page, etag) {
  await store.write(["parcels", "runs", "tasks", "notices", "meta", "identities"], async (tx) => {
    await mustBeKnown(tx, device);
    /** @type {Promise<unknown>[]} asked for all at once: waiting for each would take seconds for a large list */
    const asked = [];
    for (const name of /** @type {const} */ (["parcels", "runs", "tasks", "notices"])) {
      const rows = tx.objectStore(name);
      if (page.reset) asked.push(rows.delete(ownRows(device)));
      for (const gone of page[name].removes) asked.push(rows.delete([device, gone]));
    }
    for (const row of page.parcels.upserts) asked.push(tx.objectStore("parcels").put({ ...row, device }));
    for (const row of page.runs.upserts) asked.push(tx.objectStore("runs").put({ ...row, device }));
    for (const row of page.tasks.upserts) asked.push(tx.objectStore("tasks").put({ ...row, device }));
    for (const row of page.notices.upserts) asked.push(tx.objectStore("notices").put({ ...row, device }));
    await Promise.all(asked);
    const { cursor, epoch, as_of: asOf } = page;
    await tx.objectStore("meta").put({ device, name: "worklist", value: { cursor, epoch, etag, asOf } });
  });
}

/**
 * @param {Store} store
 * @param {string} device
 * @returns {Promise<{worklist:Worklist, rules:Rules|null, offset:MetaValues['offset']|null}>}
 */
export async function readWorklist(store, device) {
  return store.read(["parcels", "runs", "tasks", "notices", "meta"], async (tx) => {
    const own = ownRows(device);
    // asked for all at once: each answer waited for would be a frame or two of a slow phone
    const [parcels, runs, tasks, notices, head, rules, offset] = await Promise.all([
      tx.objectStore("parcels").getAll(own),
      tx.objectStore("runs").getAll(own),
      tx.objectStore("tasks").getAll(own),
      tx.objectStore("notices").getAll(own),
      tx.objectStore("meta").get([device, "worklist"]),
      tx.objectStore("meta").get([device, "rules"]),
      tx.objectStore("meta").get([device, "offset"]),
    ]);
    return {
      worklist: {
        parcels: new Map(parcels.map((parcel) => [parcel.code, parcel])),
        byTracking: indexTracking(parcels),
        runs: new Map(runs.map((run) => [run.id, run])),
        tasks: new Map(tasks.map((task) => [task.id, task])),
        notices: new Map(notices.map((notice) => [notice.id, notice])),
        asOf: /** @type {MetaValues['worklist']|undefined} */ (head?.value)?.asOf ?? null,
      },
      rules: /** @type {MetaValues['rules']|undefined} */ (rules?.value)?.rules ?? null,
      offset: /** @type {MetaValues['offset']|undefined} */ (offset?.value) ?? null,
    };
  });
}
