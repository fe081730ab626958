/**
 * What is being photographed: one picture after the other becomes a photo of the handover, then its tags are cut out.
 * @module
 */
import { pictureOf, shotFrom, tagFrom } from "../capture/photo.js";
import { normalise } from "../domain/codes.js";
import { hasRoomFor } from "../domain/payload.js";
import { PhoneError } from "../domain/problems.js";
import { codeNow } from "../domain/verdict.js";
import { picturesOf } from "./flow.js";

/** @import {Shot} from '../capture/photo.js' */
/** @import {CaptureApp} from './context.js' */
/** @import {OpenDraft, OpenPhoto} from './flow.js' */

/** What a photo has at most, written down. */
const LARGE_BYTES = 9_999_999;

/** @typedef {Pick<CaptureApp, 'flow'|'phone'|'decoder'>} ShotsApp */
/** @typedef {{entry:OpenPhoto, shot:Shot}} Kept */

/**
 * Events: `begun` when a picture's parcel is settled, `kept` (`CustomEvent<Kept>`) or `failed` (its error) when it is over,
 * `tags` when some were found.
 */
export class Shots extends EventTarget {
  /** @type {ShotsApp} */ #app;
  /** @type {OpenDraft} */ #draft;
  /** The tags being cut out, one picture after the other: each has the reader's whole time for itself. */
  #cutting = Promise.resolve();
  /** @type {(string|null)[]} whom the pictures show that are on their way */ coming = [];
  /** How many pictures did not become a photo. */
  failures = 0;

  /** @param {ShotsApp} app @param {OpenDraft} draft */
  constructor(app, draft) {
    super();
    this.#app = app;
    this.#draft = draft;
  }

