/**
 * Done: what was sealed, its number, and how far it has come. Says "safe" only when the office holds all of it.
 * @module
 */
import { count, t, tongue } from "../domain/words.js";
import { say } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { DOT, clockTime, codeText, itemName, stateLook } from "../ui/format.js";
import { go } from "../ui/router.js";
import { ask } from "../ui/sheet.js";
import { toast } from "../ui/toast.js";
import { clone, cloneAll, el, on, text, textOrHide, useIcon } from "../ui/template.js";
import { PhoneError, problemWords, wordsOf } from "../domain/problems.js";
import { reasonsFor } from "./reasons.js";

/** @import {Kind, OutboxItem} from '../domain/types.js' */
/** @import {App, Screen} from './context.js' */

/** Kinds that nobody else signs. @type {Set<Kind>} */
const UNSIGNED = new Set(["pack", "attempt", "report"]);

/** @type {Screen} */
export const done = (app, root, [id = ""]) => {
  const screen = cloneAll("done");
  root.append(screen);
  let before = "";
  let hasRead = false;
  let hasLeft = false;
  const refresh = () => {
    const item = app.shell.items.find((one) => one.id === id);
    if (!item) {
      if (hasRead) showGone(screen);
      return;
    }
    show(app, screen, item);
    if (before && before !== item.state) say(stateLook(item.state).word);
    before = item.state;
  };
  setBar({ title: t("Sealed"), sub: "", flow: true, back: () => go("#/outbox") });
  on(screen, "share", "click", () => void share(app, id));
  on(screen, "undo", "click", () => void withdraw(app, id));
  refresh();
  if (!before) {
    void app.shell.read().then(() => {
      hasRead = true;
      if (!hasLeft) refresh();
    });
  }
  return { refresh, leave: () => (hasLeft = true) };
};

/** An old address: nothing here may say that it is saved. @param {HTMLElement} screen */
function showGone(screen) {
  setBar({ title: t("Handover"), sub: "", flow: true, back: () => go("#/outbox") });
  text(screen, "title", t("No longer kept here"));
  el(screen, "head").hidden = false;
  text(
    screen,
    "what",
    t("Old handovers are removed once the office has all of them. Ask the office for this one."),
  );
  el(screen, "mark").hidden = true;
  el(screen, "steps").hidden = true;
  for (const name of ["share", "undo"]) el(screen, name).hidden = true;
}

/** @param {App} app @param {HTMLElement} screen @param {OutboxItem} item */
function show(app, screen, item) {
  const kind = itemName(item);
  const parcels = count(item.parcels.length, "parcel");
  const only = item.parcels.length === 1 ? [codeText(item.parcels[0] ?? "")] : [];
  setBar({ title: barTitle(item), sub: kind, flow: true, back: () => go("#/outbox") });
  text(screen, "title", headline(item));
  for (const name of ["head", "mark", "steps"]) el(screen, name).hidden = false; // nothing is said before it is read
  el(screen, "mark").dataset.tone = item.voided ? "sealed" : stateLook(item.state).tone;
  text(screen, "what", [kind, parcels, ...only].join(DOT));
  text(screen, "no", numberOf(item));
  text(
    screen,
    "sealed-at",
    t(isSigned(app, item) ? "{time}, signed and on this phone" : "{time}, kept on this phone", {
      time: clockTime(item.at),
    }),
  );
  showWay(app, screen, item);
  showEffects(app, screen, item);
  el(screen, "share").hidden = false;
  el(screen, "undo").hidden = item.voided || item.voidAsked || item.kind === "void";
}

/** @param {OutboxItem} item @returns {string} */
function barTitle(item) {
  if (item.voided) return t("Withdrawn");
  if (item.voidAsked) return t("Withdrawal asked for");
  return stateLook(item.state).word;
}

/** @param {OutboxItem} item @returns {string} */
function headline(item) {
  if (item.voided) return t("Withdrawn");
  if (item.voidAsked) return t("Withdrawal asked for");
  return item.state === "safe" ? t("Safe with the office") : t("Saved on this phone");
}

/** @param {App} app @param {OutboxItem} item @returns {boolean} */
function isSigned(app, item) {
  return item.signed && Boolean(app.phone.identity?.signed);
}

/** @param {OutboxItem} item @returns {string} what two people can compare by voice */
function numberOf(item) {
  return `${Math.floor(item.seq)}-${item.sha256.slice(0, 6).toUpperCase()}`;
}

