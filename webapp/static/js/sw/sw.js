/**
 * The service worker of the phone: the shell starts with no network, whole and of one version.
 *
 * Classic on purpose (module workers are too young in Firefox), so it cannot import the outbox. It does not need to:
 * on Background Sync it asks an open page to flush, and when there is none it *sends* the waiting events itself and settles
 * nothing. The rows stay unsent, the next start of the app offers them again, and the server answers `duplicate`: sending
 * twice is harmless by the protocol, settling twice over in other code would not be. Pictures wait for the page.
 *
 * The server puts `self.BATON_PRECACHE = {version, files: [{url, sha256}]};` in front of this file.
 */
"use strict";

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const { version: VERSION, files: FILES } = worker.BATON_PRECACHE;
const PREFIX = "baton-shell-";
const CACHE = PREFIX + VERSION;
const CLIENTS = "baton-clients"; // which version each open page was started from; outlives this worker's memory
const SHELL = "/app/";
const LISTED = new Set(FILES.map(({ url }) => url));
const SYNC_TAG = "baton-outbox";
const CLIENT = "baton-worker/0.1.0"; // as in outbox/context.js

/** @type {Map<string, string>} client id → cache name */
const started = new Map();
/** @type {Map<string, Promise<Cache>>} opened once: a cold start asks for every module of the app */
const opened = new Map();
let isUntidy = true;
const QUIET_MS = 3000;

worker.addEventListener("install", (event) => event.waitUntil(install()));
worker.addEventListener("activate", (event) => event.waitUntil(activate()));
worker.addEventListener("message", (event) => {
  // a new version never takes over by itself: the page says when nothing is being captured
  if (event.data === "activate-now" || event.data?.type === "skip-waiting") void worker.skipWaiting();
});
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin) return;
  if (pathname.startsWith("/sync/") || pathname.startsWith("/office")) return;
  if (request.mode === "navigate") {
    if (pathname.startsWith(SHELL)) event.respondWith(shell(event));
  } else if (LISTED.has(pathname) || pathname.startsWith("/static/")) {
    event.respondWith(asset(event, pathname));
  }
});
worker.addEventListener("sync", (/** @type {Event} */ event) => {
  const { tag } = /** @type {SyncEvent} */ (event);
  if (tag === SYNC_TAG) /** @type {SyncEvent} */ (event).waitUntil(flush());
});

/* ---- the shell, whole and of one version ---- */

/** Fails as a whole when one file is not what the list says, so that half a version is never kept. */
async function install() {
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map((file) => keep(cache, file)));
}

/**
 * Takes a file from an older version where it is the same, else from the network, never from the browser's HTTP cache.
 * @param {Cache} cache
 * @param {{url:string, sha256:string}} file
 */
async function keep(cache, { url, sha256 }) {
  const known = url === SHELL ? undefined : await caches.match(url);
  if (known && (await digest(known.clone())) === sha256) return cache.put(url, known);
  const response = await fetch(new Request(url, { cache: "reload", redirect: "error" }));
  const isRight =
    url === SHELL
      ? (await response.clone().text()).includes(VERSION) // the shell carries its version, so it has no fixed digest
      : (await digest(response.clone())) === sha256;
  if (!response.ok || !isRight) throw new Error(`${url} is not of version ${VERSION}`);
  return cache.put(url, response);
}

/** @param {Response} response @returns {Promise<string>} */
async function digest(response) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await response.arrayBuffer()));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function activate() {
  await worker.clients.claim(); // a first visit is served offline from now on; the page reloads only if it had a worker
  await tidy();
}

/** Old versions go once no page uses them, and never while another version is arriving. */
async function tidy() {
  const { installing, waiting } = worker.registration;
  if (installing || waiting) return;
  const open = await worker.clients.matchAll({ includeUncontrolled: true, type: "all" });
  const book = await caches.open(CLIENTS);
  const used = new Set([CACHE]);
  const pages = new Set(open.map(({ id }) => clientKey(id)));
  for (const request of await book.keys()) {
    const { pathname } = new URL(request.url);
    if (pages.has(pathname)) used.add((await (await book.match(request))?.text()) ?? CACHE);
    else await book.delete(request);
  }
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && !used.has(name)) await caches.delete(name);
  }
}

/** @param {FetchEvent} event @returns {Promise<Response>} */
async function shell(event) {
  const { resultingClientId } = event;
  started.set(resultingClientId, CACHE);
  event.waitUntil(remember(resultingClientId));
  isUntidy = true;
  const kept = await (await cacheOf(CACHE)).match(SHELL);
  return kept ?? fetch(event.request);
}

/**
 * @param {FetchEvent} event
 * @param {string} pathname
 * @returns {Promise<Response>} from the version the asking page was started from
 */
async function asset(event, pathname) {
  const name = await versionOf(event.clientId);
  if (isUntidy) {
    isUntidy = false; // by its first file the page is there, and the one it replaced is gone
    event.waitUntil(quiet().then(tidy));
  }
  if (event.resultingClientId) started.set(event.resultingClientId, name); // a page's own worker is of its version
  const kept = await (await cacheOf(name)).match(pathname);
  return kept ?? fetch(event.request);
}

