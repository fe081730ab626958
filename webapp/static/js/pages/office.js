/* The office's little script: keys for the review desk, a word when a request fails, the menu closed after a step. */

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
  if (xhr.status === 401 || xhr.status === 403) tell("You are not signed in any more. Load the page again to sign in.");
  else if (xhr.status === 429) tell("Too many tries in a short time. Wait a minute, then try again.");
  else tell("The server refused this. Load the page again to see how things stand.");
});

/** True where letters are meant as text. */
function isTyping() {
  const at = document.activeElement;
  return at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement || at instanceof HTMLSelectElement;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape") return leave();
  if (isTyping() || document.querySelector("dialog[open]")) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!(target instanceof HTMLElement)) return;
  event.preventDefault();
  press(target);
});

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

// A new proof under the same keys: begin at its top and let a screen reader say what it is.
document.addEventListener("htmx:afterSettle", (event) => {
  const part = /** @type {CustomEvent<{elt: Element}>} */ (event).detail.elt;
  const heading = part.querySelector("[data-announce]");
  if (heading instanceof HTMLElement) heading.focus({ preventScroll: false });
});
