/**
 * Writes down which rows a transaction changes, for whoever makes the same changes elsewhere.
 * @module
 */

/** @import {IDBPTransaction, StoreNames} from '../../vendor/idb-8.0.4/index.js' */
/** @import {Tables} from './schema.js' */

/** @typedef {StoreNames<Tables>} Name */
/** Without a value: the row, or all of a range, is deleted. @typedef {{name:Name, key:IDBValidKey|IDBKeyRange, value?:unknown}} Change */
/** @typedef {Record<string|symbol, unknown>} Anything */

/**
 * @template {IDBPTransaction<Tables, any, 'readwrite'>} T
 * @param {T} tx
 * @param {Change[]} changes gets every put, add and delete, in their order; it holds when the transaction does
 * @returns {T} to be worked with in its place
 */
export function recording(tx, changes) {
  return new Proxy(tx, {
    get(target, wanted) {
      if (wanted !== "objectStore") return bound(target, wanted);
      return (/** @type {Name} */ name) => recordingStore(target.objectStore(name), changes);
    },
  });
}

/**
 * @param {any} store idb's own
 * @param {Change[]} changes
 * @returns {unknown}
 */
function recordingStore(store, changes) {
  const name = /** @type {Name} */ (store.name);
  /** @param {'put'|'add'} how */
  const written = (how) => (/** @type {Anything} */ value) => {
    /** @type {Change} */ const change = { name, key: keyIn(value, store.keyPath), value };
    changes.push(change);
    const asked = store[how](value);
    if (change.key === undefined) {
      void asked.then((/** @type {IDBValidKey} */ key) => numbered(change, key, store.keyPath), noted);
    }
    return asked;
  };
  /** @type {Anything} */ const instead = {
    put: written("put"),
    add: written("add"),
    delete: (/** @type {IDBValidKey|IDBKeyRange} */ key) => {
      changes.push({ name, key });
      return store.delete(key);
    },
  };
  return new Proxy(store, { get: (target, wanted) => instead[wanted] ?? bound(target, wanted) });
}

/** The row's key was given by the store. @param {Change} change @param {IDBValidKey} key @param {string} path */
function numbered(change, key, path) {
  change.key = key;
  change.value = { .../** @type {object} */ (change.value), [path]: key };
}

function noted() {
  // whoever asked hears of it, and the transaction ends without the change
}

/** @param {Anything} value @param {string|string[]} path @returns {any} undefined: the store gives the key */
function keyIn(value, path) {
  return Array.isArray(path) ? path.map((part) => value[part]) : value[path];
}

/** @param {any} target @param {string|symbol} wanted @returns {unknown} */
function bound(target, wanted) {
  const value = Reflect.get(target, wanted, target);
  return typeof value === "function" ? value.bind(target) : value;
}