/** @returns {Promise<void>} when a start is surely over: nobody waits for tidying */
function quiet() {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}

/** @param {string} name @returns {Promise<Cache>} */
function cacheOf(name) {
  const cache = opened.get(name) ?? caches.open(name);
  opened.set(name, cache);
  return cache;
}

/** @param {string} id @returns {Promise<string>} cache name */
async function versionOf(id) {
  const known = started.get(id);
  if (known) return known;
  const noted = await (await caches.open(CLIENTS)).match(clientKey(id));
  const name = noted ? await noted.text() : CACHE;
  const isThere = name === CACHE || (await caches.has(name));
  started.set(id, isThere ? name : CACHE);
  return isThere ? name : CACHE;
}

/** @param {string} id */
async function remember(id) {
  await (await caches.open(CLIENTS)).put(clientKey(id), new Response(CACHE));
}

/** @param {string} id @returns {string} */
function clientKey(id) {
  return `${SHELL}client/${id}`;
}

/* ---- Background Sync: ask a page, or send without settling ---- */

const AT_ONCE = 100;
const BYTES_AT_ONCE = 500_000;
const DEADLINE_MS = 60_000;

/** @typedef {{device:string, token:string}} Identity */
/** @typedef {{device:string, seq:number, size:number, notBefore:number, parked:boolean}} Row */

async function flush() {
  const pages = await worker.clients.matchAll({ type: "window" });
  for (const page of pages) page.postMessage("flush");
  if (pages.some(({ visibilityState }) => visibilityState === "visible")) return;
  const db = await openDatabase();
  if (!db) return;
  try {
    const identities = /** @type {Identity[]} */ (await all(db, "identities"));
    for (const identity of identities) await sendAll(db, identity);
  } finally {
    db.close();
  }
}

/** @returns {Promise<IDBDatabase|null>} null when this phone has none (none is made) or another version has it */
function openDatabase() {
  return new Promise((resolve) => {
    const request = indexedDB.open("baton");
    request.onupgradeneeded = () => request.transaction?.abort();
    request.onerror = () => resolve(null);
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
  });
}

/**
 * @param {IDBDatabase} db
 * @param {string} store
 * @param {IDBKeyRange|IDBValidKey} [query]
 * @returns {Promise<any[]>}
 */
function all(db, store, query) {
  return new Promise((resolve, reject) => {
    const request = db.transaction(store).objectStore(store).getAll(query);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBDatabase} db @param {Identity} identity */
async function sendAll(db, identity) {
  const own = IDBKeyRange.bound([identity.device], [identity.device, []]);
  const rows = /** @type {Row[]} */ (await all(db, "outbox", own));
  const due = rows.filter(({ parked }) => !parked);
  for (let at = 0; at < due.length;) {
    const batch = take(due.slice(at));
    const events = [];
    for (const { seq } of batch) events.push((await all(db, "sealed", [identity.device, seq]))[0]);
    if (!(await send(identity, events, await report(db, own, rows)))) return;
    at += batch.length;
  }
}

/** @param {Row[]} rows @returns {Row[]} at least one */
function take(rows) {
  let bytes = 0;
  const end = rows.findIndex(({ size }, index) => {
    bytes += size;
    return index > 0 && (index === AT_ONCE || bytes > BYTES_AT_ONCE);
  });
  return end < 0 ? rows : rows.slice(0, end);
}

/**
 * @param {IDBDatabase} db
 * @param {IDBKeyRange} own
 * @param {Row[]} rows
 */
async function report(db, own, rows) {
  const [oldest] = rows.length > 0 ? await all(db, "events", [rows[0]?.device, rows[0]?.seq]) : [];
  const blobs = await all(db, "blobs", own);
  const [chain] = await all(db, "chains", own.lower[0]);
  return {
    unsent: rows.length,
    unsent_blobs: blobs.filter(({ state }) => state === "wanted" || state === "refused").length,
    oldest_at: oldest?.at ?? null,
    head_seq: chain?.seq ?? 0,
    storage: { usage: null, quota: null, persisted: false },
    client: CLIENT,
  };
}

/**
 * @param {Identity} identity
 * @param {{jws:string}[]} events
 * @param {object} queue
 * @returns {Promise<boolean>} false: leave the rest to the page
 * @throws when there is no Baton to be reached: the browser then tries again by itself
 */
async function send({ token }, events, queue) {
  const body = { sent_at: new Date().toISOString(), events: events.map(({ jws }) => jws), queue };
  const response = await fetch("/sync/v1/events", {
    method: "POST",
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(DEADLINE_MS),
    redirect: "error",
    cache: "no-store",
    credentials: "omit",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  });
  if (response.headers.get("Sync-Protocol") !== "1") throw new Error("no Baton at the other end");
  if (response.status === 429 || response.status >= 500) {
    throw new Error(`the server answered ${response.status}`);
  }
  return response.ok;
}
