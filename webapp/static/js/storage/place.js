/**
 * Where a database of this phone is kept: in the origin's own place, or in a storage bucket, which Chromium keeps in files of
 * its own. All databases of the origin's own place share one LevelDB there: when its files do not open, none of these
 * databases does, and a new one beside them is no better. One in a bucket is.
 *
 * `baton-bucket-1` is the database of that name in the bucket of that name. It stands in the place of `baton`, and has the
 * second copy of that one (spare.js) for its own.
 * @module
 */
import { wrap } from "../../vendor/idb-8.0.4/index.js";
import { answered } from "./patience.js";
import { DATABASE } from "./schema.js";

/** @import {DBSchema, IDBPDatabase, OpenDBCallbacks} from '../../vendor/idb-8.0.4/index.js' */

/** @typedef {{indexedDB:IDBFactory}} Bucket */
/** @typedef {{open:(name:string, options:{durability:string, persisted:boolean}) => Promise<Bucket>, keys:() => Promise<string[]>}} Buckets `navigator.storageBuckets` */

const IN_BUCKET = new RegExp(`^(${DATABASE}(?:-\\d+)?)-bucket-(\\d+)$`);

/** @returns {Buckets|undefined} where the browser has them */
export function ownBuckets() {
  return /** @type {{storageBuckets?:Buckets}} */ (globalThis.navigator ?? {}).storageBuckets;
}

/** @param {Buckets} buckets @param {string} name @returns {Promise<Bucket>} made when there is none */
export function openBucket(buckets, name) {
  return buckets.open(name, { durability: "strict", persisted: true });
}

/** @param {string} name of a database @returns {string} of its second copy */
export function spareOf(name) {
  return IN_BUCKET.exec(name)?.[1] ?? name;
}

/**
 * A database that is to stand in the place of another, with its second copy.
 * @param {string} name of the other
 * @param {number} number
 * @returns {string}
 */
export function inBucket(name, number) {
  return `${spareOf(name)}-bucket-${number}`;
}

/** @returns {Promise<string[]>} the databases in buckets of their own; none where it does not answer */
export async function namesInBuckets() {
  const asking = Promise.resolve(ownBuckets()).then((buckets) => buckets?.keys() ?? []);
  const names = await answered(asking).catch(() => []);
  return names.filter((name) => IN_BUCKET.test(name));
}

/**
 * @param {string} name
 * @param {string[]} names of all there are
 * @returns {string} of those with the same second copy the one that was begun last, which is the one in use
 */
export function lastBegun(name, names) {
  const alike = names.filter((other) => spareOf(other) === spareOf(name));
  return alike.reduce((last, other) => (numberOf(other) > numberOf(last) ? other : last), name);
}

/** @param {string[]} names @returns {string[]} the last begun first, and those of the origin's own place at the end */
export function newestFirst(names) {
  return [...names].sort((a, b) => numberOf(b) - numberOf(a));
}

/** @param {string} name @returns {number} 0: in the origin's own place */
function numberOf(name) {
  return Number(IN_BUCKET.exec(name)?.[2] ?? 0);
}

/**
 * Opens a database where its name says.
 * @template {DBSchema} D
 * @param {string} name
 * @param {number|undefined} version undefined: as it is
 * @param {OpenDBCallbacks<D>} calls as of `openDB` of idb, which knows only the origin's own place
 * @returns {Promise<IDBPDatabase<D>>}
 */
export async function openPlaced(name, version, { upgrade, blocked, blocking, terminated }) {
  const request = (await factoryOf(name)).open(name, version);
  const opening = /** @type {Promise<IDBPDatabase<D>>} */ (/** @type {unknown} */ (wrap(request)));
  request.addEventListener("upgradeneeded", (event) => {
    const db = /** @type {IDBPDatabase<D>} */ (/** @type {unknown} */ (wrap(request.result)));
    const tx = /** @type {any} */ (wrap(/** @type {IDBTransaction} */ (request.transaction)));
    upgrade?.(db, event.oldVersion, event.newVersion, tx, event);
  });
  request.addEventListener("blocked", (event) => blocked?.(event.oldVersion, event.newVersion, event));
  const db = await opening;
  db.addEventListener("close", () => terminated?.());
  db.addEventListener("versionchange", (event) =>
    blocking?.(event.oldVersion, event.newVersion, /** @type {any} */ (event)),
  );
  return db;
}

/** @param {string} name @returns {Promise<IDBFactory>} */
async function factoryOf(name) {
  if (!IN_BUCKET.test(name)) return globalThis.indexedDB;
  const buckets = ownBuckets();
  if (!buckets) throw new DOMException("this browser has no storage buckets", "NotSupportedError");
  return (await answered(openBucket(buckets, name))).indexedDB;
}
