/**
 * Writing rescue files: every picture is read, checked and put away before the next one.
 * @module
 */
import { utf8 } from "../domain/bytes.js";
import { EVENTS, pictureName } from "../domain/rescue.js";
import { crc32, directory, localHeader } from "../domain/zip.js";
import { readBlob } from "../storage/blobs.js";
import { jwsOf } from "../storage/events.js";
import { readable } from "./rescue-read.js";

/** @import {RescueEvent, RescuePicture, RescueShare} from '../domain/rescue.js' */
/** @import {Store} from '../storage/store.js' */
/** @import {Context} from './context.js' */
/** @import {RescueFile} from './rescue.js' */

/** @typedef {{name:string, size:number, crc:number, blob:Blob}} Entry */

const LINES_AT_ONCE = 50;

/** One writing of files: what was read so far, and what could not be. */
export class Work {
  unread = { events: 0, pictures: 0 };
  #context;
  /** @type {Map<string, Store>} by device */ #stores;
  #total;
  #tell;
  #done = 0;

  /**
   * @param {Context} context
   * @param {Map<string, Store>} stores by device
   * @param {number} total bytes
   * @param {(done:number, total:number) => void} tell
   */
  constructor(context, stores, total, tell) {
    this.#context = context;
    this.#stores = stores;
    this.#total = total;
    this.#tell = tell;
  }

  /**
   * @param {RescueShare} share
   * @returns {Promise<{entries:Entry[], counts:{events:number, pictures:number}, by:RescueFile['by']}>} all but the manifest
   */
  async write({ events, pictures }) {
    /** @type {RescueFile['by']} */ const by = new Map();
    const lines = await this.#lines(events, by);
    const entries = [lines];
    for (const picture of pictures) {
      const read = await this.#picture(picture);
      if (read) entries.push(read);
      if (read) countIn(by, picture.device).pictures += 1;
    }
    const counts = { events: 0, pictures: entries.length - 1 };
    for (const own of by.values()) counts.events += own.events;
    return { entries, counts, by };
  }

  /** @param {RescueEvent[]} events @param {RescueFile['by']} by @returns {Promise<Entry>} */
  async #lines(events, by) {
    const blobs = [];
    let size = 0;
    let crc = 0;
    for (let at = 0; at < events.length;) {
      const { device } = events[at];
      const some = events.slice(at, at + LINES_AT_ONCE).filter((event) => event.device === device);
      const found = await this.#jws(device, some);
      const bytes = utf8(found.map((jws) => `${jws}\n`).join(""));
      blobs.push(new Blob([bytes]));
      size += bytes.length;
      crc = crc32(bytes, crc);
      if (found.length > 0) countIn(by, device).events += found.length;
      this.unread.events += some.length - found.length;
      this.#step(some.reduce((sum, event) => sum + event.size, 0));
      at += some.length;
    }
    return entry(EVENTS, blobs, size, crc);
  }

  /**
   * @param {string} device
   * @param {RescueEvent[]} events
   * @returns {Promise<string[]>} without those that this phone can no longer read
   */
  async #jws(device, events) {
    const store = this.#storeOf(device);
    const all = await readable(() =>
      jwsOf(
        store,
        device,
        events.map(({ seq }) => seq),
      ),
    );
    if (all) return all;
    const found = [];
    for (const { seq } of events) found.push(...((await readable(() => jwsOf(store, device, [seq]))) ?? []));
    return found;
  }

  /** @param {RescuePicture} picture @returns {Promise<Entry|null>} null when its bytes are gone, or not those that were sealed */
  async #picture({ device, sha256, size }) {
    const { digest } = this.#context;
    const store = this.#storeOf(device);
    const kept = await readable(() => readBlob(store, device, sha256));
    this.#step(size);
    if (!kept || (await digest(kept)) !== sha256) {
      this.unread.pictures += 1;
      return null;
    }
    const bytes = new Uint8Array(kept);
    return entry(pictureName(sha256, bytes), [bytes], bytes.length, crc32(bytes));
  }

  /** @param {string} device @returns {Store} */
  #storeOf(device) {
    return this.#stores.get(device) ?? this.#context.store;
  }

  /** @param {number} bytes */
  #step(bytes) {
    this.#done += bytes;
    this.#tell(this.#done, this.#total);
  }
}

/** @param {RescueFile['by']} by @param {string} device */
function countIn(by, device) {
  const own = by.get(device) ?? { events: 0, pictures: 0 };
  by.set(device, own);
  return own;
}

/**
 * @param {string} name
 * @param {BlobPart[]} parts
 * @param {number} size
 * @param {number} crc
 * @returns {Entry} header and bytes, out of the page's memory
 */
export function entry(name, parts, size, crc) {
  return { name, size, crc, blob: new Blob([localHeader({ name, size, crc }), ...parts]) };
}

/** @param {Entry[]} entries @returns {Blob} the whole zip */
export function join(entries) {
  let at = 0;
  const listed = entries.map(({ name, size, crc, blob }) => {
    const part = { name, size, crc, at };
    at += blob.size;
    return part;
  });
  return new Blob([...entries.map(({ blob }) => blob), directory(listed, at)]);
}
