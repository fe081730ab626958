/**
 * What the outbox needs of the world, in one bag, so that a test can put its own in the browser's place.
 * @module
 */
import { hex } from "../domain/bytes.js";
import { uuidv7 } from "../domain/ids.js";
import { Shelf } from "../storage/shelf.js";

/** @import {Store} from '../storage/store.js' */

/**
 * @typedef {object} PhoneOptions
 * @property {typeof globalThis.fetch} [fetch]
 * @property {LockManager|null} [locks]      null: none, a lease is used
 * @property {() => number} [now]            ms since 1970
 * @property {() => number} [random]         0…1, for the back-off's jitter
 * @property {string} [base]                 origin of the server; the page's own when left out
 * @property {string} [databaseName]         the one noted on the shelf when left out
 * @property {Shelf} [shelf]                 which databases this phone has
 * @property {StorageManager|null} [storageManager]
 * @property {string} [client]               name and version of this app, told to the server
 * @property {boolean} [auto]                false: alone, without a word to other tabs
 */

/**
 * @typedef {object} Context
 * @property {Store} store
 * @property {Shelf} shelf
 * @property {typeof globalThis.fetch} fetch
 * @property {LockManager|null} locks
 * @property {() => number} now
 * @property {() => string} nowText          RFC 3339
 * @property {() => number} random
 * @property {() => string} newId            UUIDv7
 * @property {(bytes:BufferSource) => Promise<string>} digest  SHA-256, hex
 * @property {SubtleCrypto} subtle
 * @property {string} base
 * @property {string} client
 * @property {string} tab                    this tab's name in a lease
 * @property {StorageManager|null} storageManager
 * @property {BroadcastChannel|null} channel to the other tabs
 */

/** Raised when the app talks differently: the server refuses what is older than it can serve (`min_client`). */
const CLIENT = "baton-web/0.1.0";

/**
 * @param {PhoneOptions} options
 * @param {Store} store
 * @param {Shelf} [shelf]
 * @returns {Context}
 */
export function makeContext(options, store, shelf = new Shelf()) {
  const now = options.now ?? (() => Date.now());
  const { subtle } = globalThis.crypto;
  const randomBytes = () => globalThis.crypto.getRandomValues(new Uint8Array(16));
  return {
    store,
    shelf,
    now,
    subtle,
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    locks: options.locks === undefined ? (globalThis.navigator?.locks ?? null) : options.locks,
    nowText: () => new Date(now()).toISOString(),
    random: options.random ?? (() => Math.random()),
    newId: () => uuidv7(now(), randomBytes()),
    digest: async (bytes) => hex(await subtle.digest("SHA-256", bytes)),
    base: options.base ?? "",
    client: options.client ?? CLIENT,
    tab: uuidv7(now(), randomBytes()),
    storageManager:
      options.storageManager === undefined ? (globalThis.navigator?.storage ?? null) : options.storageManager,
    channel: channelOf(options),
  };
}

/** @param {PhoneOptions} options @returns {BroadcastChannel|null} */
function channelOf({ auto }) {
  return auto === false || !globalThis.BroadcastChannel ? null : new BroadcastChannel("baton");
}
