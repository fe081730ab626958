/* What was filled into a form that met the door or an error page waits in this tab, and comes back to its fields. */

const UNSENT = "baton-unsent";
const NEVER = new Set(["hidden", "submit", "button", "reset", "image"]); // the page has them by itself
const LOST = new Set(["password", "file"]); // not to be kept, or not to be put back

/** @typedef {HTMLTextAreaElement | HTMLInputElement | HTMLSelectElement} Field */
/** @typedef {{id: string, name: string, value: string, isOn: boolean|null}} Kept one field; `isOn` of ticks and radios */

/**
 * Keeps what a form holds, in place of what was kept before.
 * @param {HTMLFormElement} form
 */
export function keep(form) {
  if (document.body.classList.contains("plain")) return;
  const fields = fieldsOf(form);
  if (!fields.some(isFilled)) {
    window.sessionStorage.removeItem(UNSENT);
    return;
  }
  const isPart = fields.some((field) => LOST.has(field.type) && field.value !== "");
  const kept = fields.filter((field) => !LOST.has(field.type)).map(keptOf);
  window.sessionStorage.setItem(UNSENT, JSON.stringify({ ...whereAndWho(form), kept, isPart }));
}

/**
 * On the door and on an error page it goes on waiting; on its own page it is put back, once; elsewhere it goes.
 * @returns {string} what to tell about it; "" where nothing came back
 */
export function bringBack() {
  const held = window.sessionStorage.getItem(UNSENT);
  if (!held) return "";
  const unsent = JSON.parse(held);
  if (document.body.classList.contains("plain")) {
    window.sessionStorage.setItem(UNSENT, JSON.stringify({ ...unsent, isStranded: true }));
    return "";
  }
  window.sessionStorage.removeItem(UNSENT);
  // Somebody else's words are theirs, and the same page may show another proof by now.
  const isHere = unsent.path === window.location.pathname && unsent.me === document.body.dataset.me;
  if (!unsent.isStranded || !isHere || !unsent.kept) return "";
  const forms = [...document.forms].filter((form) => actionOf(form) === unsent.action);
  return tellOf(unsent, forms.flatMap(fieldsOf));
}

/**
 * @param {{kept: Kept[], isPart: boolean}} unsent
 * @param {Field[]} fields
 */
function tellOf(unsent, fields) {
  const gone = unsent.kept.filter((kept) => !putBack(kept, fields));
  if (gone.length === unsent.kept.length) return "";
  return unsent.isPart || gone.some((kept) => kept.isOn !== false) // what was not ticked and is gone is no loss
    ? "Not all of what you had filled in is back. Look at every field, then send it again."
    : "What you had filled in is back in its fields. Look at it, then send it again.";
}

/**
 * @param {HTMLFormElement} form
 * @returns {Field[]}
 */
function fieldsOf(form) {
  return [...form.elements]
    .filter(isField)
    .filter((field) => !NEVER.has(field.type) && !field.matches(":disabled"));
}

/**
 * @param {Element} field
 * @returns {field is Field}
 */
function isField(field) {
  return (
    field instanceof HTMLTextAreaElement ||
    field instanceof HTMLInputElement ||
    field instanceof HTMLSelectElement
  );
}

/**
 * @param {Field} field
 * @returns {field is HTMLInputElement}
 */
function isTick(field) {
  return field.type === "checkbox" || field.type === "radio";
}

/**
 * True where a field says something that the bare page would not: words, a tick, another choice.
 * @param {Field} field
 */
function isFilled(field) {
  if (isTick(field)) return field.checked !== field.defaultChecked;
  if (!(field instanceof HTMLSelectElement)) return field.value.trim() !== "" || field.defaultValue !== "";
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(first, 0);
}

/**
 * @param {Field} field
 * @returns {Kept}
 */
function keptOf(field) {
  const isOn = isTick(field) ? field.checked : null;
  return { id: field.id, name: field.name, value: field.value, isOn };
}

/**
 * Puts one field back. A tick is known by its value too: the same place in a list may be another thing's by now.
 * @param {Kept} kept
 * @param {Field[]} fields
 */
function putBack(kept, fields) {
  const field = fields.find(
    (it) => it.id === kept.id && it.name === kept.name && (!isTick(it) || it.value === kept.value),
  );
  if (!field) return false;
  if (isTick(field)) field.checked = kept.isOn === true;
  else field.value = kept.value;
  if (isFilled(field)) unfold(field);
  return isTick(field) || field.value === kept.value; // a choice that is gone leaves its list empty
}

/** @param {Field} field */
function unfold(field) {
  let fold = field.closest("details");
  while (fold) {
    fold.open = true;
    fold = fold.parentElement?.closest("details") ?? null;
  }
}

/** @param {HTMLFormElement} form */
function whereAndWho(form) {
  return { path: window.location.pathname, action: actionOf(form), me: document.body.dataset.me };
}

/** @param {HTMLFormElement} form */
function actionOf(form) {
  return form.getAttribute("action") ?? form.getAttribute("hx-post") ?? "";
}
