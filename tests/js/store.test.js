/** The one connection to the phone's database, and what browsers do to it. */
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../webapp/static/js/storage/store.js";
import { getMeta, setMeta } from "../../webapp/static/js/storage/meta.js";

const raw = (name, version, upgrade = () => undefined) =>
  new Promise((resolve, reject) => {
    const request = globalThis.indexedDB.open(name, version);
    request.onupgradeneeded = () => upgrade(request.result);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

test("a newer version is let in at once, and the old page goes on with what it made", async () => {
  const store = new Store("versions");
  await store.open();
  await setMeta(store, "", "heartbeat", 5);
  const newer = await raw("versions", 2, (db) => db.createObjectStore("added"));
  assert.equal(await getMeta(store, "", "heartbeat"), 5);
  await setMeta(store, "", "heartbeat", 6);
  newer.close();
  const again = new Store("versions");
  await again.open();
  assert.equal(await getMeta(again, "", "heartbeat"), 6);
  [store, again].forEach((one) => one.close());
});

test("an old page that writes while a newer version opens loses no write and blocks nobody", async () => {
  const store = new Store("racing");
  await store.open();
  const writes = [];
  for (let i = 1; i <= 20; i += 1) writes.push(setMeta(store, "", "heartbeat", i));
  const newer = await raw("racing", 2, (db) => db.createObjectStore("added"));
  for (let i = 21; i <= 40; i += 1) writes.push(setMeta(store, "", "heartbeat", i));
  await Promise.all(writes);
  assert.equal(await getMeta(store, "", "heartbeat"), 40);
  newer.close();
  store.close();
});

test("a connection that died is opened again, and one that keeps dying is told in words", async () => {
  const store = new Store("dying");
  await setMeta(store, "", "heartbeat", 1);
  const { transaction } = globalThis.IDBDatabase.prototype;
  let deaths = 1;
  globalThis.IDBDatabase.prototype.transaction = function dying(...args) {
    if (deaths-- > 0) throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
    return transaction.apply(this, args);
  };
  try {
    await setMeta(store, "", "heartbeat", 2);
    deaths = Infinity;
    await assert.rejects(setMeta(store, "", "heartbeat", 3), { code: "storage-failed" });
    deaths = 0;
    assert.equal(await getMeta(store, "", "heartbeat"), 2);
  } finally {
    globalThis.IDBDatabase.prototype.transaction = transaction;
  }
  store.close();
});

test("an open that another tab blocks ends with a word, and works once that tab is closed", async () => {
  const other = await raw("blocked", 1); // does not listen to versionchange, as a hung tab would not
  const store = new Store("blocked", { version: 2, blockedAfter: 30 });
  await assert.rejects(store.open(), { code: "storage-blocked" });
  other.close();
  await store.open();
  store.close();
});

test("a failed open is not remembered", async () => {
  const { open } = globalThis.indexedDB;
  const store = new Store("failing");
  let failures = 6;
  globalThis.indexedDB.open = function failing(...args) {
    if (failures-- > 0) throw new DOMException("Internal error opening backing store", "UnknownError");
    return open.apply(this, args);
  };
  await assert.rejects(store.open(), { code: "storage-unavailable" });
  await setMeta(store, "", "heartbeat", 7);
  globalThis.indexedDB.open = open;
  assert.equal(await getMeta(store, "", "heartbeat"), 7);
  store.close();
});

test("what fails in the middle leaves nothing behind", async () => {
  const store = new Store("atomic");
  await store.open();
  const work = store.write(["meta"], async (tx) => {
    await tx.objectStore("meta").put({ device: "", name: "heartbeat", value: 1 });
    throw new Error("changed its mind");
  });
  await assert.rejects(work, { message: "changed its mind" });
  assert.equal(await getMeta(store, "", "heartbeat"), null);
  store.close();
  await assert.rejects(getMeta(store, "", "heartbeat"), { code: "storage-closed" });
});

test("what a browser throws at a write is told in words, except the probe for keys", async () => {
  const store = new Store("failed");
  await store.open();
  const failing = (name) =>
    store.write(["meta"], async () => {
      throw new DOMException("no", name);
    });
  for (const name of ["UnknownError", "NotReadableError", "DataError"]) {
    await assert.rejects(failing(name), { code: "storage-failed" }, name);
  }
  await assert.rejects(failing("DataCloneError"), { name: "DataCloneError" });
  store.close();
});

test("event writes ask for strict durability", async () => {
  const asked = [];
  const { transaction } = globalThis.IDBDatabase.prototype;
  globalThis.IDBDatabase.prototype.transaction = function spy(names, mode, options) {
    if (mode === "readwrite") asked.push(options?.durability);
    return transaction.call(this, names, mode, options);
  };
  const store = new Store("durable");
  await setMeta(store, "", "heartbeat", 1);
  globalThis.IDBDatabase.prototype.transaction = transaction;
  assert.deepEqual(asked, ["strict"]);
  store.close();
});
