/**
 * What a phone's storage may do: be full, lose its connection, abort, be cleared, be copied to another phone. Looked at
 * past the phone's own modules, by the bare database.
 */
import { IDBDatabase, IDBFactory, IDBObjectStore, indexedDB } from "fake-indexeddb";
import { VERSION, upgrade } from "../../../webapp/static/js/storage/schema.js";
import { openDB } from "../../../webapp/static/vendor/idb-8.0.4/index.js";

let isLooking = false; // past all ailments, for one call
/** database name → what ails it: `lost` and `aborted` count transactions, `full` names stores. */
const ailments = new Map();

export const ailing = (name) => {
  if (!ailments.has(name)) ailments.set(name, { lost: 0, aborted: 0, full: new Set() });
  return ailments.get(name);
};

const { transaction } = IDBDatabase.prototype;
IDBDatabase.prototype.transaction = function (...given) {
  // Nor does it ail a page of the next version, whose upgrade is a transaction too: its code is not ours to try.
  const ails = isLooking || given[1] === "versionchange" ? undefined : ailments.get(this.name);
  if (ails?.lost > 0) {
    ails.lost -= 1;
    this.close(); // as browsers do under memory pressure; what is under way still ends
    throw new DOMException("The connection was lost.", "InvalidStateError");
  }
  const begun = transaction.apply(this, given);
  if (ails?.aborted > 0) {
    ails.aborted -= 1;
    queueMicrotask(() => {
      try {
        begun.abort();
      } catch {
        // it came to its end before
      }
    });
  }
  return begun;
};

for (const name of ["put", "add"]) {
  const original = IDBObjectStore.prototype[name];
  IDBObjectStore.prototype[name] = function (...given) {
    if (!isLooking && ailments.get(this.transaction.db.name)?.full.has(this.name)) {
      throw new DOMException("There is no room.", "QuotaExceededError");
    }
    return original.apply(this, given);
  };
}

const STORES = [
  "identities",
  "keys",
  "chains",
  "drafts",
  "events",
  "sealed",
  "outbox",
  "blobs",
  "blob_bytes",
];
export const COPIED = [...STORES, "receipts", "parcels", "runs", "tasks", "notices", "meta"];

/** As a newer version of the app has left it, or as today's makes it. */
async function openAny(name) {
  try {
    return await openDB(name, VERSION, { upgrade });
  } catch (error) {
    if (error.name !== "VersionError") throw error;
    return openDB(name);
  }
}

/** A page of the next version opens the database: today's pages let go of it, and go on with what it has become. */
export async function openNewer(name) {
  const db = await openDB(name, VERSION + 1, {
    upgrade(opened, old, ...rest) {
      if (old < VERSION) upgrade(opened, old, ...rest);
      if (!opened.objectStoreNames.contains("of_the_next_version")) {
        opened.createObjectStore("of_the_next_version");
      }
    },
  });
  db.close();
}

/** @returns {Promise<Record<string, any[]>>} all rows of these stores, from one moment, whatever ails it */
export async function look(name, stores = ["identities", "events", "outbox", "blobs", "receipts", "meta"]) {
  const db = await openAny(name);
  isLooking = true;
  const tx = db.transaction(stores, "readonly");
  isLooking = false;
  const rows = await Promise.all(stores.map((store) => tx.objectStore(store).getAll()));
  db.close();
  return Object.fromEntries(stores.map((store, index) => [store, rows[index]]));
}

/** A profile copied to another phone, keys and all. */
export async function copy(from, to) {
  const rows = await look(from, COPIED);
  const db = await openDB(to, VERSION, { upgrade });
  const tx = db.transaction(COPIED, "readwrite");
  for (const store of COPIED) for (const row of rows[store]) void tx.objectStore(store).put(row);
  await tx.done;
  db.close();
}

/** A browser's storage buckets: each has databases of its own. */
export class Buckets {
  #all = new Map();

  /** The same for one tab, which does nothing there any more once it is dead. */
  of(tab) {
    return {
      open: async (name) => ({ indexedDB: this.#openedBy(tab, name) }),
      keys: async () => [...this.#all.keys()],
    };
  }

  #openedBy(tab, name) {
    if (!this.#all.has(name)) this.#all.set(name, new IDBFactory());
    const factory = this.#all.get(name);
    const open = (...given) => {
      const request = factory.open(...given);
      request.addEventListener("success", () => {
        const { result: db } = request;
        const begin = db.transaction.bind(db);
        db.transaction = (...wanted) => {
          if (tab.isDead) throw new DOMException("The page is gone.", "InvalidStateError");
          return begin(...wanted);
        };
      });
      return request;
    };
    return { open, databases: () => factory.databases() };
  }
}

/** The browser takes the files for damaged, and deletes them. */
export function throwAway(name) {
  // The pages that had it open are dead; this one would wait for them, as a browser does not.
  for (const connection of indexedDB._databases.get(name)?.connections ?? []) connection.close();
  return new Promise((done, failed) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = done;
    request.onerror = () => failed(request.error);
  });
}

/** The database silently is what it was when these rows were read, as after a torn record in its log. */
export async function goBack(name, rows) {
  const db = await openAny(name);
  isLooking = true;
  const tx = db.transaction(COPIED, "readwrite");
  for (const store of COPIED) {
    void tx.objectStore(store).clear();
    for (const row of rows[store]) void tx.objectStore(store).put(row);
  }
  isLooking = false;
  await tx.done;
  db.close();
}

/** Lets the memory go. */
export function forget(names) {
  for (const name of names) {
    ailments.delete(name);
    indexedDB.deleteDatabase(name);
  }
}
