/**
 * "Tell me about tasks" on Me: pushes with the app closed. The system is asked only when somebody presses On.
 * @module
 */
import { t } from "../domain/words.js";
import { PhoneError, wordsOf } from "../domain/problems.js";
import { el, text } from "../ui/template.js";
import { toast } from "../ui/toast.js";
import { isInstalled } from "./install.js";

/** @import {App} from './context.js' */

/** @type {Record<string, string>} */
const WORDS = {
  on: "When the office asks for something, this phone says so, also with Baton closed.",
  off: "Off: look at Tasks now and then.",
  denied: "This phone\u2019s settings forbid Baton to say anything. Allow notifications there first.",
  unsupported: "This browser cannot be told while Baton is closed.",
  install: "Put Baton on the home screen first: on this phone only an installed app can be told.",
};

/** @param {App} app @param {HTMLElement} screen */
export function wireTelling(app, screen) {
  for (const radio of radiosOf(screen)) {
    radio.addEventListener("change", () => void choose(app, screen, radio.value === "on"));
  }
}

/** @param {App} app @param {HTMLElement} screen */
export async function showTelling(app, screen) {
  const state = await (await app.phone.telling()).state();
  const radios = radiosOf(screen);
  for (const radio of radios) {
    radio.checked = radio.value === (state === "on" ? "on" : "off");
    radio.disabled = state === "denied" || state === "unsupported";
  }
  const isIos = state === "unsupported" && /iPhone|iPad/.test(navigator.userAgent) && !isInstalled();
  text(screen, "telling-text", t(WORDS[isIos ? "install" : state] ?? ""));
}

/** @param {App} app @param {HTMLElement} screen @param {boolean} wanted */
async function choose(app, screen, wanted) {
  // Asked for first, while the press still counts as one.
  const permission = wanted ? await Notification.requestPermission() : "granted";
  el(screen, "telling").ariaBusy = "true";
  for (const radio of radiosOf(screen)) radio.disabled = true;
  try {
    const telling = await app.phone.telling();
    if (permission === "granted") await (wanted ? telling.begin() : telling.end());
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error;
    toast(wordsOf(error), "attention");
  } finally {
    el(screen, "telling").ariaBusy = "false";
    await showTelling(app, screen);
  }
}

/** @param {HTMLElement} screen @returns {HTMLInputElement[]} */
function radiosOf(screen) {
  return [...screen.querySelectorAll("input")].filter(({ name }) => name === "telling");
}
