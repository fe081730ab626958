/**
 * What goes into which rescue file, and under which name (ADR 0008): every event first, then the pictures.
 * @module
 */
import { ENDING_BYTES, overhead } from "./zip.js";

/** @typedef {{device:string, seq:number, size:number}} RescueEvent `size` of the line without its end */
/** @typedef {{device:string, sha256:string, size:number}} RescuePicture */
/** @typedef {{events:RescueEvent[], pictures:RescuePicture[]}} RescueShare what one file holds */

export const MANIFEST = "manifest.json";
export const EVENTS = "events.jws";
const MANIFEST_ROOM = 4_096; // names and ids, well over what they take
const PICTURE_NAME = `blobs/${"0".repeat(64)}.webp`;

/** At most so much a file: what a chat carries, and what the office reads in at once. */
export const LIMITS = Object.freeze({ bytes: 50_331_648, events: 20_000, pictures: 4_990 });

/**
 * Shares the work out over as few files as it needs; what cannot fit any file goes into one of its own all the same.
 * @param {RescueEvent[]} events by device, then seq
 * @param {RescuePicture[]} pictures in the order in which events name them
 * @param {{bytes:number, events:number, pictures:number}} [limits]
 * @returns {RescueShare[]} none when there is nothing
 */
export function shareOut(events, pictures, limits = LIMITS) {
  const frame = overhead(MANIFEST) + MANIFEST_ROOM + overhead(EVENTS) + ENDING_BYTES;
  /** @type {RescueShare[]} */
  const shares = [];
  let used = 0;
  const room = (/** @type {number} */ bytes, /** @type {boolean} */ isFull) => {
    if (shares.length === 0 || isFull || used + bytes > limits.bytes) {
      shares.push({ events: [], pictures: [] });
      used = frame;
    }
    used += bytes;
    return shares[shares.length - 1];
  };
  const last = () => shares[shares.length - 1];
  for (const event of events) {
    room(event.size + 1, last()?.events.length === limits.events).events.push(event);
  }
  for (const picture of pictures) {
    const isFull = last()?.pictures.length === limits.pictures;
    room(picture.size + overhead(PICTURE_NAME), isFull).pictures.push(picture);
  }
  return shares;
}

/**
 * @param {string} sha256
 * @param {Uint8Array} bytes
 * @returns {string} the part's name; its ending says what the bytes are
 */
export function pictureName(sha256, bytes) {
  return `blobs/${sha256}.${endingOf(bytes)}`;
}

/** @param {Uint8Array} bytes @returns {'jpg'|'png'|'webp'} by content; the server judges it again */
function endingOf(bytes) {
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return "png";
  const isWebp = bytes[0] === 0x52 && bytes[8] === 0x57 && bytes[9] === 0x45;
  return isWebp ? "webp" : "jpg";
}

/**
 * @param {Date} at when it is made
 * @param {string} device
 * @param {number} part from 1
 * @param {number} parts
 * @returns {string} `baton-20261122-1000-0192f1aa-2.baton` by the phone's clock; the last number only when there are several
 */
export function fileName(at, device, part, parts) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}${two(at.getMinutes())}`;
  const owner = device.slice(0, 8).replace(/[^\w-]/g, "_");
  return `baton-${day}-${time}-${owner}${parts > 1 ? `-${part}` : ""}.baton`;
}
