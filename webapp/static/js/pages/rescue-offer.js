/**
 * The card that leads to the rescue file: there whenever something is not home, urgent when it cannot be sent.
 * @module
 */
import { count, t } from "../domain/words.js";
import { PhoneError } from "../domain/problems.js";
import { age, clockTime } from "../ui/format.js";
import { clone, el, part, text, textOrHide } from "../ui/template.js";

/** @import {MetaValues} from '../storage/meta.js' */
/** @import {App} from './context.js' */

/**
 * Fills the place named `rescue` on a screen; empty while everything is home.
 * @param {App} app
 * @param {HTMLElement} screen
 */
export async function showOffer(app, screen) {
  const { counts, isStuck } = app.shell;
  const open = counts.unsent + counts.unsentBlobs + counts.othersUnsent + counts.othersUnsentBlobs;
  const place = el(screen, "rescue");
  if (open + app.phone.lostStores.length === 0) {
    place.replaceChildren();
    return;
  }
  const box =
    place.firstElementChild instanceof HTMLElement ? place.firstElementChild : clone("rescue-offer");
  box.classList.toggle("shift", isStuck);
  if (isStuck) box.dataset.tone = "attention";
  else delete box.dataset.tone;
  part(box, "go", HTMLAnchorElement).classList.toggle("btn-primary", isStuck);
  text(
    box,
    "why",
    isStuck
      ? t(
          "Sending has been held up. Write what is waiting into a file and give that to your office; nothing is deleted by it.",
        )
      : t(
          "If this phone cannot send for long, its work can go to the office as a file. Nothing is deleted by it.",
        ),
  );
  if (!box.isConnected) place.replaceChildren(box);
  const latest = (await lastOf(app)).reduce(
    (/** @type {MetaValues['rescued']|null} */ a, b) => (a && a.at > b.at ? a : b),
    null,
  );
  textOrHide(box, "last", latest && lastWords(latest));
}

/** @param {App} app @returns {Promise<MetaValues['rescued'][]>} none where it cannot be told: the way to the file is what counts */
async function lastOf(app) {
  try {
    const standing = await (await app.phone.rescue()).standing();
    return standing.flatMap(({ last }) => (last ? [last] : []));
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    return [];
  }
}

/** @param {MetaValues['rescued']} last @returns {string} */
export function lastWords({ at, events, pictures, files, of }) {
  const some = files < of ? ` ${t("({files} of {of} files)", { files, of })}` : "";
  return t("Last put in a file {time}, {age}: {work}{some}", {
    time: clockTime(at),
    age: age(at),
    work: workWords(events, pictures),
    some,
  });
}

/** @param {number} events @param {number} pictures @returns {string} */
export function workWords(events, pictures) {
  return `${count(events, "handover")}, ${count(pictures, "picture")}`;
}
