/**
 * The words of the screens in the language of whoever holds the phone. The English ones in the code are the keys; a language
 * is a table from them to its own, kept beside the code in `static/words`. What a table lacks is said in English.
 * @module
 */

/** @typedef {Record<string, string|number>} Fills what stands for each `{name}` */

/** @type {Map<string, string>} */
let table = new Map();
/** @type {string[]} */
let spoken = [];

/**
 * From now on everything is said so.
 * @param {string|null} language BCP 47; null is English, with the browser's own way of writing times
 * @param {Record<string, string>} [words] English to that language
 */
export function speak(language, words = {}) {
  table = new Map(Object.entries(words));
  spoken = language === null ? [] : [language];
}

/** @returns {string[]} what `Intl` is to write in: nothing said means the browser's own */
export function tongue() {
  return spoken;
}

/** @returns {boolean} the words as they stand in the code are right */
export function isEnglish() {
  return table.size === 0;
}

/**
 * @param {string} english as it stands in the code: the key
 * @param {Fills} [fills]
 * @returns {string} in the language that is spoken
 */
export function t(english, fills = {}) {
  return filled(wordsFor(english) ?? english, fills);
}

/**
 * A number with its noun. A language with two forms has them as `one|many`, one with a single form has it alone.
 * @param {number} n
 * @param {string} one
 * @param {string} [many]
 * @returns {string} `1 parcel`, `3 parcels`
 */
export function count(n, one, many = `${one}s`) {
  const forms = (wordsFor(`{n} ${many}`) ?? `{n} ${one}|{n} ${many}`).split("|");
  return filled((n === 1 ? forms[0] : forms.at(-1)) ?? "", { n });
}

/** @param {string} english @returns {string|null} */
function wordsFor(english) {
  return table.get(english) ?? null;
}

/** @param {string} words @param {Fills} fills @returns {string} */
function filled(words, fills) {
  return words.replace(/\{(\w+)\}/g, (whole, name) => String(fills[name] ?? whole));
}
