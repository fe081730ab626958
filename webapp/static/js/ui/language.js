/**
 * Which language the screens speak: the one chosen on Me, else the phone's own where there is a table for it, else English.
 * @module
 */
import { speak } from "../domain/words.js";
import { language } from "./settings.js";
import { inWords } from "./template.js";

/** Those there are, in their own words: code, name, table. @type {[string, string, URL|null][]} */
export const LANGUAGES = [
  ["en", "English", null],
  ["id", "Bahasa Indonesia", new URL("../../words/id.json", import.meta.url)],
  ["ms", "Bahasa Melayu", new URL("../../words/ms.json", import.meta.url)],
  ["vi", "Tiếng Việt", new URL("../../words/vi.json", import.meta.url)],
  ["th", "ไทย", new URL("../../words/th.json", import.meta.url)],
  ["fil", "Filipino", new URL("../../words/fil.json", import.meta.url)],
  ["zh", "中文", new URL("../../words/zh.json", import.meta.url)],
];
/** A line that hangs leaves English. The worker, once there, answers at once. */
const LONGEST_MS = 4000;
/** Older names that browsers still say. @type {Record<string, string>} */
const OLDER = { in: "id", tl: "fil" };

/**
 * @param {string|null} chosen
 * @param {readonly string[]} own the phone's languages, the best first
 * @returns {string} a code of LANGUAGES
 */
export function spokenBy(chosen, own) {
  const codes = LANGUAGES.map(([code]) => code);
  const asked = [chosen ?? "", ...own].map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return asked.map((code) => OLDER[code] ?? code).find((code) => codes.includes(code)) ?? "en";
}

/** @param {unknown} words @returns {words is Record<string, string>} */
function isTable(words) {
  if (typeof words !== "object" || words === null || Array.isArray(words)) return false;
  return Object.values(words).every((said) => typeof said === "string");
}

/**
 * How `Intl` is to write in a language: as the phone's own of it, with its region.
 * @param {string} code
 * @param {readonly string[]} own
 * @returns {string|null} null: as the browser does by itself, which is what English has
 */
export function tagOf(code, own) {
  if (code === "en") return null;
  return own.find((tag) => tag.toLowerCase().split("-")[0] === code) ?? code;
}

/**
 * Learns the table and puts the shell into its words. What cannot be had, or not soon, leaves English: no work waits for words.
 * @returns {Promise<void>} never rejected
 */
export async function learn() {
  try {
    const code = spokenBy(language(), navigator.languages);
    const [, , table = null] = LANGUAGES.find(([known]) => known === code) ?? [];
    const words = table ? await read(table) : {};
    speak(tagOf(code, navigator.languages), words);
    if (!table) return;
    document.documentElement.lang = code;
    inWords(document.body);
  } catch {
    speak(null);
  }
}

/** @param {URL} table @returns {Promise<Record<string, string>>} */
async function read(table) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LONGEST_MS); // AbortSignal.timeout is younger than some browsers that must be told so
  try {
    const answer = await fetch(table, { signal: stop.signal });
    const words = answer.ok ? await answer.json() : null;
    if (!isTable(words)) throw new Error(`no table at ${table.pathname}`);
    return words;
  } finally {
    clearTimeout(timer);
  }
}
