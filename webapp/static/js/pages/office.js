/* The office's little script: keys for the review desk, large pictures, a word when a request fails. */

import { showTickAll } from "./office-ticks.js";
import { bringBack, keep } from "./office-unsent.js";

const say = document.getElementById("say");
let hideAt = 0;

/**
 * Shows one sentence for a while; screen readers hear it.
 * @param {string} text
 */
function tell(text) {
  if (!say) return;
  say.textContent = text;
  say.hidden = false;
  window.clearTimeout(hideAt);
  hideAt = window.setTimeout(() => {
    say.hidden = true;
  }, 8000);
}

document.addEventListener("htmx:sendError", () => {
  tell("The server cannot be reached. Nothing was changed; try again when the network is back.");
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {CustomEvent<{xhr: XMLHttpRequest}>} */ (event).detail;
  if (xhr.getResponseHeader("HX-Trigger")) return; // it has said why itself
  if (xhr.status === 401 || xhr.status === 403) {
    tell("You may not do this, or you are not signed in any more. Load the page again.");
  } else if (xhr.status === 429) tell("Too many tries in a short time. Wait a minute, then try again.");
  else tell("The server refused this. Load the page again to see how things stand.");
});
document.addEventListener("office:refused", (event) => {
  tell(/** @type {CustomEvent<{detail: string}>} */ (event).detail.detail);
});
// A session that ended answers with the door: show the whole page, not a door inside a table.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = /** @type {CustomEvent<{xhr: XMLHttpRequest}>} */ (event).detail;
  if (!xhr.responseURL.includes("/office/sign-in")) return;
  event.preventDefault();
  const { elt } = /** @type {CustomEvent<{requestConfig: {elt: Element}}>} */ (event).detail.requestConfig;
  const form = elt.closest("form") ?? document.activeElement?.closest("form"); // a poll can meet the door first
  if (form) keep(form);
  window.location.reload();
});

// What brings itself up to date waits while nobody looks, and while somebody stands in it with the keyboard, unless
// where they stand has an id: there htmx puts the focus back, as on a run's ticks.
document.addEventListener("htmx:beforeRequest", (event) => {
  const { elt } = /** @type {CustomEvent<{elt: Element}>} */ (event).detail;
  const at = document.activeElement;
  if (elt.matches("[data-live]") && (document.hidden || (at !== null && !at.id && elt.contains(at)))) {
    event.preventDefault();
  }
});

// A form that was sent is not sent again by the second half of a double press. One that opens another page, or whose
// answer is a file, leaves this page standing: after a while it may be pressed again.
const AGAIN_MS = 5000;
/** @type {WeakMap<HTMLFormElement, {at: number, by: HTMLElement|null}>} */
const sent = new WeakMap();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== "post" || event.defaultPrevented) return;
  const now = performance.now();
  const last = sent.get(form);
  if (last && now - last.at < AGAIN_MS && last.by === event.submitter) event.preventDefault();
  else sent.set(form, { at: now, by: event.submitter });
});

// What was filled in waits for the page's next load, in case this one ends at the door or on an error page.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form instanceof HTMLFormElement && form.method === "post" && !event.defaultPrevented) keep(form);
});
const cameBack = bringBack();
if (cameBack) tell(cameBack);
showTickAll();

// The list of pages is longer than a low screen: begin where this page stands in it, with one more below.
const menu = document.getElementById("menu");
function showWhereWeAre() {
  const here = menu?.querySelector("[aria-current]");
  const who = menu?.querySelector(".who");
  if (!menu || !(here instanceof HTMLElement)) return;
  const below = who instanceof HTMLElement ? who.offsetHeight : 0;
  menu.scrollTop = here.offsetTop + 2 * here.offsetHeight + below - menu.clientHeight;
}
menu?.addEventListener("toggle", showWhereWeAre);
showWhereWeAre();

// A form that came back refused is a new page: begin where it is wrong.
const refused = document.querySelector('#main [aria-invalid="true"]');
if (refused instanceof HTMLElement) refused.focus();

