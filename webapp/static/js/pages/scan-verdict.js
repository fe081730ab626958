/**
 * What was just scanned, in colour, sign, word and voice: read at arm's length, heard without looking.
 * @module
 */
import { count, t } from "../domain/words.js";
import { say, shout } from "../ui/announce.js";
import { DOT, codeText } from "../ui/format.js";
import { el, setIcon, text } from "../ui/template.js";

/** @import {Verdict} from '../domain/types.js' */

/** @typedef {'go'|'again'|'warn'|'stop'} Look */

/** @type {Record<Look, string>} */
const ICONS = { go: "circle-check", again: "check-check", warn: "triangle-alert", stop: "ban" };

/** @param {Verdict} verdict @returns {Look} a stray barcode is no alarm: nothing is wrong with any parcel */
export function cueOf({ verdict, tone }) {
  if (verdict === "again") return "again";
  return verdict === "invalid" ? "warn" : tone;
}

/** @param {HTMLElement} screen @param {Verdict} verdict */
export function showVerdict(screen, verdict) {
  const { word, code, parcel, looksLike } = verdict;
  const look = cueOf(verdict);
  const box = el(screen, "verdict");
  box.dataset.tone = look;
  setIcon(box, "verdict-icon", verdict.verdict === "invalid" ? "circle-help" : ICONS[look]);
  text(box, "verdict-word", t(word));
  const pieces = parcel && parcel.count > 1 ? count(parcel.count, "piece") : null;
  const to = parcel?.recipient ? `${parcel.recipient.name}, ${parcel.recipient.address}` : parcel?.place;
  const whose = looksLike ? t("looks like {carrier}", { carrier: looksLike }) : null;
  const about = [whose, to, pieces].filter(Boolean);
  text(box, "verdict-code", code ? codeText(code) : "");
  text(box, "verdict-about", [code ? "" : t("No code of a parcel"), ...about].join(DOT));
  el(box, "verdict-flag").hidden = !parcel?.fragile;
  el(box, "verdict-danger").hidden = !parcel?.dangerous;
  box.classList.remove("is-new");
  void box.offsetWidth; // lets the same flash run again
  box.classList.add("is-new");
  speak(verdict, look);
}

/** @param {Verdict} verdict @param {Look} look */
function speak({ word, code, parcel }, look) {
  const ending = code ? ` ${t("Ends in {end}.", { end: code.slice(-4).split("").join(" ") })}` : "";
  const words = `${t(word)}.${ending}${parcel?.fragile ? ` ${t("Fragile")}.` : ""}${parcel?.dangerous ? ` ${t("Dangerous goods")}.` : ""}`;
  if (look === "stop") shout(words);
  else say(words);
}

/** @param {HTMLElement} screen @param {string} code */
export function showTakenOff(screen, code) {
  const box = el(screen, "verdict");
  box.dataset.tone = "none";
  setIcon(box, "verdict-icon", "undo-2");
  text(box, "verdict-word", t("Taken off"));
  text(box, "verdict-code", codeText(code));
  text(box, "verdict-about", "");
  el(box, "verdict-flag").hidden = true;
  el(box, "verdict-danger").hidden = true;
}
