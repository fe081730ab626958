/**
 * Hash routes to screens: one mounted at a time, focus on its heading, nothing fetched.
 * @module
 */

/**
 * @typedef {object} Mounted
 * @property {() => void} [leave]     stop what the screen started
 * @property {() => void} [refresh]   the phone's data changed
 */
/** @typedef {(root: HTMLElement, params: string[], query: URLSearchParams) => Mounted|void} Mount */
/** @typedef {{name:string, pattern:RegExp, mount:Mount}} Route */

export class Router extends EventTarget {
  /** @type {Route[]} */ #routes;
  /** @type {HTMLElement} */ #outlet;
  /** @type {Mounted} */ #mounted = {};
  /** @type {() => string|null} */ #detour;
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
  }

  /** Tells the screen in sight that the phone's data changed. */
  refresh() {
    this.#mounted.refresh?.();
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
    this.#mounted.leave?.();
    this.#outlet.replaceChildren();
    this.current = route.name;
    this.dispatchEvent(new CustomEvent("show", { detail: route.name }));
    const params = (route.pattern.exec(path) ?? []).slice(1).map((part) => decodeURIComponent(part ?? ""));
    this.#mounted = route.mount(this.#outlet, params, new URLSearchParams(search)) ?? {};
    if (focus) document.getElementById("title")?.focus({ preventScroll: true });
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
