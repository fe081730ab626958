/**
 * Me: who this phone belongs to today, its room, look and sounds, its version, and whether the shift can end.
 * @module
 */
import { setBar } from "../ui/bar.js";
import { DOT, age, clockTime, count } from "../ui/format.js";
import { setSound, setTheme, soundOn, theme } from "../ui/settings.js";
import { toast } from "../ui/toast.js";
import { button, cloneAll, el, on, setIcon, text } from "../ui/template.js";
import { canInstall, install, installHelp, isInstalled } from "./install.js";
import { initialsOf, signOut } from "./people.js";
import { showOffer } from "./rescue-offer.js";
import { showTelling, wireTelling } from "./telling-choice.js";
import { applyUpdate, updateIsReady, version } from "./update.js";

/** @import {App, Screen} from './context.js' */
/** @import {Theme} from '../ui/settings.js' */

/** @type {Screen} */
export const me = (app, root) => {
  setBar({ title: "Me", tab: "me" });
  const screen = cloneAll("me");
  root.append(screen);
  const refresh = () => show(app, screen);
  wire(app, screen);
  refresh();
  addEventListener("baton-install", refresh);
  addEventListener("baton-update", refresh);
  return {
    refresh,
    leave: () => {
      removeEventListener("baton-install", refresh);
      removeEventListener("baton-update", refresh);
    },
  };
};

/** @param {App} app @param {HTMLElement} screen */
function wire(app, screen) {
  choose(screen, "theme", theme(), (value) => setTheme(/** @type {Theme} */ (value)));
  choose(screen, "sound", soundOn() ? "on" : "off", (value) => setSound(value === "on"));
  wireTelling(app, screen);
  on(screen, "out", "click", () => void signOut(app));
  on(screen, "try", "click", () => app.feedback.give("go"));
  on(screen, "send", "click", async () => {
    const { state, problem } = await app.phone.kick("user");
    if (state === "offline") toast("No network. Your work is safe on this phone.", "attention");
    else if (problem) toast(`${problem.title} ${problem.detail ?? ""}`, "attention");
  });
  on(screen, "persist", "click", async () => {
    const kept = await app.phone.persist();
    toast(
      kept
        ? "The phone will keep your work."
        : "The phone has not agreed. Put Baton on the home screen, then ask again.",
      kept ? "safe" : "attention",
    );
    show(app, screen);
  });
  on(screen, "update", "click", () => {
    if (app.flow.isBegun) toast("Seal or discard the unfinished handover first.", "attention");
    else applyUpdate();
  });
  on(screen, "install", "click", async () => {
    await install();
    show(app, screen);
  });
}

/** @param {HTMLElement} screen @param {string} name @param {string} value @param {(value: string) => void} chosen */
function choose(screen, name, value, chosen) {
  for (const radio of screen.querySelectorAll("input")) {
    if (radio.name !== name) continue;
    radio.checked = radio.value === value;
    radio.addEventListener("change", () => chosen(radio.value));
  }
}

/** @param {App} app @param {HTMLElement} screen */
function show(app, screen) {
  const { identity, worklistAsOf } = app.phone;
  if (!identity) return;
  const { actor, org, label, signed, keyLost } = identity;
  text(screen, "initials", initialsOf(actor.name));
  text(screen, "name", actor.name);
  text(screen, "role", `${actor.role.charAt(0).toUpperCase()}${actor.role.slice(1)} · ${org.name}`);
  text(screen, "device", label);
  text(
    screen,
    "signed",
    keyLost
      ? "Key lost: connect this phone again"
      : signed
        ? "Signed with this phone’s own key"
        : "Not signed: this browser keeps no key",
  );
  text(screen, "asof", worklistAsOf ? `${clockTime(worklistAsOf)}, ${age(worklistAsOf)}` : "none yet");
  showLost(app, screen);
  text(screen, "version", version().slice(0, 12));
  button(screen, "update").hidden = !updateIsReady();
  button(screen, "install").hidden = !canInstall();
  el(screen, "install-card").hidden = isInstalled();
  text(
    screen,
    "install-text",
    canInstall() ? "It then opens without the browser, offline too." : installHelp(),
  );
  showShift(app, screen);
  void showOffer(app, screen);
  void showRoom(app, screen);
  void showTelling(app, screen);
}