/** How far it has come. @param {App} app @param {HTMLElement} screen @param {OutboxItem} item */
function showWay(app, screen, item) {
  const sent = item.state !== "sealed" && item.state !== "parked";
  const all = sent && item.photosHeld >= item.photosTotal;
  step(screen, "step-sent", sent);
  text(screen, "sent-sub", sentWords(app, item, sent));
  step(screen, "step-photos", all);
  const pictures = t("Pictures {held} of {total}", {
    held: sent ? item.photosHeld : 0,
    total: item.photosTotal,
  });
  text(screen, "photos-title", item.photosTotal === 0 ? t("No pictures") : pictures);
  const sorts = UNSIGNED.has(item.kind) ? t("Photos and tags.") : t("Photos, tags and the signature.");
  text(screen, "photos-sub", item.photosTotal === 0 ? t("None were needed.") : sorts);
  step(screen, "step-safe", item.state === "safe");
}

/** @param {App} app @param {OutboxItem} item @param {boolean} sent @returns {string} */
function sentWords(app, item, sent) {
  if (sent) return t("The office has the handover.");
  if (item.state === "parked") return t("The office could not take it. See the outbox.");
  if (app.shell.sync.state === "offline") return t("No network now. It goes by itself when there is one.");
  return app.shell.sync.state === "paused" ? t("Sending is paused. See the outbox.") : t("On its way.");
}

/** @param {HTMLElement} screen @param {string} name @param {boolean} isDone */
function step(screen, name, isDone) {
  const line = el(screen, name);
  line.dataset.state = isDone ? "done" : "open";
  useIcon(line, isDone ? "circle-check" : "circle");
}

/** What the office's rules make of it that the courier should know. @param {App} app @param {HTMLElement} screen @param {OutboxItem} item */
function showEffects(app, screen, item) {
  const odd = item.effects.filter(({ anomalies }) => anomalies.length > 0);
  /** @type {HTMLElement[]} */
  const boxes = [];
  if (app.phone.identity?.signed && !item.signed) {
    boxes.push(noticeBox("attention", t("Not signed: the key is lost. Connect this phone again, on Me.")));
  }
  if (item.problem) boxes.push(noticeBox("stop", problemWords(item.problem)));
  if (odd.length > 0) {
    boxes.push(
      noticeBox(
        "attention",
        t("The office will look at {parcels}.", { parcels: count(odd.length, "parcel") }),
      ),
    );
  }
  el(screen, "effects").replaceChildren(...boxes);
}

/** @param {string} tone @param {string} words @returns {HTMLElement} */
function noticeBox(tone, words) {
  const box = clone("notice");
  box.dataset.tone = tone;
  text(box, "text", words);
  textOrHide(box, "when", null);
  return box;
}

/** @param {App} app @param {string} id */
async function share(app, id) {
  const item = app.shell.items.find((one) => one.id === id);
  if (!item) return;
  const { identity } = app.phone;
  const words = [
    t("Baton handover No. {number}", { number: numberOf(item) }),
    `${itemName(item)}: ${count(item.parcels.length, "parcel")}, ${new Date(item.at).toLocaleString(tongue())}`,
    item.parcels.map(codeText).join(", "),
    `${identity?.actor.name ?? ""}, ${identity?.org.name ?? ""}`,
    t("Seal {sha256}", { sha256: item.sha256 }),
  ].join("\n");
  try {
    if (navigator.share) await navigator.share({ title: t("Baton handover"), text: words });
    else {
      await navigator.clipboard.writeText(words);
      toast(t("Copied."), "safe");
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return; // closed without sharing
    toast(t("This phone did not let Baton share it."), "attention");
  }
}

/** @param {App} app @param {string} id */
async function withdraw(app, id) {
  const item = app.shell.items.find((one) => one.id === id);
  if (!item) return;
  const limit = app.phone.rules?.policies.undo_within_s ?? 0;
  const inTime = (Date.now() - Date.parse(item.at)) / 1000 <= limit;
  const reason = await ask(
    t("Withdraw this handover?"),
    inTime
      ? t("Both stay visible to the office: the handover and that you took it back. Why?")
      : t("It is too old to take back by yourself: this asks the office. Why?"),
    [
      ...reasonsFor(app, "void").map(({ code, label }) => ({ value: code, label: t(label) })),
      { value: "", label: t("Leave it as it is"), tone: /** @type {const} */ ("primary") },
    ],
  );
  if (!reason) return;
  try {
    await app.phone.voidEvent(id, reason);
    toast(
      inTime ? t("Withdrawn. The office sees both.") : t("The office is asked to withdraw it."),
      "sealed",
    );
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    toast(wordsOf(error), "stop");
  }
}
