/**
 * The worklist on the phone: its rows and its cursor change in one transaction or not at all.
 * @module
 */
import { indexTracking } from "../domain/worklist.js";
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
  await store.write(["parcels", "runs", "tasks", "notices", "meta"], async (tx) => {
    for (const name of /** @type {const} */ (["parcels", "runs", "tasks", "notices"])) {
      const rows = tx.objectStore(name);
      if (page.reset) await rows.delete(ownRows(device));
      for (const gone of page[name].removes) await rows.delete([device, gone]);
    }
    for (const parcel of page.parcels.upserts) await tx.objectStore("parcels").put({ ...parcel, device });
    for (const run of page.runs.upserts) await tx.objectStore("runs").put({ ...run, device });
    for (const task of page.tasks.upserts) await tx.objectStore("tasks").put({ ...task, device });
    for (const notice of page.notices.upserts) await tx.objectStore("notices").put({ ...notice, device });
    const { cursor, epoch, as_of: asOf } = page;
    await tx.objectStore("meta").put({ device, name: "worklist", value: { cursor, epoch, etag, asOf } });
  });
}

/**
 * @param {Store} store
 * @param {string} device
 * @returns {Promise<{worklist:Worklist, rules:Rules|null}>}
 */
export async function readWorklist(store, device) {
  return store.read(["parcels", "runs", "tasks", "notices", "meta"], async (tx) => {
    const own = ownRows(device);
    const parcels = await tx.objectStore("parcels").getAll(own);
    const runs = await tx.objectStore("runs").getAll(own);
    const tasks = await tx.objectStore("tasks").getAll(own);
    const notices = await tx.objectStore("notices").getAll(own);
    const head = await tx.objectStore("meta").get([device, "worklist"]);
    const rules = await tx.objectStore("meta").get([device, "rules"]);
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
    };
  });
}
