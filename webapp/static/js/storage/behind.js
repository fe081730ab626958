/**
 * Whether something that was promised to a person is in the first copy only: noted outside IndexedDB, for the day on which
 * the first copy does not open. A worker cannot note it; it promises nothing.
 * @module
 */

const KEY = "baton-behind";

/** @param {string} name of the second copy @param {boolean} isIt */
export function noteBehind(name, isIt) {
  const names = read();
  if (names.includes(name) === isIt) return;
  const others = names.filter((one) => one !== name);
  try {
    globalThis.localStorage?.setItem(KEY, JSON.stringify(isIt ? [...others, name] : others));
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // full, or forbidden: then no new store can be noted either
  }
}

/** @param {string} name of the second copy @returns {boolean} */
export function isBehind(name) {
  return read().includes(name);
}

/** @returns {string[]} */
function read() {
  try {
    const noted = JSON.parse(globalThis.localStorage?.getItem(KEY) ?? "[]");
    return Array.isArray(noted) ? noted.map(String) : [];
  } catch {
    return []; // somebody else's words, or a browser that refuses
  }
}
