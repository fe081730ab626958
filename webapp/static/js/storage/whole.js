/**
 * Transactions that are made whole or not at all, and whose failing is told once.
 * @module
 */

/**
 * @typedef {{done:Promise<unknown>, abort():void}} Endable
 */

/** What a promise fails with is told by another one. @template {Promise<unknown>} P @param {P} promise @returns {P} */
export function quiet(promise) {
  promise.catch(() => undefined);
  return promise;
}

/**
 * One look into one store. A transaction that only reads can end badly too, as when the browser closes the connection.
 * @template {import('../../vendor/idb-8.0.4/index.js').DBSchema} D
 * @template {import('../../vendor/idb-8.0.4/index.js').StoreNames<D>} N
 * @template R
 * @param {import('../../vendor/idb-8.0.4/index.js').IDBPDatabase<D>} db
 * @param {N} name
 * @param {(store: import('../../vendor/idb-8.0.4/index.js').IDBPObjectStore<D, [N], N, 'readonly'>) => Promise<R>} work
 * @returns {Promise<R>}
 */
export function look(db, name, work) {
  const tx = db.transaction(name, "readonly");
  quiet(tx.done);
  return work(tx.store);
}

/**
 * @template {Endable} T
 * @template R
 * @param {T} tx just begun
 * @param {(tx: T) => Promise<R>} work awaits nothing but its requests; when it fails, nothing of it is done
 * @returns {Promise<R>} when it is durable
 * @throws {unknown} what `work` throws, or the transaction ended with: a full disk shows in the transaction, not in the request
 */
export async function whole(tx, work) {
  const done = tx.done.then(
    () => null,
    (error) => error ?? new DOMException("aborted", "AbortError"),
  );
  let result;
  try {
    result = await work(tx);
  } catch (error) {
    try {
      tx.abort();
    } catch {
      // it has ended by itself already; `done` says how
    }
    const ended = await done;
    throw ended instanceof DOMException && ended.name === "QuotaExceededError" ? ended : error;
  }
  const failed = await done;
  if (failed) throw failed;
  return result;
}
