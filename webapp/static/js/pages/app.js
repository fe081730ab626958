/**
 * Starts the phone: opens its stores, registers the worker, and shows the screen the address asks for.
 * @module
 */
import { t } from "../domain/words.js";
import { Feedback } from "../capture/feedback.js";
import { PhoneError, problemOf, wordsOf } from "../domain/problems.js";
import { openPhone } from "../outbox/phone.js";
import { learn } from "../ui/language.js";
import { initBar, setBar, showAround } from "../ui/bar.js";
import { Router } from "../ui/router.js";
import { paintChrome, soundOn } from "../ui/settings.js";
import { toast } from "../ui/toast.js";
import { Flow } from "./flow.js";
import { home } from "./home.js";
import { Shell } from "./shell.js";
import { watchInstall } from "./install.js";
import { watchUpdates } from "./update.js";

/** @import {Problem} from '../domain/types.js' */
/** @import {Phone} from '../outbox/phone.js' */
/** @import {App, Screen} from './context.js' */

/**
 * Home is there at once; the others' code is fetched after it, or when somebody is quicker than that.
 * @type {[string, RegExp, () => Promise<Screen>][]}
 */
const SCREENS = [
  ["home", /^$/, async () => home],
  [
    "scan",
    /^scan\/(collect|drop_off|deliver|report|pack|return-start|return-done)$/,
    async () => (await tools()).withTools((await import("./scan.js")).scan),
  ],
  ["check", /^check$/, async () => (await import("./check.js")).check],
  ["photo", /^photo$/, async () => (await tools()).withTools((await import("./photo.js")).photo)],
  ["sign", /^sign$/, async () => (await import("./sign.js")).sign],
  ["done", /^done\/([^/]+)$/, async () => (await import("./done.js")).done],
  ["outbox", /^outbox$/, async () => (await import("./outbox.js")).outbox],
  ["tasks", /^tasks$/, async () => (await import("./tasks.js")).tasks],
  ["rescue", /^rescue$/, async () => (await import("./rescue.js")).rescue],
  ["me", /^me$/, async () => (await import("./me.js")).me],
  [
    "enrol",
    /^enrol(?:\/([^/]+))?$/,
    async () => (await tools()).withTools((await import("./enrol.js")).enrol),
  ],
  ["people", /^people$/, async () => (await import("./people.js")).people],
];
/** Sending begins when the first screen is drawn and has had a breath to itself, or after this long. */
const BREATH_MS = 150;
const RENEW_AFTER_MS = 10_000; // a start has better things to do
const AT_LATEST_MS = 1000;
/** The screens that share the camera; before one of them is shown there is nothing to put away. */
const WITH_CAMERA = new Set(["scan", "photo", "enrol"]);

/** @returns {Promise<typeof import('./tools.js')>} */
function tools() {
  return import("./tools.js");
}

/** @param {unknown} error storage that will not open, an address that is not secure: said where the screen would be */
async function cannotStart(error) {
  setBar({ title: "Baton", sub: "", flow: true });
  showAround(false);
  try {
    if (error instanceof PhoneError && error.code.startsWith("storage-")) {
      (await trouble()).showTrouble(mainOf(), error);
      return;
    }
  } catch {
    // without a network that part may be missing: the words alone have to do
  }
  const words = error instanceof PhoneError ? wordsOf(error) : t("Close Baton and open it again.");
  toast(t("Baton cannot start here. {words}", { words }), "stop", { stay: true });
}

/** @returns {Promise<typeof import('./storage-trouble.js')>} */
function trouble() {
  return import("./storage-trouble.js");
}

/**
 * A step that was not kept is never silent; where the storage died, the way on is another page. A part that the network
 * did not bring says so itself: no step waits for one.
 * @param {unknown} reason
 */
function notSaved(reason) {
  const { code } = problemOf(reason);
  if (code === "part-missing") {
    toast(wordsOf(reason), "attention");
    return;
  }
  const words = () => toast(t("Not saved. Close and reopen Baton."), "stop", { stay: true });
  if (code !== "storage-failed" && code !== "storage-unavailable") words();
  else void trouble().then(({ offerReload }) => offerReload(), words);
}

/** Whatever nobody caught may be a step that was not kept. */
function watchFailures() {
  addEventListener("unhandledrejection", ({ reason }) => notSaved(reason));
}

/** @param {Flow} flow its steps that could not be kept */
function watchFlow(flow) {
  flow.addEventListener("problem", (event) => {
    const { code, title, detail } = /** @type {CustomEvent<Problem>} */ (event).detail;
    if (code === "storage-failed") notSaved(new PhoneError(code, title, detail));
    else toast(wordsOf(new PhoneError(code, title, detail)), "stop");
  });
}

