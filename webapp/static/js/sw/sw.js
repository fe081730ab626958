/**
 * The service worker of the phone: the shell starts with no network, whole and of one version.
 *
 * Classic on purpose (module workers are too young in Firefox). For Background Sync it takes in the outbox's own modules,
 * which the server puts together as one classic script: fetched while this version is installed, and looked into only when
 * the browser wakes the worker to send. A page's requests that are no GET are never touched here.
 *
 * The server puts `self.BATON_PRECACHE = {version, files: [{url, sha256}], outbox};` in front of this file.
 */
"use strict";

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const { version: VERSION, files: FILES, outbox: OUTBOX_DIGEST } = worker.BATON_PRECACHE;
const PREFIX = "baton-shell-";
const CACHE = PREFIX + VERSION;
const CLIENTS = "baton-clients"; // which version each open page was started from; outlives this worker's memory
const SHELL = "/app/";
const LISTED = new Set(FILES.map(({ url }) => url));
const SYNC_TAG = "baton-outbox";
const OUTBOX = "/app/outbox.js";

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
  if ("sync" in worker.registration) takeInOutbox(); // from now on the browser keeps it with this worker
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
  await noteFirst();
  await worker.clients.claim(); // a first visit is served offline from now on; the page reloads only if it had a worker
  await tidy();
}

/** A page of the first visit came by the network: it is of this version too, and stays so under the next one. */
async function noteFirst() {
  const shells = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  if (shells.length !== 1) return;
  const open = await worker.clients.matchAll({ includeUncontrolled: true, type: "window" });
  for (const { id, url } of open) {
    if (new URL(url).pathname.startsWith(SHELL)) await remember(id);
  }
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

/* ---- pushes: what the office wants done, told with the app closed ---- */

worker.addEventListener("push", (event) => event.waitUntil(tell(event.data)));
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage(String(event.notification.data?.path ?? SHELL)));
});

/**
 * Always shows something: a browser takes pushes away from whoever stays silent. The same tag replaces, so that what was
 * sent twice is seen once. Open pages fetch their list, so that it says the same.
 * @param {PushMessageData|null} data
 */
async function tell(data) {
  const told = readPush(data);
  for (const page of await worker.clients.matchAll({ type: "window" })) page.postMessage("flush");
  await worker.registration.showNotification(told.title, {
    body: told.for ? `${told.for}: ${told.body}` : told.body,
    tag: told.tag,
    icon: "/static/icons/icon-192.png",
    badge: "/static/icons/icon-192.png",
    data: { path: told.path },
  });
}

/** @param {PushMessageData|null} data @returns {{title:string, body:string, for:string, tag:string, path:string}} */
function readPush(data) {
  const usual = {
    title: "Baton",
    body: "The office has something for you.",
    for: "",
    tag: "baton",
    path: SHELL,
  };
  try {
    return { ...usual, ...data?.json() };
  } catch {
    return usual; // it is none of ours, and must be shown all the same
  }
}

/** @param {string} path */
async function openPage(path) {
  const { origin, pathname, hash } = new URL(path, worker.location.origin);
  const isOurs = origin === worker.location.origin && pathname === SHELL;
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => new URL(url).pathname === SHELL);
  if (!page) return void (await worker.clients.openWindow(SHELL + (isOurs ? hash : "")));
  await page.focus();
  if (isOurs && hash) page.postMessage({ type: "go", hash });
}

/* ---- Background Sync: events and pictures go home with the app closed ---- */

/** A script may be fetched only while installing; it must be of this version. */
function takeInOutbox() {
  worker.importScripts(OUTBOX);
  const isRight = worker.BATON_OUTBOX?.digest === OUTBOX_DIGEST;
  if (!isRight) throw new Error(`${OUTBOX} is not of version ${VERSION}`);
}

/**
 * A page in sight does it better: its person sees how it goes. Any other is told too, it may be asleep.
 * @returns {Promise<void>} rejects when work is left that a later try may send: the browser then tries again
 */
async function flush() {
  const pages = await worker.clients.matchAll({ type: "window" });
  for (const page of pages) page.postMessage("flush");
  if (pages.some(({ visibilityState }) => visibilityState === "visible")) return;
  if (!worker.BATON_OUTBOX) takeInOutbox();
  await worker.BATON_OUTBOX?.load().flushInBackground();
}
