/**
 * Outbox: the true state of everything sealed on this phone, and why something is held up.
 * @module
 */
import { count, t } from "../domain/words.js";
import { problemWords, wordsOf } from "../domain/problems.js";
import { say } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { age, clockTime, itemName, kindIcon, parcelsText, stateLook } from "../ui/format.js";
import { toast } from "../ui/toast.js";
import { button, clone, cloneAll, el, fill, on, part, setIcon, text, textOrHide } from "../ui/template.js";
import { save, share, shareable } from "./rescue-give.js";
import { showOffer } from "./rescue-offer.js";

/** @import {OutboxItem} from '../domain/types.js' */
/** @import {OthersItem} from '../outbox/others.js' */
/** @import {App, Screen} from './context.js' */

/** More than this is read by nobody on a phone; the rest is counted. */
const SHOWN = 100;

/** The office no longer takes this phone for its own: only connecting again helps. */
const DISOWNED = new Set(["token-unknown", "device-revoked"]);

/** @type {Screen} */
export const outbox = (app, root) => {
  setBar({ title: t("Outbox"), sub: app.phone.identity?.label ?? "", tab: "outbox" });
  const screen = cloneAll("outbox");
  root.append(screen);
  const refresh = () => show(app, screen);
  on(screen, "send", "click", () => void sendNow(app, screen));
  refresh();
  return { refresh };
};

/** @param {App} app @param {HTMLElement} screen */
function show(app, screen) {
  const { counts, sync, items, others } = app.shell;
  text(screen, "n", String(counts.unsent || counts.unsentBlobs));
  text(screen, "sum", sumWords(app.shell));
  text(screen, "sync", syncWords(app));
  el(screen, "problem").hidden = !sync.problem;
  text(screen, "problem-text", sync.problem ? problemWords(sync.problem) : "");
  el(screen, "again").hidden = sync.state !== "paused" || !DISOWNED.has(sync.problem?.code ?? "");
  el(screen, "empty").hidden = items.length + others.length > 0;
  el(screen, "others-title").hidden = others.length === 0;
  fill(
    el(screen, "others"),
    shownOf(others).map((item) => othersLine(app, item)),
  );
  placeOffer(screen, app.shell.isStuck);
  void showOffer(app, screen);
  const focused =
    document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
  fill(
    el(screen, "items"),
    shownOf(items).map((item) => line(app, item)),
  );
  if (focused) {
    screen.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.dispatchEvent(new Event("baton-focus"));
  }
  const send = button(screen, "send");
  send.disabled = sync.state === "sending";
  text(screen, "send-text", sync.state === "sending" ? t("Sending …") : t("Send now"));
}

/** @param {Pick<OutboxItem, 'state'>} item @returns {boolean} it does not go, or is not whole, without somebody's help */
function needsHand({ state }) {
  return state === "parked" || state === "attention";
}

/** What needs a hand is never too old to be seen. @template {Pick<OutboxItem, 'state'>} T @param {T[]} items newest first @returns {T[]} */
export function shownOf(items) {
  return items.filter((item, index) => index < SHOWN || needsHand(item));
}

/** Above what it is about only when that cannot be sent. @param {HTMLElement} screen @param {boolean} isFirst */
function placeOffer(screen, isFirst) {
  const [place, items] = [el(screen, "rescue"), el(screen, "items")];
  if (isFirst && place.nextElementSibling !== items) items.before(place);
  if (!isFirst && place.previousElementSibling !== items) items.after(place);
}

/** @param {Pick<App['shell'], 'counts'|'others'|'odd'|'hasLostStore'>} shell @returns {string} all is well only when no handover lacks anything */
export function sumWords({ counts, others, odd, hasLostStore }) {
  if (counts.unsent) return t("{handovers} unsent", { handovers: count(counts.unsent, "handover") });
  if (counts.unsentBlobs) {
    return t("All sent, {pictures} to go", { pictures: count(counts.unsentBlobs, "picture") });
  }
  if (odd > 0) return t("All sent, {handovers} to look at", { handovers: count(odd, "handover") });
  if (others.length > 0) return t("Yours is with the office; something of an earlier connection is not");
  if (hasLostStore) return t("All sent from here; an older store of this phone did not open");
  return t("Everything is with the office");
}

