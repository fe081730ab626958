/**
 * The rescue file: what is not with the office yet, written out so that it can come by any other way (ADR 0008).
 * It only reads: nothing leaves the queue by it. One picture at a time is in memory; what was read lies in Blobs, which
 * browsers keep outside the page's memory.
 * @module
 */
import { utf8 } from "../domain/bytes.js";
import { PhoneError } from "../domain/problems.js";
import { EVENTS, MANIFEST, fileName, pictureName, shareOut } from "../domain/rescue.js";
import { crc32, directory, localHeader } from "../domain/zip.js";
import { readBlob } from "../storage/blobs.js";
import { jwsOf, listEvents } from "../storage/events.js";
import { listIdentities } from "../storage/identities.js";
import { getMeta, setMeta } from "../storage/meta.js";

/** @import {EventRow} from '../domain/types.js' */
/** @import {Listed} from '../domain/counts.js' */
/** @import {RescueEvent, RescuePicture, RescueShare} from '../domain/rescue.js' */
/** @import {IdentityRow} from '../storage/schema.js' */
/** @import {MetaValues} from '../storage/meta.js' */
/** @import {Context} from './context.js' */

/**
 * Whose work: one identity's, one event's, or, when neither is named, everybody's on this phone.
 * @typedef {{device?:string, event?:string}} RescueScope
 */

/**
 * What one identity has that the office has not, and when it was last given away in files.
 * @typedef {object} RescueStanding
 * @property {string} device
 * @property {string} by         the person's name
 * @property {number} events
 * @property {number} pictures
 * @property {number} bytes
 * @property {MetaValues['rescued']|null} last
 */

/** `by` counts what is of each device. @typedef {{file:File, events:number, pictures:number, by:Map<string, {events:number, pictures:number}>, given:boolean}} RescueFile */

/** `unread` could not be read back from this phone. @typedef {{files:RescueFile[], unread:{events:number, pictures:number}, isWhole:boolean}} RescueMade */

/** @typedef {{name:string, size:number, crc:number, blob:Blob}} Entry */

const LINES_AT_ONCE = 50;
const TYPE = "application/zip";

/** Writes rescue files, and remembers which were given to somebody. */
export class Rescue {
  /** @type {Context} */ #context;
  /** @type {() => string|null} */ #current;
  /** Kept here too, for a store that can only be read. @type {Map<string, MetaValues['rescued']>} */ #last =
    new Map();

  /** @param {Context} context @param {() => string|null} current the device in use */
  constructor(context, current) {
    this.#context = context;
    this.#current = current;
  }

  /** @returns {Promise<RescueStanding[]>} of everybody who has work here that is not home; whoever uses the phone first */
  async standing() {
    const { store } = this.#context;
    const found = [];
    for (const { device, actor } of await this.#identities()) {
      const { events, pictures } = unhomed(await listEvents(store, device));
      if (events.length + pictures.length === 0) continue;
      const last = this.#last.get(device) ?? (await getMeta(store, device, "rescued"));
      const bytes = [...events, ...pictures].reduce((sum, { size }) => sum + size, 0);
      found.push({
        device,
        by: actor.name,
        events: events.length,
        pictures: pictures.length,
        bytes,
        last,
      });
    }
    return found;
  }

  /**
   * Writes the files; they exist whole when this resolves, or not at all.
   * @param {RescueScope} [scope]
   * @param {(done:number, total:number) => void} [tell] after each step, in bytes
   * @returns {Promise<RescueMade>}
   * @throws {PhoneError} `rescue-empty`, `rescue-unreadable`, `event-unknown`
   */
  async make(scope = {}, tell = () => undefined) {
    const { identities, events, pictures } = await this.#gather(scope);
    const shares = shareOut(events, pictures);
    const total = [...events, ...pictures].reduce((sum, { size }) => sum + size, 0);
    const work = new Work(this.#context, total, tell);
    const bodies = [];
    for (const share of shares) bodies.push(await work.write(share));
    const kept = bodies.filter(({ counts }) => counts.events + counts.pictures > 0);
    if (kept.length === 0) throw emptyError(shares.length > 0);
    const madeAt = this.#context.nowText();
    const files = kept.map((body, index) => {
      const place = { part: index + 1, parts: kept.length };
      const manifest = this.#manifest(identities[0], madeAt, { ...place, ...body.counts });
      const name = fileName(madeAt, identities[0].device, place.part, place.parts);
      const file = new File([join([manifest, ...body.entries])], name, { type: TYPE });
      return { file, ...body.counts, by: body.by, given: false };
    });
    return { files, unread: work.unread, isWhole: scope.event === undefined };
  }

  /**
   * Remembers that a file was handed over; what could not be written down is at least known until Baton closes.
   * @param {RescueMade} made
   * @param {RescueFile} given one of its files
   * @returns {Promise<void>}
   */
  async noteGiven(made, given) {
    given.given = true;
    if (!made.isWhole) return; // one handover out of many says nothing of the rest
    const at = this.#context.nowText();
    for (const device of new Set(made.files.flatMap(({ by }) => [...by.keys()]))) {
      const parts = made.files.filter(({ by }) => by.has(device));
      const gone = parts.filter((part) => part.given);
      if (gone.length === 0) continue;
      const sum = (/** @type {'events'|'pictures'} */ what) =>
        gone.reduce((n, { by }) => n + (by.get(device)?.[what] ?? 0), 0);
      const note = {
        at,
        events: sum("events"),
        pictures: sum("pictures"),
        files: gone.length,
        of: parts.length,
      };
      this.#last.set(device, note);
      await setMeta(this.#context.store, device, "rescued", note).catch((error) => {
        if (!(error instanceof PhoneError)) throw error;
      });
    }
  }