/** True where letters are meant as text. */
function isTyping() {
  const at = document.activeElement;
  return (
    at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement
  );
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    leave();
    return;
  }
  if (isTyping()) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!(target instanceof HTMLElement)) return;
  event.preventDefault();
  if (!isUnseen(target)) press(target);
});

// After a verdict the next proof lies under the same keys and buttons: the second half of a double press must not judge
// what nobody has looked at.
const LOOK_MS = 500;
let judgeFrom = 0;
document.addEventListener("htmx:afterSwap", () => {
  judgeFrom = performance.now() + LOOK_MS;
});
document.addEventListener(
  "click",
  (event) => {
    if (!(event.target instanceof Element) || !isUnseen(event.target)) return;
    event.preventDefault();
    event.stopPropagation();
  },
  { capture: true },
);

/**
 * True for a verdict on a proof that has only just come.
 * @param {Element} target
 */
function isUnseen(target) {
  return performance.now() < judgeFrom && target.closest(".verdict") !== null;
}

/**
 * A field is gone to, a fold is opened and its first field gone to, anything else is pressed.
 * @param {HTMLElement} target
 */
function press(target) {
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    const field = target.querySelector("select, textarea, input:not([type=hidden])");
    if (field instanceof HTMLElement) field.focus();
  } else if (target instanceof HTMLInputElement) {
    target.focus();
    target.select();
  } else {
    target.click();
  }
}

/** Escape leaves a field, so that the keys work again, and folds what a key had opened. */
function leave() {
  const at = document.activeElement;
  if (!(at instanceof HTMLElement) || at === document.body) return;
  const fold = at.closest("details[data-key]");
  if (fold instanceof HTMLDetailsElement) fold.open = false;
  if (fold || isTyping()) at.blur();
}

// What was refused gets the focus. A new proof under the same keys: begin at its top, let a screen reader say what it
// is, fetch the next one's pictures. What comes by itself, or while somebody types elsewhere, takes nobody's focus.
document.addEventListener("htmx:afterSettle", (event) => {
  const came = event.target;
  if (!(came instanceof Element) || came.closest("[data-live]")) return;
  const within = (/** @type {string} */ what) => (came.matches(what) ? came : came.querySelector(what));
  const wrong = within('[aria-invalid="true"]');
  const heading = within("[data-announce]");
  const done = within("[data-say]");
  if (wrong instanceof HTMLElement) {
    wrong.focus();
  } else if (heading instanceof HTMLElement) {
    heading.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  } else if (done instanceof HTMLElement) {
    done.focus({ preventScroll: true });
    tell(done.innerText.trim());
  }
  prefetch();
});

/** Pictures in a template sleep; a copy in this document loads them into the browser's store. */
function prefetch() {
  const sleeping = document.querySelector("template[data-prefetch]");
  if (sleeping instanceof HTMLTemplateElement) document.importNode(sleeping.content, true);
}
prefetch();

// Pictures open large on the page; without this script the link opens them alone.
const zoom = /** @type {HTMLDialogElement | null} */ (document.getElementById("zoom"));
const large = zoom?.querySelector("img");
/** @type {HTMLAnchorElement[]} */
let shown = [];
let at = 0;

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-zoom]") : null;
  if (!zoom || !(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) {
    return;
  }
  event.preventDefault();
  shown = [...document.querySelectorAll("a[data-zoom]")].filter((it) => it instanceof HTMLAnchorElement);
  show(shown.indexOf(link));
  zoom.showModal();
});

/** @param {number} index */
function show(index) {
  if (!zoom || !large) return;
  at = (index + shown.length) % shown.length;
  const link = shown[at];
  large.src = link.href;
  large.alt = link.querySelector("img")?.alt ?? link.innerText;
  zoom.classList.toggle("zoom-sign", link.classList.contains("sign"));
}

zoom?.addEventListener("click", (event) => {
  const step = event.target instanceof Element ? event.target.closest("button")?.dataset.step : undefined;
  if (step) show(at + Number(step));
  else zoom.close();
});
zoom?.addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight") show(at + 1);
  if (event.key === "ArrowLeft") show(at - 1);
});
zoom?.addEventListener("close", () => {
  large?.removeAttribute("src");
  shown[at]?.focus();
});
