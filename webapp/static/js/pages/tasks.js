/**
 * Tasks: what the office asks for again; the answer is a report with reason `retake`.
 * @module
 */
import { asScans } from "../domain/draft.js";
import { PhoneError, wordsOf } from "../domain/problems.js";
import { count, t } from "../domain/words.js";
import { setBar } from "../ui/bar.js";
import { age, clockTime, codeText, itemName } from "../ui/format.js";
import { go } from "../ui/router.js";
import { ask } from "../ui/sheet.js";
import { toast } from "../ui/toast.js";
import { button, clone, cloneAll, el, on, part, text, textOrHide } from "../ui/template.js";
import { askedParts } from "./photo-words.js";

/** @import {Task} from '../domain/types.js' */
/** @import {App, Screen} from './context.js' */

/** @type {Screen} */
export const tasks = (app, root) => {
  setBar({ title: t("Tasks"), sub: t("From the office"), tab: "tasks" });
  const screen = cloneAll("tasks");
  root.append(screen);
  /** @type {string[]} */
  const urls = [];
  let shown = "";
  const refresh = () => {
    const list = app.phone.tasks();
    const state = JSON.stringify([list, [...app.shell.answered], list.map((task) => aboutOf(app, task))]);
    if (state === shown) return; // pictures are not loaded again for nothing
    shown = state;
    el(screen, "empty").hidden = list.length > 0;
    el(screen, "items").replaceChildren(...list.map((task) => card(app, task, urls)));
  };
  refresh();
  return { refresh, leave: () => urls.forEach((url) => URL.revokeObjectURL(url)) };
};

/** @param {App} app @param {Task} task @param {string[]} urls @returns {HTMLElement} */
function card(app, task, urls) {
  const box = clone("task");
  const answered = app.shell.answered.has(task.id);
  const { asked, note } = askedParts(task.reason);
  text(box, "reason", asked);
  textOrHide(box, "note", note ? `“${note}”` : null);
  text(box, "when", age(task.created_at));
  text(box, "about", aboutOf(app, task));
  el(box, "answered").hidden = !answered;
  for (const way of ["go", "gone"]) button(box, way).hidden = answered;
  text(box, "gone-text", task.parcels.length === 1 ? t("The parcel is gone") : t("The parcels are gone"));
  on(box, "go", "click", () => void answer(app, task));
  on(box, "gone", "click", () => void tellGone(app, task));
  if (task.picture) void showPicture(app, task.picture, part(box, "picture", HTMLImageElement), urls);
  return box;
}

/** Which handover it is about, where this phone still has it. @param {App} app @param {Task} task @returns {string} */
function aboutOf(app, { event, parcels }) {
  const item = app.shell.items.find(({ id }) => id === event);
  const which = parcels.length > 3 ? count(parcels.length, "parcel") : parcels.map(codeText).join(", ");
  return item ? `${itemName(item)} · ${which} · ${clockTime(item.at)}` : which;
}

/** Only a photo still on this phone is shown: nothing is fetched. @param {App} app @param {string} sha256 @param {HTMLImageElement} image @param {string[]} urls */
async function showPicture(app, sha256, image, urls) {
  const bytes = await app.phone.blob(sha256);
  if (!bytes) return;
  const url = URL.createObjectURL(new Blob([bytes]));
  urls.push(url);
  image.src = url;
  image.hidden = false;
}

/** What cannot be photographed any more is an answer as well: the office goes on with the photo it has. @param {App} app @param {Task} task */
async function tellGone(app, task) {
  const begun = isAbout(app, task) ? (app.flow.draft?.photos.length ?? 0) : 0;
  const said = await ask(
    t("No new photo?"),
    [
      t("The office is told that there is nothing left to photograph, and goes on with the photo it has."),
      begun ? t("What you took for it here is thrown away.") : null,
    ]
      .filter(Boolean)
      .join(" "),
    [
      { value: "yes", label: t("Tell the office"), tone: "primary" },
      { value: "", label: t("Not now") },
    ],
  );
  if (said !== "yes") return;
  const { id, event, parcels } = task;
  const draft = app.phone.newDraft("report", { reason: "retake", ref: event });
  draft.data = { task: id, gone: true };
  draft.scans = asScans(parcels, draft.startedAt);
  try {
    await app.phone.seal(draft);
    if (isAbout(app, task)) await app.flow.discard(); // the new photo that was begun
    toast(t("Kept for the office: no new photo."), "sealed");
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    toast(wordsOf(error), "stop");
  }
}

/** @param {App} app @param {Task} task @returns {boolean} its new photo is what is being made */
function isAbout({ flow: { draft } }, task) {
  return draft?.ref === task.event && draft.data.task === task.id;
}

/** @param {App} app @param {Task} task */
async function answer(app, task) {
  const other = app.flow.draft;
  const isThis = isAbout(app, task);
  if (other && app.flow.isBegun && !isThis) {
    const choice = await ask(
      t("{what} is not finished", { what: itemName({ kind: other.kind, task: other.ref }) }),
      t("Seal or discard it before you answer the office."),
      [
        { value: "on", label: t("Go on with it"), tone: "primary" },
        { value: "", label: t("Not now") },
      ],
    );
    if (choice === "on") go(app.flow.route);
    return;
  }
  if (!isThis) {
    const draft = app.flow.begin("report", {
      step: "photo",
      reason: "retake",
      ref: task.event,
      data: { task: task.id }, // the same proof may be asked for once more
    });
    draft.ask = task.reason;
    draft.scans = asScans(task.parcels, draft.startedAt);
    await app.flow.save();
  }
  app.flow.locate();
  go("#/photo");
}
