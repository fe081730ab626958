/**
 * Enrol: by the link's code, the office's QR scanned here (an installed app on iOS starts empty), or the code typed.
 * @module
 */
import { t } from "../domain/words.js";
import { codeInLink, codeTyped } from "../domain/enrolment.js";
import { PhoneError } from "../domain/problems.js";
import { setBar } from "../ui/bar.js";
import { go, goInstead } from "../ui/router.js";
import { toast } from "../ui/toast.js";
import { button, cloneAll, el, on, part, text, textOrHide } from "../ui/template.js";
import { showCamera } from "./camera-view.js";
import { keptWords } from "./people.js";
import { showReader } from "./reader-view.js";

/** @import {Read} from '../capture/decoder.js' */
/** @import {CaptureApp, CaptureScreen} from './context.js' */

/** What to do about each refusal; the title is the phone's or the server's own. */
/** @type {Record<string, [string, string]>} */
const REFUSALS = {
  "enrolment-unknown": [
    "The office does not know this code",
    "Compare it with the office’s screen, letter by letter, or ask for a new one.",
  ],
  "enrolment-used": [
    "This code was used already",
    "Each code connects one phone once. Ask the office for a new one.",
  ],
  "enrolment-expired": ["This code is too old", "A code lives a few minutes. Ask the office for a new one."],
  offline: [
    "No network",
    "Connecting is the one thing that needs a network. Go where there is one and press Connect again.",
  ],
};

/** Home, or to the people of this phone when nobody is signed in. @param {CaptureApp} app @returns {(() => void)|null} */
function backFrom({ phone }) {
  if (phone.identity) return () => go("#/");
  return phone.hasPeople ? () => go("#/people") : null;
}

/** @type {CaptureScreen} */
export const enrol = (app, root, [linkCode = ""]) => {
  const { identity } = app.phone;
  setBar({ title: "Baton", sub: "", flow: true, back: backFrom(app) });
  const screen = cloneAll("enrol");
  root.append(screen);
  const code = part(screen, "code", HTMLInputElement);
  const label = part(screen, "label", HTMLInputElement);
  if (app.phone.hasPeople) text(screen, "title", t("Connect a person to this phone"));
  label.value = identity?.label ?? phoneName();
  code.value = linkCode;
  let stopCamera = () => {};
  const connect = () => submit(app, screen, code, label);
  on(screen, "form", "submit", (event) => {
    event.preventDefault();
    void connect();
  });
  code.addEventListener("input", () => refuse(screen, null));
  on(screen, "scan", "click", () => {
    if (!el(screen, "view").hidden) {
      stopCamera();
      return;
    }
    stopCamera = scanCode(app, screen, (found) => {
      stopCamera();
      code.value = found;
      void connect();
    });
  });
  // A link pressed on a phone that works already must not swap who it is without a question.
  if (linkCode && !identity) void connect();
  return { leave: () => stopCamera() };
};

/** @param {CaptureApp} app @param {HTMLElement} screen @param {(code: string) => void} found @returns {() => void} stop */
function scanCode(app, screen, found) {
  el(screen, "view").hidden = false;
  text(screen, "scan-text", t("Stop the camera"));
  const leaveCamera = showCamera(screen, app.camera, t("Type the code below."));
  const leaveReader = showReader(screen, app.decoder, t("Type the code below, or try again."));
  const onRead = (/** @type {Event} */ event) => {
    const code = codeInLink(/** @type {CustomEvent<Read>} */ (event).detail.text);
    if (code) {
      app.feedback.give("go");
      found(code);
    }
  };
  app.decoder.addEventListener("read", onRead);
  app.decoder.start(app.camera.video);
  return () => {
    app.decoder.removeEventListener("read", onRead);
    app.decoder.stop();
    leaveReader();
    leaveCamera();
    app.camera.release();
    el(screen, "view").hidden = true;
    text(screen, "scan-text", t("Scan the office’s QR"));
  };
}

/** @param {CaptureApp} app @param {HTMLElement} screen @param {HTMLInputElement} code @param {HTMLInputElement} label */
async function submit(app, screen, code, label) {
  const typed = codeTyped(code.value);
  refuse(screen, null);
  if (!typed) {
    textOrHide(screen, "code-error", t("Type the code the office shows."));
    code.setAttribute("aria-invalid", "true");
    code.focus();
    return;
  }
  const press = button(screen, "go");
  press.disabled = true;
  text(screen, "go-text", t("Connecting …"));
  const kept = keptWords(app);
  try {
    const { actor } = await app.phone.enrol(typed, { label: label.value.trim() || phoneName() });
    app.feedback.give("sealed");
    await app.flow.load();
    const where = kept ? `${kept} ${t("It is under People, with the connection it was begun by.")}` : "";
    toast(`${t("Connected. Good to see you, {name}.", { name: actor.name })}${where}`, "safe", {
      stay: Boolean(kept),
    });
    goInstead("#/");
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    refuse(screen, error);
  } finally {
    press.disabled = false;
    text(screen, "go-text", t("Connect"));
  }
}

/** @param {HTMLElement} screen @param {PhoneError|null} error */
function refuse(screen, error) {
  el(screen, "error").hidden = error === null;
  textOrHide(screen, "code-error", null);
  part(screen, "code", HTMLInputElement).removeAttribute("aria-invalid");
  if (!error) return;
  const [title, detail] = REFUSALS[error.code] ?? [
    error.title,
    error.detail ?? "Try again, or ask the office for a new code.",
  ];
  text(screen, "error-title", t(title));
  text(screen, "error-text", t(detail));
  el(screen, "error").scrollIntoView({ block: "nearest" });
}

/** @returns {string} a first name for the phone, by what the browser says it is */
function phoneName() {
  const agent = navigator.userAgent;
  const kind = /iPhone/.test(agent)
    ? "iPhone"
    : /iPad/.test(agent)
      ? "iPad"
      : /Android/.test(agent)
        ? "Android phone"
        : "Phone";
  return kind;
}