/** @param {App} app @param {HTMLElement} screen */
function showLost(app, screen) {
  const [lost] = app.phone.lostStores;
  el(screen, "lost-name").hidden = !lost;
  el(screen, "lost").hidden = !lost;
  if (lost) text(screen, "lost", `did not open on ${clockTime(lost.at)}; kept, and tried at every start`);
}

/** @param {App} app @param {HTMLElement} screen */
function showShift(app, screen) {
  const { unsent, unsentBlobs, othersUnsent, othersUnsentBlobs } = app.shell.counts;
  const isSent = unsent + unsentBlobs + othersUnsent + othersUnsentBlobs === 0;
  const isSafe = isSent && app.shell.odd === 0 && !app.flow.isBegun && !app.shell.hasLostStore;
  const box = el(screen, "shift");
  box.dataset.tone = isSafe ? "safe" : "attention";
  setIcon(screen, "shift-icon", isSafe ? "shield-check" : "triangle-alert");
  text(screen, "shift-title", isSafe ? "0 unsent: safe to hand back" : "Do not hand this phone back yet");
  text(screen, "shift-text", isSafe ? safeWords(app.shell.openTasks) : openWords(app));
  button(screen, "send").hidden = isSent;
}

/** @param {number} tasks @returns {string} */
function safeWords(tasks) {
  const open = tasks ? ` ${count(tasks, "task")} from the office still open.` : "";
  return `Everything you did is with the office.${open}`;
}

/** What is open, and what to do about it: a network helps only what is unsent. @param {{shell:Pick<App['shell'], 'counts'|'odd'|'hasLostStore'>, flow:Pick<App['flow'], 'isBegun'>}} app @returns {string} */
export function openWords({ shell, flow }) {
  const { unsent, unsentBlobs, othersUnsent, othersUnsentBlobs } = shell.counts;
  const { odd } = shell;
  const toSend = [
    unsent ? `${count(unsent, "handover")} unsent` : null,
    unsentBlobs ? `${count(unsentBlobs, "picture")} not with the office` : null,
    othersUnsent ? `${count(othersUnsent, "handover")} unsent of somebody who used this phone before` : null,
    othersUnsentBlobs ? `${count(othersUnsentBlobs, "picture")} of theirs not with the office` : null,
  ]
    .filter(Boolean)
    .join(", ");
  const sentences = [
    toSend ? `${toSend}. It is all kept; stay where there is a network until it is sent.` : null,
    flow.isBegun ? "1 handover unfinished. Seal or discard it on Home." : null,
    odd
      ? `${count(odd, "handover")} to look at in the Outbox. Show ${odd === 1 ? "it" : "them"} to the office.`
      : null,
    shell.hasLostStore
      ? "An older store of this phone did not open: work may be left in it. Show this phone to the office."
      : null,
  ];
  return sentences.filter(Boolean).join(" ");
}

/** @param {App} app @param {HTMLElement} screen */
async function showRoom(app, screen) {
  const { photosLeft, persisted, broughtBack } = await app.phone.storage();
  text(
    screen,
    "room",
    photosLeft === null
      ? "unknown"
      : photosLeft > 5000
        ? "over 5,000 photos"
        : `about ${photosLeft.toLocaleString()} photos`,
  );
  text(screen, "persisted", persisted ? "No" : "Yes, if room runs out");
  button(screen, "persist").hidden = persisted;
  for (const part of ["brought-name", "brought", "brought-why"]) el(screen, part).hidden = !broughtBack;
  if (broughtBack) text(screen, "brought", broughtWords(broughtBack));
}

/** @param {import('../domain/types.js').BroughtBack} brought @returns {string} */
function broughtWords({ at, events, pictures }) {
  const unsent = [events ? count(events, "handover") : null, pictures ? count(pictures, "picture") : null];
  return [clockTime(at), ...unsent].filter(Boolean).join(DOT);
}
