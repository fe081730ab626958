/**
 * What this person chose for this phone: theme, sound and language. Small, not evidence, so localStorage is enough.
 * @module
 */

/** @typedef {'auto'|'light'|'dark'|'outdoor'} Theme */

/** @param {string} name @returns {string|null} */
function read(name) {
  try {
    return localStorage.getItem(`baton.${name}`);
  } catch {
    return null; // storage is closed: the default holds
  }
}

/** @param {string} name @param {string|null} value */
function write(name, value) {
  try {
    if (value === null) localStorage.removeItem(`baton.${name}`);
    else localStorage.setItem(`baton.${name}`, value);
  } catch {
    // storage is closed: the choice holds until the page is left
  }
}

/** @returns {Theme} */
export function theme() {
  const kept = document.documentElement.dataset.theme;
  return kept === "light" || kept === "dark" || kept === "outdoor" ? kept : "auto";
}

/** @param {Theme} choice */
export function setTheme(choice) {
  write("theme", choice === "auto" ? null : choice);
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  paintChrome();
}

/** Gives the browser's own bar the page's colour. */
export function paintChrome() {
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--bg").trim();
  document.querySelector('meta[name="theme-color"]')?.setAttribute("content", colour);
}

/** @returns {boolean} */
export function soundOn() {
  return read("sound") !== "off";
}

/** @returns {string|null} null: the phone's own */
export function language() {
  return read("language");
}

/** @param {string|null} code @returns {void} */
export function setLanguage(code) {
  write("language", code);
}

/** @param {boolean} on */
export function setSound(on) {
  write("sound", on ? null : "off");
}
