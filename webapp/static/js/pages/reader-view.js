/**
 * Says on Scan and Enrol that tags cannot be read by camera just now, and how to go on.
 * @module
 */
import { t } from "../domain/words.js";
import { say } from "../ui/announce.js";
import { el, text } from "../ui/template.js";

/** @import {Decoder} from '../capture/decoder.js' */

/**
 * @param {HTMLElement} screen
 * @param {Decoder} decoder
 * @param {string} wayOut what can be done without it, here
 * @returns {() => void} leave
 */
export function showReader(screen, decoder, wayOut) {
  const update = () => {
    el(screen, "reader").hidden = !decoder.isBroken;
    if (decoder.isBroken) say(t("The camera reads no codes now. {wayOut}", { wayOut }));
  };
  text(screen, "reader-text", wayOut);
  const retry = () => decoder.retry();
  el(screen, "reader-retry").addEventListener("click", retry);
  decoder.addEventListener("health", update);
  update();
  return () => {
    el(screen, "reader-retry").removeEventListener("click", retry);
    el(screen, "reader").hidden = true;
    decoder.removeEventListener("health", update);
  };
}
