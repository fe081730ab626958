/**
 * Tasks: what the office asks for again; the answer is a report with reason `retake`.
 * @module
 */
import { count, t } from "../domain/words.js";
import { setBar } from "../ui/bar.js";
import { age, clockTime, codeText, itemName } from "../ui/format.js";
import { go } from "../ui/router.js";
import { ask } from "../ui/sheet.js";
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
  el(box, "gone").hidden = answered;
  button(box, "go").hidden = answered;
  on(box, "go", "click", () => void answer(app, task));
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

/** @param {App} app @param {Task} task */
async function answer(app, task) {
  const other = app.flow.draft;
  const isThis = other?.ref === task.event && other.data.task === task.id;
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
    draft.scans = task.parcels.map((code) => ({
      code,
      raw: code,
      verdict: "known",
      at: draft.startedAt,
      typed: false,
      override: null,
    }));
    await app.flow.save();
  }
  app.flow.locate();
  go("#/photo");
}
