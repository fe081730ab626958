/**
 * One photo, large, to be kept or deleted and taken again.
 * @module
 */
import { t } from "../domain/words.js";
import { codeText } from "../ui/format.js";
import { open } from "../ui/sheet.js";
import { clone, on, part, text, textOrHide } from "../ui/template.js";

/** @import {OpenPhoto} from './flow.js' */

/**
 * @param {OpenPhoto} entry
 * @param {number} index from 0
 * @param {string} url of its bytes
 * @param {string|null} hint why it may not do
 * @returns {Promise<boolean>} false: it is to be deleted
 */
export async function viewPhoto(entry, index, url, hint) {
  const dialog = clone("view");
  const name = t("Photo {n}", { n: index + 1 });
  text(dialog, "title", entry.parcel ? `${name} · ${codeText(entry.parcel)}` : name);
  textOrHide(dialog, "hint", hint);
  part(dialog, "img", HTMLImageElement).src = url;
  const close = (/** @type {string} */ value) => () =>
    dialog instanceof HTMLDialogElement && dialog.close(value);
  on(dialog, "delete", "click", close("delete"));
  on(dialog, "keep", "click", close("keep"));
  return (await open(dialog)) !== "delete";
}
