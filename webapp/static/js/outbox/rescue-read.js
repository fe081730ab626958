/**
 * What of this phone's work is not with the office, read only: whose it is, and in which of the phone's stores it lies.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { listEvents } from "../storage/events.js";
import { listIdentities } from "../storage/identities.js";
import { spareOf } from "../storage/place.js";
import { Store } from "../storage/store.js";

/** @import {EventRow} from '../domain/types.js' */
/** @import {Listed} from '../domain/counts.js' */
/** @import {RescueEvent, RescuePicture} from '../domain/rescue.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {Context} from './context.js' */
/** @import {RescueScope} from './rescue.js' */

/** One identity and where its work lies: a store that was left behind because it would not open may open again. @typedef {{identity:IdentityRow, store:Store}} Source */

/**
 * @template T
 * @param {Context} context
 * @param {string|null} current the device in use
 * @param {(sources:Source[]) => Promise<T>} work is given everybody, whoever uses the phone first
 * @returns {Promise<T>}
 */
export async function withSources({ store, shelf }, current, work) {
  // What one that this one stands for has is taken in at the start at which it opens.
  const apart = shelf.lost.filter(({ name }) => spareOf(name) !== spareOf(store.name));
  const others = await openable(apart.map(({ name }) => name));
  try {
    /** @type {Map<string, Source>} */ const sources = new Map();
    const add = (/** @type {IdentityRow} */ identity, /** @type {Store} */ from) => {
      if (!sources.has(identity.device)) sources.set(identity.device, { identity, store: from });
    };
    for (const identity of await listIdentities(store)) add(identity, store);
    for (const other of others) {
      for (const identity of (await readable(() => listIdentities(other))) ?? []) add(identity, other);
    }
    const first = (/** @type {Source} */ { identity }) => Number(identity.device === current);
    return await work([...sources.values()].sort((a, b) => first(b) - first(a)));
  } finally {
    for (const other of others) other.close();
  }
}

/**
 * @param {Source[]} sources the first signs the file, where it is of the scope
 * @param {RescueScope} scope
 * @returns {Promise<{signer:IdentityRow, events:RescueEvent[], pictures:RescuePicture[]}>}
 */
export async function gather(sources, { device, event }) {
  const asked = sources.filter(({ identity }) => device === undefined || identity.device === device);
  const [signer] = asked;
  /** @type {RescueEvent[]} */ const events = [];
  /** @type {Map<string, RescuePicture>} */ const pictures = new Map();
  const inOrder = [...asked].sort((a, b) => (a.identity.device < b.identity.device ? -1 : 1));
  for (const { identity, store } of inOrder) {
    const found = unhomed(await listEvents(store, identity.device), event);
    events.push(...found.events);
    for (const picture of found.pictures) {
      if (!pictures.has(picture.sha256)) pictures.set(picture.sha256, picture);
    }
  }
  if (event !== undefined && events.length === 0) {
    throw new PhoneError("event-unknown", "This phone has no such handover.");
  }
  if (!signer) throw emptyError(false);
  return { signer: signer.identity, events, pictures: [...pictures.values()] };
}

/** @param {string[]} names @returns {Promise<Store[]>} those that open by now */
async function openable(names) {
  const stores = [];
  for (const name of names) {
    const store = new Store(name, { tries: 1 });
    const isOpen = await store.open().then(
      () => true,
      () => false, // as before: the next time is another try
    );
    if (isOpen) stores.push(store);
  }
  return stores;
}

/**
 * What the office has not got of what one identity sealed here.
 * @param {Listed} listed
 * @param {string} [only] id of the one event that is asked for, whatever has become of it
 * @returns {{events:RescueEvent[], pictures:RescuePicture[]}}
 */
export function unhomed({ events, blobs }, only) {
  const asked = only === undefined ? events : events.filter(({ id }) => id === only);
  const inOrder = [...asked].sort((a, b) => a.seq - b.seq);
  /** @type {Map<string, RescuePicture>} */ const pictures = new Map();
  for (const { device, blobs: refs, kind } of inOrder) {
    if (kind === "blob_lost") continue; // it says that there are none
    for (const { sha256 } of refs) {
      const row = blobs.get(sha256);
      if (row && row.state !== "held" && row.state !== "lost") {
        pictures.set(sha256, { device, sha256, size: row.size });
      }
    }
  }
  const isOpen = (/** @type {EventRow} */ { state }) => only !== undefined || state !== "settled";
  return {
    events: inOrder.filter(isOpen).map(({ device, seq, size }) => ({ device, seq, size })),
    pictures: [...pictures.values()],
  };
}

/**
 * @template T
 * @param {() => Promise<T>} read
 * @returns {Promise<T|null>} null when the store does not give it: one unreadable place must not cost the others
 */
export async function readable(read) {
  try {
    return await read();
  } catch (error) {
    const isUnread = error instanceof PhoneError && error.code === "storage-failed";
    if (!isUnread && !(error instanceof DOMException)) throw error;
    return null;
  }
}

/** @param {boolean} wasThere @returns {PhoneError} */
export function emptyError(wasThere) {
  return wasThere
    ? new PhoneError(
        "rescue-unreadable",
        "This phone cannot read its unsent work back.",
        "Close Baton and open it again. Do not clear its data; show this phone to the office.",
      )
    : new PhoneError("rescue-empty", "Everything is with the office.", "There is nothing to rescue.");
}
