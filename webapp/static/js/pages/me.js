/**
 * Me: who this phone belongs to today, its room, look and sounds, its version, and whether the shift can end.
 * @module
 */
import { problemWords } from "../domain/problems.js";
import { count, t, tongue } from "../domain/words.js";
import { setBar } from "../ui/bar.js";
import { DOT, age, clockTime, roleName } from "../ui/format.js";
import { LANGUAGES } from "../ui/language.js";
import { language, setLanguage, setSound, setTheme, soundOn, theme } from "../ui/settings.js";
import { toast } from "../ui/toast.js";
import { button, cloneAll, el, on, part, setIcon, text } from "../ui/template.js";
import { canInstall, install, installHelp, isInstalled } from "./install.js";
import { initialsOf, signOut } from "./people.js";
import { showOffer } from "./rescue-offer.js";
import { showTelling, wireTelling } from "./telling-choice.js";
import { applyUpdate, updateIsReady, version } from "./update.js";

/** @import {App, Screen} from './context.js' */
/** @import {Theme} from '../ui/settings.js' */

/** @type {Screen} */
export const me = (app, root) => {
  setBar({ title: t("Me"), tab: "me" });
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
  chooseLanguage(app, screen);
  wireTelling(app, screen);
  on(screen, "out", "click", () => void signOut(app));
  on(screen, "try", "click", () => app.feedback.give("go"));
  on(screen, "send", "click", async () => {
    const { state, problem } = await app.phone.kick("user");
    if (state === "offline") toast(t("No network. Your work is safe on this phone."), "attention");
    else if (problem) toast(problemWords(problem), "attention");
  });
  on(screen, "persist", "click", async () => {
    const kept = await app.phone.persist();
    toast(
      kept
        ? t("The phone will keep your work.")
        : t("The phone has not agreed. Put Baton on the home screen, then ask again."),
      kept ? "safe" : "attention",
    );
    show(app, screen);
  });
  on(screen, "update", "click", () => {
    if (app.flow.isBegun) toast(t("Seal or discard the unfinished handover first."), "attention");
    else applyUpdate();
  });
  on(screen, "install", "click", async () => {
    await install();
    show(app, screen);
  });
}

/** The page is loaded anew in it, once what is still being added is kept. @param {App} app @param {HTMLElement} screen */
function chooseLanguage(app, screen) {
  const select = part(screen, "language", HTMLSelectElement);
  select.append(...LANGUAGES.map(([code, name]) => new Option(name, code)));
  for (const option of select.options) option.lang = option.value;
  select.value = language() ?? "";
  select.addEventListener("change", async () => {
    select.disabled = true;
    setLanguage(select.value || null);
    await app.flow.added();
    if (navigator.serviceWorker?.controller) {
      location.reload();
      return;
    }
    toast(t("Baton speaks it from the next start."), "safe"); // without its worker a page may not come back
    select.disabled = false;
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
  text(screen, "role", `${roleName(actor.role)} · ${org.name}`);
  text(screen, "device", label);
  text(
    screen,
    "signed",
    keyLost
      ? t("Key lost: connect this phone again")
      : signed
        ? t("Signed with this phone’s own key")
        : t("Not signed: this browser keeps no key"),
  );
  text(screen, "asof", worklistAsOf ? `${clockTime(worklistAsOf)}, ${age(worklistAsOf)}` : t("none yet"));
  showLost(app, screen);
  text(screen, "version", version().slice(0, 12));
  button(screen, "update").hidden = !updateIsReady();
  button(screen, "install").hidden = !canInstall();
  el(screen, "install-card").hidden = isInstalled();
  text(
    screen,
    "install-text",
    canInstall() ? t("It then opens without the browser, offline too.") : installHelp(),
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
  if (lost) {
    text(
      screen,
      "lost",
      t("did not open on {time}; kept, and tried at every start", { time: clockTime(lost.at) }),
    );
  }
}

/** @param {App} app @param {HTMLElement} screen */
function showShift(app, screen) {
  const { unsent, unsentBlobs, othersUnsent, othersUnsentBlobs } = app.shell.counts;
  const isSent = unsent + unsentBlobs + othersUnsent + othersUnsentBlobs === 0;
  const isSafe = isSent && app.shell.odd === 0 && !app.flow.isBegun && !app.shell.hasLostStore;
  const box = el(screen, "shift");
  box.dataset.tone = isSafe ? "safe" : "attention";
  setIcon(screen, "shift-icon", isSafe ? "shield-check" : "triangle-alert");
  text(
    screen,
    "shift-title",
    isSafe ? t("0 unsent: safe to hand back") : t("Do not hand this phone back yet"),
  );
  text(screen, "shift-text", isSafe ? safeWords(app.shell.openTasks) : openWords(app));
  button(screen, "send").hidden = isSent;
}

/** @param {number} tasks @returns {string} */
function safeWords(tasks) {
  const open = tasks ? t("{tasks} from the office still open.", { tasks: count(tasks, "task") }) : null;
  return [t("Everything you did is with the office."), open].filter(Boolean).join(" ");
}

/** What is open, and what to do about it: a network helps only what is unsent. @param {{shell:Pick<App['shell'], 'counts'|'odd'|'hasLostStore'>, flow:Pick<App['flow'], 'isBegun'>}} app @returns {string} */
export function openWords({ shell, flow }) {
  const { unsent, unsentBlobs, othersUnsent, othersUnsentBlobs } = shell.counts;
  const { odd } = shell;
  const toSend = [
    unsent ? t("{handovers} unsent", { handovers: count(unsent, "handover") }) : null,
    unsentBlobs ? t("{pictures} not with the office", { pictures: count(unsentBlobs, "picture") }) : null,
    othersUnsent
      ? t("{handovers} unsent of somebody who used this phone before", {
          handovers: count(othersUnsent, "handover"),
        })
      : null,
    othersUnsentBlobs
      ? t("{pictures} of theirs not with the office", { pictures: count(othersUnsentBlobs, "picture") })
      : null,
  ]
    .filter(Boolean)
    .join(", ");
  const sentences = [
    toSend
      ? t("{toSend}. It is all kept; stay where there is a network until it is sent.", { toSend })
      : null,
    flow.isBegun ? t("1 handover unfinished. Seal or discard it on Home.") : null,
    odd
      ? t(
          odd === 1
            ? "{handovers} to look at in the Outbox. Show it to the office."
            : "{handovers} to look at in the Outbox. Show them to the office.",
          { handovers: count(odd, "handover") },
        )
      : null,
    shell.hasLostStore
      ? t("An older store of this phone did not open: work may be left in it. Show this phone to the office.")
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
      ? t("unknown")
      : photosLeft > 5000
        ? t("over 5,000 photos")
        : t("about {n} photos", { n: photosLeft.toLocaleString(tongue()) }),
  );
  text(screen, "persisted", persisted ? t("No") : t("Yes, if room runs out"));
  button(screen, "persist").hidden = persisted;
  for (const part of ["brought-name", "brought", "brought-why"]) el(screen, part).hidden = !broughtBack;
  if (broughtBack) text(screen, "brought", broughtWords(broughtBack));
}

/** @param {import('../domain/types.js').BroughtBack} brought @returns {string} */
function broughtWords({ at, events, pictures }) {
  const unsent = [events ? count(events, "handover") : null, pictures ? count(pictures, "picture") : null];
  return [clockTime(at), ...unsent].filter(Boolean).join(DOT);
}