/** @param {App} app @returns {string} */
function syncWords(app) {
  const { counts, sync } = app.shell;
  if (sync.state === "sending") return t("Sending …");
  if (sync.state === "paused") return t("Sending is paused; everything is kept.");
  if (sync.state === "offline") {
    return sync.nextAt
      ? t("No network. Baton tries again by itself at {time}.", { time: clockTime(sync.nextAt) })
      : t("No network. Baton tries again by itself.");
  }
  return counts.oldestAt
    ? t("Oldest is from {age}.", { age: age(counts.oldestAt) })
    : t("{n} kept here for reference.", { n: app.shell.items.length });
}

/** @param {App} app @param {OutboxItem} item @returns {HTMLElement} */
function line(app, item) {
  const box = clone("outbox-item");
  const look = stateLook(item.state);
  setIcon(box, "icon", kindIcon(item.kind));
  text(box, "title", itemName(item));
  text(box, "sub", `${parcelsText(item.parcels)} · ${clockTime(item.at)}`);
  const chip = el(box, "chip");
  chip.dataset.tone = item.voided ? "sealed" : look.tone;
  setIcon(box, "chip-icon", item.voided || item.voidAsked ? "undo-2" : look.icon);
  text(box, "state", item.voided ? t("Withdrawn") : item.voidAsked ? t("Withdrawal asked for") : look.word);
  textOrHide(box, "why", whyOf(item));
  const open = part(box, "open", HTMLAnchorElement);
  open.href = `#/done/${encodeURIComponent(item.id)}`;
  open.dataset.key = item.id;
  open.addEventListener("baton-focus", () => open.focus({ preventScroll: true }));
  el(box, "actions").hidden = !needsHand(item);
  on(box, "export", "click", () => void exportItem(app, item));
  button(box, "retry").hidden = !item.canRetry; // of what the office keeps, or this phone lost, no second try helps
  on(box, "retry", "click", () => void app.phone.retry(item.id));
  return box;
}

/** Of an earlier connection: to be looked at and taken out, nothing else. @param {App} app @param {OthersItem} item @returns {HTMLElement} */
function othersLine(app, item) {
  const box = line(app, item);
  part(box, "open", HTMLAnchorElement).removeAttribute("href");
  text(box, "sub", `${item.by} · ${parcelsText(item.parcels)} · ${clockTime(item.at)}`);
  el(box, "actions").hidden = false;
  button(box, "retry").hidden = true;
  return box;
}

/** @param {OutboxItem} item @returns {string|null} */
function whyOf(item) {
  if (item.problem) return problemWords(item.problem);
  if (item.state === "parked") {
    return t("The office could not take this one. It is kept here; give the office its file.");
  }
  if (item.photosTotal > 0 && item.state !== "safe") {
    return t("Pictures {held} of {total} with the office", {
      held: item.state === "sealed" ? 0 : item.photosHeld,
      total: item.photosTotal,
    });
  }
  return item.receiptAt ? t("Receipt of {time}", { time: clockTime(item.receiptAt) }) : null;
}

/** @param {App} app @param {HTMLElement} screen */
async function sendNow(app, screen) {
  button(screen, "send").disabled = true;
  const { state, problem } = await app.phone.kick("user");
  if (state === "offline") {
    toast(t("No network. Your work is safe on this phone and goes by itself later."), "attention");
  } else if (state === "paused") {
    toast(problem ? problemWords(problem) : t("Sending is paused."), "attention");
  } else say(t("Sent what could be sent"));
  show(app, screen);
}

/** One handover with its photos, to be read in by the office. @param {App} app @param {OutboxItem & {device?:string}} item */
async function exportItem(app, item) {
  try {
    const rescue = await app.phone.rescue();
    const device = item.device ?? app.phone.identity?.device;
    const { files } = await rescue.make({ device, event: item.id });
    for (const { file } of files) await give(file);
  } catch (error) {
    toast(wordsOf(error), "stop");
  }
}

/** @param {File} file */
async function give(file) {
  const sharing = shareable(file);
  try {
    if (sharing) await share(sharing);
    else save(file);
  } catch {
    save(file); // this phone would not share it after all
  }
}
