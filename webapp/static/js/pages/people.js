/**
 * People: who is enrolled on this phone. One tap signs somebody else in; nothing here needs a network, except to add one.
 * @module
 */
import { roleName } from "../ui/format.js";
import { count, t } from "../domain/words.js";
import { PhoneError, wordsOf } from "../domain/problems.js";
import { say } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { go, goInstead } from "../ui/router.js";
import { ask, open } from "../ui/sheet.js";
import { toast } from "../ui/toast.js";
import { button, clone, cloneAll, el, on, part, text } from "../ui/template.js";

/** @import {Person} from '../outbox/people.js' */
/** @import {App, Screen} from './context.js' */

/** @type {Screen} */
export const people = (app, root) => {
  const { identity } = app.phone;
  setBar({
    title: t("People"),
    sub: identity ? "" : t("Nobody is signed in"),
    flow: true,
    back: identity ? goHome : null,
  });
  const screen = cloneAll("people");
  root.append(screen);
  text(screen, "lead", identity ? t("Tap a name to work as that person.") : t("Tap your name to go on."));
  el(screen, "out").hidden = !identity;
  on(screen, "out", "click", () => void signOut(app));
  let shown = "";
  const refresh = async () => {
    const found = await app.phone.people.list();
    const now = JSON.stringify(found);
    if (now === shown) return; // a name under a thumb is not put away for nothing
    shown = now;
    el(screen, "people").replaceChildren(...found.map((person) => line(app, person)));
    el(screen, "kept").hidden = !found.some(({ unsent }) => unsent.total > 0);
  };
  void refresh();
  return { refresh: () => void refresh() };
};

function goHome() {
  go("#/");
}

/** @param {App} app @param {Person} person @returns {HTMLElement} */
function line(app, person) {
  const box = clone("person");
  const { name, role, org, label, isCurrent, isEarlier, unsent } = person;
  text(box, "initials", initialsOf(name));
  text(box, "name", name);
  const about = isEarlier ? t("An earlier connection ({label})", { label }) : `${roleName(role)} · ${org}`;
  text(box, "sub", about);
  text(box, "unsent", unsent.total === 0 ? t("0 unsent") : unsentWords(person));
  el(box, "unsent").classList.toggle("muted", unsent.total === 0);
  el(box, "now").hidden = !isCurrent;
  const press = button(box, "choose");
  if (isCurrent) press.setAttribute("aria-current", "true");
  press.addEventListener("click", () => void choose(app, person));
  button(box, "remove").setAttribute("aria-label", t("Remove {name} from this phone", { name }));
  on(box, "remove", "click", () => void remove(app, person));
  return box;
}

/** @param {string} name @returns {string} */
export function initialsOf(name) {
  return name
    .split(/\s+/)
    .slice(0, 2)
    .map((word) => word.charAt(0).toUpperCase())
    .join("");
}

/** @param {Person} person @returns {string} */
function unsentWords({ unsent: { handovers, photos, drafts } }) {
  return [
    handovers ? t("{handovers} unsent", { handovers: count(handovers, "handover") }) : null,
    photos ? t("{pictures} to go", { pictures: count(photos, "picture") }) : null,
    drafts ? t("{handovers} unfinished", { handovers: count(drafts, "handover") }) : null,
  ]
    .filter(Boolean)
    .join(", ");
}

/** @param {App} app @returns {string} what is said of a handover left open, or nothing */
export function keptWords(app) {
  const { identity } = app.phone;
  return app.flow.isBegun && identity
    ? ` ${t("The unfinished handover is kept for {name}.", { name: identity.actor.name })}`
    : "";
}

/** @param {App} app @param {Person} person */
async function choose(app, { device, name, isCurrent }) {
  if (isCurrent) {
    goHome();
    return;
  }
  const kept = keptWords(app);
  if (await tried(app.phone.people.switchTo(device))) {
    toast(`${t("You work as {name} now.", { name })}${kept}`, "safe");
  }
}

/** Ends this person's turn; their screen closes, their queue goes on. @param {App} app */
export async function signOut(app) {
  const { identity } = app.phone;
  const { unsent, unsentBlobs } = app.shell.counts;
  const open = unsent + unsentBlobs > 0 ? ` ${t("What is unsent still goes to the office by itself.")}` : "";
  const kept = keptWords(app);
  if (await tried(app.phone.people.signOut())) {
    toast(`${t("{name} signed out.", { name: identity?.actor.name ?? t("You") })}${open}${kept}`, "safe");
  }
}

/** @param {App} app @param {Person} person */
async function remove(app, person) {
  const { name, device, unsent } = person;
  const isSure = unsent.total > 0 ? await askNumber(person) : await askPlain(name);
  if (!isSure) return;
  if (await tried(app.phone.people.remove(device, unsent.total || null))) {
    say(t("{name} was removed from this phone", { name }));
    const left = await app.phone.people.list();
    if (left.length === 0) goInstead("#/enrol");
  }
}

/** @param {string} name @returns {Promise<boolean>} */
async function askPlain(name) {
  const answer = await ask(
    t("Remove {name} from this phone?", { name }),
    t("Everything is with the office. To work here again they need a new code."),
    [
      { value: "no", label: t("Keep"), tone: "primary" },
      { value: "yes", label: t("Remove"), tone: "danger" },
    ],
  );
  return answer === "yes";
}

/** What is nowhere else goes only if somebody has read how much it is. @param {Person} person @returns {Promise<boolean>} */
async function askNumber(person) {
  const dialog = clone("remove-person");
  const { total } = person.unsent;
  text(dialog, "title", t("Remove {name} and their unsent work?", { name: person.name }));
  text(
    dialog,
    "text",
    t("Nobody else has it: {work}. It will be gone for good.", { work: unsentWords(person) }),
  );
  text(
    dialog,
    "label",
    total === 1 ? t("Type 1 to remove it") : t("Type {total} to remove all {total}", { total }),
  );
  const input = part(dialog, "number", HTMLInputElement);
  const press = button(dialog, "go");
  const isRight = () => input.value.trim() === String(total);
  input.addEventListener("input", () => (press.disabled = !isRight()));
  return (await open(dialog)) === "yes" && isRight();
}

/** @param {Promise<void>} change @returns {Promise<boolean>} false: it was refused, and the person was told */
async function tried(change) {
  try {
    await change;
    return true;
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    toast(wordsOf(error), "stop");
    return false;
  }
}
