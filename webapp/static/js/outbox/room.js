/**
 * How much room this phone has left, in photos: capture stops before the quota, never the scan.
 * @module
 */
import { PhoneError } from "../domain/problems.js";
import { listBlobs } from "../storage/blobs.js";
import { getMeta } from "../storage/meta.js";
import { estimate } from "./queue.js";

/** @import {StorageReport} from '../domain/types.js' */
/** @import {Context} from './context.js' */

const RESERVE_BYTES = 20 * 1_048_576; // for events, which must always find room
const USUAL_PHOTO_BYTES = 400_000; // 1600 px JPEG and a full-size crop of the tag
const SMALL_BYTES = 65_536;
const SAMPLE = 50;

/**
 * Refuses a photo before it eats what events need; a signature is small and always may.
 * @param {Context} context
 * @param {number} bytes
 * @returns {Promise<void>}
 * @throws {PhoneError} `storage-full`
 */
export async function checkRoom(context, bytes) {
  if (bytes <= SMALL_BYTES) return;
  const { store } = context;
  if (
    (await hasRoom(context, bytes * store.copies)) ||
    ((await store.giveRoom()) && (await hasRoom(context, bytes)))
  ) {
    return;
  }
  throw new PhoneError(
    "storage-full",
    "This phone has no room for more photos.",
    "Free some space, or send what is waiting. Scanning still works.",
  );
}

/** @param {Context} context @param {number} bytes @returns {Promise<boolean>} also where the browser does not tell */
async function hasRoom(context, bytes) {
  const { usage, quota } = await estimate(context);
  return usage === null || quota === null || quota - usage - bytes >= RESERVE_BYTES;
}

/**
 * @param {Context} context
 * @param {string|null} device
 * @returns {Promise<StorageReport>}
 */
export async function reportStorage(context, device) {
  const { usage, quota, persisted } = await estimate(context);
  const broughtBack = await getMeta(context.store, "", "brought");
  if (usage === null || quota === null) return { usage, quota, persisted, photosLeft: null, broughtBack };
  const sizes = device === null ? [] : (await listBlobs(context.store, device)).map(({ size }) => size);
  const sample = sizes.slice(-SAMPLE);
  const mean = sample.reduce((sum, size) => sum + size, 0) / (sample.length || 1);
  const photo = Math.max(USUAL_PHOTO_BYTES, mean) * context.store.copies;
  return {
    usage,
    quota,
    persisted,
    photosLeft: Math.max(0, Math.floor((quota - usage - RESERVE_BYTES) / photo)),
    broughtBack,
  };
}
