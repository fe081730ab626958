/**
 * Telling a person who does not look at the screen: polite or at once.
 * @module
 */

/**
 * @param {string} id of the live region
 * @param {string} words
 */
function put(id, words) {
  const region = document.getElementById(id);
  if (!region) return;
  region.textContent = "";
  // The same words twice are only spoken twice when the region was empty in between.
  requestAnimationFrame(() => {
    region.textContent = words;
  });
}

/** @param {string} words */
export function say(words) {
  put("say", words);
}

/** @param {string} words */
export function shout(words) {
  put("shout", words);
}