/** @param {App} app whose handover may go on in another tab */
function watchElsewhere(app) {
  const words = () =>
    toast(t("This handover went on in another tab. Close this tab and go on there."), "stop");
  app.flow.addEventListener("elsewhere", () => {
    void import("./elsewhere.js").then(({ offerAgain }) => offerAgain(app), words);
  });
}

/** @throws {PhoneError} this address, or this browser, cannot hold a handover */
function mustBeFit() {
  if (!isSecureContext) {
    throw new PhoneError(
      "not-secure",
      "This address is not secure (http).",
      "Ask the office for the https address: without it there is no camera and no seal.",
    );
  }
  if (typeof AbortSignal.timeout !== "function") {
    throw new PhoneError(
      "too-old",
      "This browser is too old.",
      "Baton needs iOS 16, Chrome 108 or Firefox 114, or newer: update it, or use another phone.",
    );
  }
}

/** Begun before all else: a refusal too is said in the language chosen. */
const learning = learn();

async function start() {
  initBar();
  watchFailures();
  paintChrome();
  watchInstall();
  mustBeFit();
  const phone = await openPhone().finally(() => learning);
  /** @type {App} */
  const app = {
    phone,
    feedback: new Feedback(soundOn),
    flow: new Flow(phone),
    shell: new Shell(phone),
  };
  await Promise.all([app.flow.load(), app.shell.read()]);
  if (!phone.hasPeople && phone.lostStores.length > 0) {
    toast(t("This is a new store. The old one is kept; ask your office for a new code."), "attention", {
      stay: true,
    });
  }
  watchFlow(app.flow);
  watchElsewhere(app);
  const routes = SCREENS.map(([name, pattern, code]) => ({
    name,
    pattern,
    load: async () => {
      const screen = await code();
      return (
        /** @type {HTMLElement} */ root,
        /** @type {string[]} */ params,
        /** @type {URLSearchParams} */ query,
      ) => screen(app, root, params, query);
    },
  }));
  const router = new Router(mainOf(), routes, detourOf(phone));
  let last = "";
  router.addEventListener("show", () => {
    showAround(phone.identity !== null);
    if (WITH_CAMERA.has(last) && !WITH_CAMERA.has(router.current)) {
      void tools().then((made) => made.putAway());
    }
    last = router.current;
  });
  app.shell.addEventListener("fresh", () => router.refresh());
  phone.addEventListener("person", () => void changePerson(app, router));
  router.addEventListener("lost", () => {
    toast(t("This screen is not on the phone yet. Open it once with a network."), "attention");
  });
  router.start();
  await drawn();
  phone.start();
  addEventListener("appinstalled", () => void phone.persist()); // a browser that said no before may say yes now
  watchNotices(phone);
  watchUpdates(() => !app.flow.isBegun);
}

/** A notice that was tapped opens what it is about; whoever agreed to be told stays so. @param {Phone} phone */
function watchNotices(phone) {
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    if (data?.type === "go" && String(data.hash).startsWith("#/")) location.hash = data.hash;
  });
  setTimeout(() => void renewTelling(phone), RENEW_AFTER_MS);
}

/** @param {Phone} phone */
async function renewTelling(phone) {
  try {
    await (await phone.telling()).renew();
  } catch (error) {
    if (!(error instanceof PhoneError)) throw error; // no network: the next start tries again
  }
}

/** What may be seen while nobody is signed in. */
const OPEN = /^#\/(?:people$|enrol(?:\/|$)|rescue$)/;

/** @param {Phone} phone @returns {() => string|null} */
function detourOf(phone) {
  return () => {
    if (phone.identity || (phone.hasPeople && OPEN.test(location.hash))) return null;
    return phone.hasPeople ? "#/people" : "#/enrol";
  };
}

/** What was open is put away for whoever began it, before anything of the next person is in sight. @param {App} app @param {Router} router */
async function changePerson({ flow, phone }, router) {
  router.leave();
  flow.putAway();
  const home = phone.identity ? "#/" : "#/people";
  if (location.hash === home || (home === "#/" && location.hash === "")) router.again();
  else location.replace(home);
  await flow.load();
  router.refresh();
}

/** @returns {Promise<void>} when the first screen can be seen; a page in the background is never drawn and waits no longer */
function drawn() {
  return new Promise((resolve) => {
    setTimeout(resolve, AT_LATEST_MS);
    requestAnimationFrame(() => setTimeout(resolve, BREATH_MS));
  });
}

/** @returns {HTMLElement} */
function mainOf() {
  const main = document.getElementById("screen");
  if (!main) throw new Error("no #screen in the shell");
  return main;
}

try {
  await start();
} catch (error) {
  await learning;
  await cannotStart(error);
  throw error; // an unforeseen one belongs in the console too
}