  /**
   * @param {Promise<ImageBitmap>} picture what is in sight at the press
   * @param {string|null} parcel that it shows, null: all
   * @returns {Promise<void>} when it is kept, or told why not
   */
  shoot(picture, parcel) {
    picture.catch(() => undefined); // told when its turn comes
    this.#begin(parcel);
    let isTaken = false;
    const source = () => {
      isTaken = true;
      return picture;
    };
    return this.#app.flow.add(async () => {
      await this.#take(source, parcel);
      // refused before it was looked at
      if (!isTaken) {
        void picture.then(
          (it) => it.close(),
          () => undefined,
        );
      }
    });
  }

  /**
   * @param {File[]} files chosen, or taken with the phone's own camera
   * @param {() => string|null} parcelNow asked for each
   * @returns {Promise<void>}
   */
  read(files, parcelNow) {
    return this.#app.flow.add(async () => {
      for (const file of files) {
        const parcel = parcelNow();
        this.#begin(parcel);
        await this.#take(() => pictureOf(file), parcel);
        await this.#cutting; // one large picture in memory at a time
      }
    });
  }

  /** @returns {Promise<void>} when every picture is a photo, or is not to be, and its tags are cut out */
  async settled() {
    await this.#app.flow.added();
    const last = this.#cutting;
    await last;
    if (last !== this.#cutting) await this.settled();
  }

  /** @param {string|null} parcel */
  #begin(parcel) {
    this.coming.push(parcel);
    this.dispatchEvent(new Event("begun"));
  }

  /** Whatever goes wrong is told and costs only this one. @param {() => Promise<ImageBitmap>} source @param {string|null} parcel */
  async #take(source, parcel) {
    /** @type {Event} */
    let told;
    try {
      told = new CustomEvent("kept", { detail: await this.#keep(source, parcel) });
    } catch (error) {
      if (!isThere(error)) this.failures += 1;
      told = new CustomEvent("failed", { detail: error });
    }
    this.coming.splice(this.coming.indexOf(parcel), 1);
    this.dispatchEvent(told);
  }

  /** @param {() => Promise<ImageBitmap>} source @param {string|null} parcel @returns {Promise<Kept>} */
  async #keep(source, parcel) {
    const { flow, phone } = this.#app;
    this.#mustBeOpen();
    if (this.#inTheWay({ type: "image/jpeg", size: LARGE_BYTES, role: "photo", parcel }) === null) {
      throw new PhoneError(
        "handover-full",
        "No more photos fit into one handover.",
        "Seal these first; leave the parcels without a photo for the next one.",
      );
    }
    const picture = await source();
    try {
      const shot = await shotFrom(picture);
      const kept = await phone.storePhoto(shot.bytes, shot.type, this.#draft.owner);
      this.#mustBeOpen();
      if (picturesOf(this.#draft).some(({ sha256 }) => sha256 === kept.sha256)) {
        throw new PhoneError("photo-there", "That photo is there already.");
      }
      /** @type {OpenPhoto} */
      const entry = { ...kept, role: "photo", parcel: this.#nameNow(parcel) };
      for (const tag of this.#inTheWay(entry) ?? []) {
        this.#draft.photos.splice(this.#draft.photos.indexOf(tag), 1);
      }
      this.#draft.photos.push(entry);
      await flow.save();
      this.#later(picture, entry);
      return { entry, shot };
    } catch (error) {
      picture.close();
      throw error;
    }
  }

  /**
   * A tag is a bonus, a parcel's own photo is not: the last tags give way where there is no room for both.
   * @param {Parameters<typeof hasRoomFor>[1]} photo
   * @returns {OpenPhoto[]|null} the tags that have to go for it; null: there is no room without them either
   */
  #inTheWay(photo) {
    const photos = [...this.#draft.photos];
    /** @type {OpenPhoto[]} */
    const going = [];
    for (let at = photos.length - 1; at >= 0 && !hasRoomFor({ ...this.#draft, photos }, photo); at -= 1) {
      if (photos[at]?.role === "tag") going.push(...photos.splice(at, 1));
    }
    return hasRoomFor({ ...this.#draft, photos }, photo) ? going : null;
  }

  /** @throws {PhoneError} somebody else is signed in, or it was thrown away, before the picture was ready */
  #mustBeOpen() {
    if (this.#app.flow.draft === this.#draft) return;
    throw new PhoneError("handover-closed", "A photo came too late.", "Its handover is no longer open here.");
  }

  /** @param {string|null} code @returns {string|null} what the list calls this parcel by now; null when it was taken off */
  #nameNow(code) {
    const name = code && codeNow(code, this.#app.phone.worklist);
    return this.#draft.scans.some((scan) => scan.code === name) ? name : null;
  }

  /** @param {ImageBitmap} picture is closed @param {OpenPhoto} entry */
  #later(picture, entry) {
    this.#cutting = this.#cutting
      .then(() => this.#cutTags(picture, entry))
      .catch(() => undefined) // a tag is a bonus, the photo is kept
      .finally(() => picture.close());
  }

  /** The tags of this handover that the picture shows, at its full size. @param {ImageBitmap} picture @param {OpenPhoto} entry */
  async #cutTags(picture, entry) {
    const draft = this.#draft;
    const symbols = await this.#app.decoder.still(await createImageBitmap(picture));
    const codes = new Set(draft.scans.map(({ code }) => code));
    const mine = symbols.filter(({ text: words }) => codes.has(normalise(words) ?? ""));
    for (const symbol of mine) {
      const tag = await tagFrom(picture, symbol);
      const kept = await this.#app.phone.storePhoto(tag.bytes, tag.type, draft.owner);
      const parcel = normalise(symbol.text);
      if (!draft.photos.includes(entry) || draft.photos.some(({ sha256 }) => sha256 === kept.sha256)) {
        continue;
      }
      /** @type {OpenPhoto} */
      const cut = { ...kept, role: "tag", parcel, of: entry.sha256 };
      if (hasRoomFor(draft, cut)) draft.photos.push(cut);
    }
    if (mine.length === 0 || this.#app.flow.draft !== draft) return;
    await this.#app.flow.save();
    this.dispatchEvent(new Event("tags"));
  }
}

/** @param {unknown} error @returns {boolean} the same picture again: nothing is lacking */
export function isThere(error) {
  return error instanceof PhoneError && error.code === "photo-there";
}
