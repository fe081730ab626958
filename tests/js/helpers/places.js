/** A phone whose databases have the names and places that they have in a browser with storage buckets. */
import { IDBFactory } from "fake-indexeddb";
import { flushInBackground } from "../../../webapp/static/js/outbox/background.js";
import { makeContext } from "../../../webapp/static/js/outbox/context.js";
import { serveOthers } from "../../../webapp/static/js/outbox/stores.js";
import { Shelf } from "../../../webapp/static/js/storage/shelf.js";
import { Store } from "../../../webapp/static/js/storage/store.js";
import { open, worldWithBuckets } from "./buckets.js";

const SPARE = "baton-spare";

export class PhoneOfNames {
  static async begin() {
    const phone = new this();
    globalThis.indexedDB = new IDBFactory();
    phone.world = await worldWithBuckets();
    phone.opening = phone.world.buckets.open;
    const kept = new Map();
    const storage = {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => kept.set(name, value),
    };
    Object.defineProperty(globalThis, "localStorage", { configurable: true, value: storage });
    phone.shelf = new Shelf(storage);
    return phone;
  }

  /** Opens the app. */
  async start(more = {}) {
    const phone = await this.world.open({ databaseName: undefined, shelf: this.shelf, ...more });
    open.push(phone);
    return phone;
  }

  /** Opens the app, and serves the older stores as a page does. */
  async served() {
    const phone = await this.start();
    await phone.kick("user");
    const context = makeContext(optionsOf(this.world), new Store(this.shelf.read().current), this.shelf);
    await serveOthers(context);
    context.store.close();
    return phone;
  }

  async enrolled() {
    const phone = await this.start();
    await phone.enrol("CODE1", { label: "x" });
    return phone;
  }

  /** Ends every page, as when the browser is closed. */
  closeAll() {
    for (const phone of open.splice(0)) phone.close();
  }

  /** The second copies cannot be asked, or can. */
  spareAway(isAway) {
    const { opening } = this;
    this.world.buckets.open = async function one(name) {
      if (isAway && name === SPARE) throw new DOMException("not now", "UnknownError");
      return opening.call(this, name);
    };
  }
}

const fail = () => {
  throw new DOMException("Internal error opening backing store for indexedDB.open.", "UnknownError");
};
const FAILING = { open: fail, databases: async () => fail() };

/**
 * Ends every page, and lets no database open where the one in use is kept, until the function it gives is called.
 * @param {PhoneOfNames} phone
 */
export function breakFiles(phone) {
  phone.closeAll();
  const { current } = phone.shelf.read();
  const bucket = phone.world.buckets.all.get(current);
  const holder = bucket ?? globalThis;
  const whole = holder.indexedDB;
  holder.indexedDB = FAILING;
  return () => (holder.indexedDB = whole);
}

const optionsOf = (world) => ({
  fetch: (...request) => world.server.fetch(...request),
  locks: world.locks,
  now: () => (world.time += 1),
  base: "https://baton.test",
  storageManager: null,
  auto: false,
});

/** The service worker on that phone. */
export function woken(world) {
  return flushInBackground({ ...optionsOf(world), pause: async (ms) => void (world.time += ms) });
}
