/**
 * Who uses this phone: enrolments, their keys, and which one is signed in. None goes by itself: its queue may be unsent.
 * @module
 */
import { PhoneError } from "../domain/problems.js";

/** @import {IDBPTransaction, StoreNames} from '../../vendor/idb-8.0.4/index.js' */
/** @import {Store} from './store.js' */
/** @import {MetaValues} from './meta.js' */
/** @import {IdentityRow, Tables} from './schema.js' */

/** @param {Store} store @returns {Promise<IdentityRow[]>} */
export async function listIdentities(store) {
  return store.read(["identities"], (tx) => tx.objectStore("identities").getAll());
}

/** @param {Store} store @returns {Promise<IdentityRow|null>} */
export async function currentIdentity(store) {
  return store.read(["meta", "identities"], async (tx) => {
    const row = await tx.objectStore("meta").get(["", "current"]);
    if (!row) return null;
    return (await tx.objectStore("identities").get(/** @type {MetaValues['current']} */ (row.value))) ?? null;
  });
}

/**
 * Whether this browser keeps a CryptoKey at all (not in Lockdown or private mode): tried, because nothing else tells.
 * @param {Store} store
 * @param {CryptoKey} privateKey
 * @returns {Promise<boolean>}
 */
export async function canKeepKey(store, privateKey) {
  try {
    await store.write(["keys"], (tx) => tx.objectStore("keys").put({ device: "", privateKey }));
    const kept = await store.read(["keys"], (tx) => tx.objectStore("keys").get(""));
    return kept?.privateKey !== undefined;
  } catch (error) {
    if (error instanceof DOMException && error.name === "DataCloneError") return false;
    throw error;
  }
}

/**
 * Keeps a new enrolment with its key and makes it the current one, in one transaction.
 * @param {Store} store
 * @param {IdentityRow} identity
 * @param {CryptoKey|null} privateKey
 * @returns {Promise<void>}
 */
export async function addIdentity(store, identity, privateKey) {
  const { device } = identity;
  await store.write(["identities", "keys", "chains", "meta"], async (tx) => {
    await tx.objectStore("identities").put(identity);
    await tx.objectStore("keys").delete("");
    if (privateKey) await tx.objectStore("keys").put({ device, privateKey });
    if ((await tx.objectStore("chains").count(device)) === 0) {
      await tx.objectStore("chains").put({ device, seq: 0, prev: null }); // a chain is begun once
    }
    await tx.objectStore("meta").put({ device: "", name: "current", value: device });
  });
}

/**
 * Signs somebody in who is enrolled here, or everybody out. Nothing else changes.
 * @param {Store} store
 * @param {string|null} device
 * @returns {Promise<void>}
 * @throws {PhoneError} `identity-gone`
 */
export async function makeCurrent(store, device) {
  await store.write(["identities", "meta"], async (tx) => {
    if (device === null) {
      await tx.objectStore("meta").delete(["", "current"]);
      return;
    }
    await mustBeKnown(tx, device);
    await tx.objectStore("meta").put({ device: "", name: "current", value: device });
  });
}

/**
 * Whatever makes a row for an identity asks this in the same transaction: an answer that comes after somebody was removed
 * must not bring back a part of them.
 * @template {StoreNames<Tables>[]} N
 * @param {IDBPTransaction<Tables, N, 'readwrite'>} tx over `identities`, among others
 * @param {string} device
 * @returns {Promise<void>}
 * @throws {PhoneError} `identity-gone`
 */
export async function mustBeKnown(tx, device) {
  const identities = /** @type {IDBPTransaction<Tables, 'identities'[], 'readwrite'>} */ (
    /** @type {unknown} */ (tx)
  ).objectStore("identities");
  if ((await identities.count(device)) > 0) return;
  throw new PhoneError(
    "identity-gone",
    "This person was removed from this phone.",
    "Connect with a new code.",
  );
}

/** @param {Store} store @param {string} device @returns {Promise<CryptoKey|null>} */
export async function privateKeyOf(store, device) {
  const row = await store.read(["keys"], (tx) => tx.objectStore("keys").get(device));
  return row?.privateKey ?? null;
}
