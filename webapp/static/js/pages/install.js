/**
 * Putting Baton on the home screen: the browser's own offer where there is one, else the words for this phone.
 * @module
 */
import { t } from "../domain/words.js";

/** @typedef {Event & {prompt:() => Promise<void>, userChoice:Promise<{outcome:string}>}} InstallOffer */

/** @type {InstallOffer|null} */
let offer = null;

/** Keeps the browser's offer for the button on Me. */
export function watchInstall() {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    offer = /** @type {InstallOffer} */ (event);
    dispatchEvent(new Event("baton-install"));
  });
  addEventListener("appinstalled", () => {
    offer = null;
  });
}

/** @returns {boolean} */
export function isInstalled() {
  const { standalone } = /** @type {{standalone?:boolean}} */ (navigator);
  return matchMedia("(display-mode: standalone)").matches || standalone === true;
}

/** @returns {boolean} */
export function canInstall() {
  return offer !== null;
}

/** Shows the browser's question. */
export async function install() {
  const asked = offer;
  offer = null;
  await asked?.prompt();
  await asked?.userChoice;
}

/** @returns {string} how it is done on this phone */
export function installHelp() {
  const agent = navigator.userAgent;
  if (/iPhone|iPad|iPod/.test(agent)) {
    return t(
      "In Safari press the Share button, then “Add to Home Screen”. Open Baton from there and connect it once more: the installed app does not see what Safari keeps. Send your work first.",
    );
  }
  if (/Android/.test(agent)) {
    return t("Open the browser’s menu (three dots) and choose “Install app” or “Add to Home screen”.");
  }
  return t("Use the install sign in the browser’s address bar, or its menu.");
}
