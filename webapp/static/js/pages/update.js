/**
 * A new version waits until the person says so, never under work that is not sealed.
 * @module
 */

/** @type {ServiceWorkerRegistration|null} */
let registration = null;

function tell() {
  dispatchEvent(new Event("baton-update"));
}

/** Registers the worker and watches for the next version. */
export function watchUpdates() {
  const container = navigator.serviceWorker;
  if (!container) return; // private mode in some browsers: online only, and Me says so
  let had = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    if (had) location.reload(); // only after `applyUpdate`: the worker never takes over by itself
    had = true; // the first one of all took the page as it is; the next is an update
  });
  container.register("/app/sw.js", { scope: "/app/", updateViaCache: "none" }).then(
    (found) => {
      if (!found) return; // a browser told to keep no worker says yes and gives none
      registration = found;
      if (found.waiting) tell();
      found.addEventListener("updatefound", () => found.installing?.addEventListener("statechange", tell));
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "visible") found.update().catch(() => undefined); // offline: next time
      });
    },
    () => undefined,
  ); // no worker: everything works while there is a network
}

/** @returns {boolean} */
export function updateIsReady() {
  return Boolean(registration?.waiting && registration.active);
}

/** Lets the waiting version take over; the page then loads anew. */
export function applyUpdate() {
  registration?.waiting?.postMessage({ type: "skip-waiting" });
}

/** @returns {string} the version on the screen */
export function version() {
  return document.querySelector('meta[name="baton-version"]')?.getAttribute("content") ?? "";
}
