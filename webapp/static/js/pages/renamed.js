/**
 * A list that comes while a handover is being made may know its parcels by other names: the same on Scan, Photo and Sign.
 * @module
 */
import { t } from "../domain/words.js";
import { toast } from "../ui/toast.js";
import { isAgreed, renameScans } from "./scans.js";

/** @import {App} from './context.js' */

/**
 * @param {App} app
 * @returns {boolean} the handover's parcels are called otherwise than before; it is being saved
 */
export function takeNewNames(app) {
  const { draft, isSealing } = app.flow;
  if (!draft || isSealing) return false; // what is being sealed is told as it was signed
  const wasAgreed = isAgreed(draft);
  if (!renameScans(draft, app.phone.worklist)) return false;
  if (wasAgreed && !isAgreed(draft)) toast(t("Two of the codes are one parcel: sign again."), "attention");
  void app.flow.save();
  return true;
}
