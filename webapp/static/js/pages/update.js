/**
 * A new version waits until the person says so, never under work that is not sealed.
 * @module
 */

/** @type {ServiceWorkerRegistration|null} */
let registration = null;

function tell() {
  dispatchEvent(new Event("baton-update"));
}

/**
 * Loads the page anew under the version that took over, once nothing is being captured in this tab: until then it goes on
 * with its own, whose files the worker keeps.
 * @param {() => boolean} isFree
 */
function reloadWhen(isFree) {
  if (isFree()) location.reload();
  else addEventListener("hashchange", () => reloadWhen(isFree), { once: true });
}

/**
 * Registers the worker and watches for the next version.
 * @param {() => boolean} isFree nothing unsealed is open in this tab
 */
export function watchUpdates(isFree) {
  const container = navigator.serviceWorker;
  if (!container) return; // private mode in some browsers: online only, and Me says so
  let had = container.controller !== null;
  container.addEventListener("controllerchange", () => {
    if (had) reloadWhen(isFree); // only after `applyUpdate`: the worker never takes over by itself
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
