/**
 * Hash routes to screens: one mounted at a time, focus on its heading, nothing fetched.
 * @module
 */
import { closeAll } from "./sheet.js";

/**
 * @typedef {object} Mounted
 * @property {() => void} [leave]     stop what the screen started
 * @property {() => void} [refresh]   the phone's data changed
 */
/** @typedef {(root: HTMLElement, params: string[], query: URLSearchParams) => Mounted|void} Mount */
/** @typedef {{name:string, pattern:RegExp, load:() => Promise<Mount>}} Route */

/** The rest is fetched when the first screen has had this long to itself. */
const BREATH_MS = 400;

/** Events: `show` before a screen is mounted, `lost` when its code cannot be had. */

export class Router extends EventTarget {
  /** @type {Route[]} */ #routes;
  /** @type {HTMLElement} */ #outlet;
  /** @type {Mounted} */ #mounted = {};
  /** @type {() => string|null} */ #detour;
  /** @type {Map<string, Mount>} */ #loaded = new Map();
  #turn = 0;
  /** The name of the screen in sight. */
  current = "";

  /**
   * @param {HTMLElement} outlet
   * @param {Route[]} routes first match wins
   * @param {() => string|null} detour a hash that must be shown instead (not enrolled yet), or null
   */
  constructor(outlet, routes, detour) {
    super();
    this.#outlet = outlet;
    this.#routes = routes;
    this.#detour = detour;
  }

  /** Shows the address's screen and follows it from now on. */
  start() {
    addEventListener("hashchange", () => this.#show(true));
    this.#show(false);
    setTimeout(() => void this.#loadRest(), BREATH_MS);
  }

  /** Tells the screen in sight that the phone's data changed. */
  refresh() {
    this.#mounted.refresh?.();
  }

  /** Puts away the screen in sight, at once; the next is shown by `again` or by another address. */
  leave() {
    this.#turn += 1;
    closeAll();
    this.#mounted.leave?.();
    this.#mounted = {};
    this.#outlet.replaceChildren();
  }

  /** Shows the address's screen anew. */
  again() {
    this.#show(true);
  }

  /** @param {boolean} focus move the focus to the heading (not at the first screen, where nobody asked) */
  #show(focus) {
    const detour = this.#detour();
    if (detour && !location.hash.startsWith(detour)) {
      location.replace(detour);
      return;
    }
    const [path = "", search = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const route = this.#routes.find(({ pattern }) => pattern.test(path));
    if (!route) {
      location.replace("#/");
      return;
    }
    this.leave();
    this.current = route.name;
    this.dispatchEvent(new CustomEvent("show", { detail: route.name }));
    const params = (route.pattern.exec(path) ?? []).slice(1).map(decoded);
    const turn = ++this.#turn;
    const put = (/** @type {Mount} */ mount) => {
      if (turn !== this.#turn) return; // somebody has gone on meanwhile
      this.#mounted = mount(this.#outlet, params, new URLSearchParams(search)) ?? {};
      performance.mark(`screen:${route.name}`); // what a slow start is measured by
      if (focus) document.getElementById("title")?.focus({ preventScroll: true });
    };
    const ready = this.#loaded.get(route.name);
    if (ready) put(ready);
    else void this.#load(route).then((mount) => mount && put(mount));
  }

  /** @param {Route} route @returns {Promise<Mount|null>} */
  async #load(route) {
    try {
      const mount = await route.load();
      this.#loaded.set(route.name, mount);
      return mount;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // what an import throws when there is no network
      this.dispatchEvent(new Event("lost"));
      return null;
    }
  }

  async #loadRest() {
    for (const route of this.#routes) {
      if (!this.#loaded.has(route.name)) {
        await route.load().then(
          (mount) => this.#loaded.set(route.name, mount),
          () => undefined,
        );
      }
    }
  }
}

/** @param {string|undefined} part @returns {string} as it stands when it is no proper escape */
function decoded(part = "") {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {string} hash */
export function go(hash) {
  if (location.hash === hash) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = hash;
}

/** Goes on without leaving this screen behind the back key. @param {string} hash */
export function goInstead(hash) {
  location.replace(hash);
}
