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

/** Learns the table and puts the shell into its words. A table that cannot be had leaves English: no work waits for words. */
export async function learn() {
  const chosen = language();
  const code = spokenBy(chosen, navigator.languages);
  const [, , table = null] = LANGUAGES.find(([known]) => known === code) ?? [];
  if (!table) {
    if (chosen) speak(code);
    return;
  }
  try {
    const answer = await fetch(table);
    if (!answer.ok) return;
    speak(code, /** @type {Record<string, string>} */ (await answer.json()));
  } catch {
    return;
  }
  document.documentElement.lang = code;
  inWords(document.body);
}