  /** @returns {Promise<IdentityRow[]>} whoever uses the phone first */
  async #identities() {
    const current = this.#current();
    const all = await listIdentities(this.#context.store);
    return all.sort((a, b) => Number(b.device === current) - Number(a.device === current));
  }

  /**
   * @param {RescueScope} scope
   * @returns {Promise<{identities:IdentityRow[], events:RescueEvent[], pictures:RescuePicture[]}>} `identities` of the
   *   scope, the one that signs the file first
   */
  async #gather({ device, event }) {
    const all = await this.#identities();
    const identities = all.filter((row) => device === undefined || row.device === device);
    /** @type {RescueEvent[]} */ const events = [];
    /** @type {Map<string, RescuePicture>} */ const pictures = new Map();
    for (const { device: owner } of [...identities].sort((a, b) => (a.device < b.device ? -1 : 1))) {
      const found = unhomed(await listEvents(this.#context.store, owner), event);
      events.push(...found.events);
      for (const picture of found.pictures) {
        if (!pictures.has(picture.sha256)) pictures.set(picture.sha256, picture);
      }
    }
    if (event !== undefined && events.length === 0) {
      throw new PhoneError("event-unknown", "This phone has no such handover.");
    }
    if (identities.length === 0) throw emptyError(false);
    return { identities, events, pictures: [...pictures.values()] };
  }

  /**
   * @param {IdentityRow} identity
   * @param {string} madeAt
   * @param {{part:number, parts:number, events:number, pictures:number}} counts
   * @returns {Entry}
   */
  #manifest({ device, label, actor }, madeAt, { part, parts, events, pictures }) {
    const told = {
      format: 1,
      made_at: madeAt,
      device,
      client: this.#context.client,
      label: label || null,
      actor: actor.id || null,
      part,
      parts,
      events,
      blobs: pictures,
    };
    const bytes = utf8(`${JSON.stringify(told, null, 2)}\n`);
    return entry(MANIFEST, [bytes], bytes.length, crc32(bytes));
  }
}

/** One writing of files: what was read so far, and what could not be. */
class Work {
  unread = { events: 0, pictures: 0 };
  #context;
  #total;
  #tell;
  #done = 0;

  /** @param {Context} context @param {number} total bytes @param {(done:number, total:number) => void} tell */
  constructor(context, total, tell) {
    this.#context = context;
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
    const { store } = this.#context;
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
    const { store, digest } = this.#context;
    const kept = await readable(() => readBlob(store, device, sha256));
    this.#step(size);
    if (!kept || (await digest(kept)) !== sha256) {
      this.unread.pictures += 1;
      return null;
    }
    const bytes = new Uint8Array(kept);
    return entry(pictureName(sha256, bytes), [bytes], bytes.length, crc32(bytes));
  }

  /** @param {number} bytes */
  #step(bytes) {
    this.#done += bytes;
    this.#tell(this.#done, this.#total);
  }
}

/**
 * What the office has not got of what one identity sealed here.
 * @param {Listed} listed
 * @param {string} [only] id of the one event that is asked for, whatever has become of it
 * @returns {{events:RescueEvent[], pictures:RescuePicture[]}}
 */
function unhomed({ events, blobs }, only) {
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
async function readable(read) {
  try {
    return await read();
  } catch (error) {
    const isUnread = error instanceof PhoneError && error.code === "storage-failed";
    if (!isUnread && !(error instanceof DOMException)) throw error;
    return null;
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
function entry(name, parts, size, crc) {
  return { name, size, crc, blob: new Blob([localHeader({ name, size, crc }), ...parts]) };
}

/** @param {Entry[]} entries @returns {Blob} the whole zip */
function join(entries) {
  let at = 0;
  const listed = entries.map(({ name, size, crc, blob }) => {
    const part = { name, size, crc, at };
    at += blob.size;
    return part;
  });
  return new Blob([...entries.map(({ blob }) => blob), directory(listed, at)]);
}

/** @param {boolean} wasThere @returns {PhoneError} */
function emptyError(wasThere) {
  return wasThere
    ? new PhoneError(
        "rescue-unreadable",
        "This phone cannot read its unsent work back.",
        "Close Baton and open it again. Do not clear its data; show this phone to the office.",
      )
    : new PhoneError("rescue-empty", "Everything is with the office.", "There is nothing to rescue.");
}
