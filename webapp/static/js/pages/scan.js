/**
 * Scan: every tag that passes the camera, or is typed, gets a verdict from the phone's own list and its place in the draft.
 * @module
 */
import { count, t } from "../domain/words.js";
import { Belief } from "../capture/belief.js";
import { say } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { codeText, draftName, itemName, runName } from "../ui/format.js";
import { go, goInstead } from "../ui/router.js";
import { ask, isAsking } from "../ui/sheet.js";
import { toast } from "../ui/toast.js";
import { button, cloneAll, el, on, part, text } from "../ui/template.js";
import { showCamera } from "./camera-view.js";
import { scanRoute } from "./flow.js";
import { showReader } from "./reader-view.js";
import { takeNewNames } from "./renamed.js";
import { counted, draftOf, isPlausible, judgeHere } from "./scan-judge.js";
import { blocked, listOf, photosToo, typeCode } from "./scan-sheets.js";
import { cueOf, showTakenOff, showVerdict } from "./scan-verdict.js";
import { asAttempt, dropPhotos, takeOff, takeScans } from "./scans.js";

/** @import {Kind, Scan} from '../domain/types.js' */
/** @import {Judged} from './scan-judge.js' */
/** @import {Read} from '../capture/decoder.js' */
/** @import {CaptureApp, CaptureScreen} from './context.js' */

/** Kinds that the office plans runs of. @type {Set<Kind>} */
const LISTED = new Set(["collect", "drop_off", "deliver"]);
/** A parcel just left out that comes into sight again is told, not asked about again. */
const ASK_AGAIN_MS = 20_000;

/** @type {CaptureScreen} */
export const scan = (app, root, [door = "collect"], query) => {
  const [kindText, stage] = door.split("-");
  const kind = /** @type {Kind} */ (kindText);
  const wanted = query.get("run");
  const { draft } = app.flow;
  const goesOn =
    draft !== null &&
    draft.ref === null && // an answer to the office is never mixed with anything else
    (draft.kind === kind || (kind === "deliver" && draft.kind === "attempt")) &&
    (kind !== "return" || draft.data.stage === stage) &&
    draft.run === wanted;
  if (draft && !goesOn && app.flow.isBegun) {
    void settleOther(app, door, wanted);
    return;
  }
  if (!goesOn) begin(app, kind, wanted, stage);
  else if (draft.kind !== kind) Object.assign(draft, { kind, reason: null, note: null }); // back from "could not deliver"
  return new ScanScreen(app, root).mounted;
};

/** @param {CaptureApp} app @param {Kind} kind @param {string|null} runId @param {string} [stage] of a return */
function begin(app, kind, runId, stage) {
  const run = runId ? app.phone.run(runId) : null;
  if (run) app.flow.beginRun(run);
  else app.flow.begin(kind, stage ? { data: { stage } } : {});
}

/** Another handover is unfinished: it is gone on with or thrown away, never mixed. @param {CaptureApp} app @param {string} door @param {string|null} run */
async function settleOther(app, door, run) {
  const other = app.flow.draft;
  if (!other) return;
  const answer = await ask(
    t("{what} is not finished", { what: itemName({ kind: other.kind, task: other.ref }) }),
    t("{parcels} scanned and not sealed yet.", { parcels: count(other.scans.length, "parcel") }),
    [
      { value: "on", label: t("Go on with it"), tone: "primary" },
      { value: "drop", label: t("Discard it and start new"), tone: "danger" },
      { value: "", label: t("Not now") },
    ],
  );
  if (app.flow.draft !== other) return;
  if (answer === "drop") {
    go((await app.flow.discard()) ? scanRoute(door, run) : "#/");
  } else {
    goInstead(answer === "on" ? app.flow.route : "#/");
  }
}

class ScanScreen {
  /** @type {CaptureApp} */ #app;
  /** @type {HTMLElement} */ #screen;
  /** @type {Belief} */ #belief;
  /** @type {Map<string, number>} codes left out, and when (ms) */ #leftOut = new Map();
  /** A sheet is open: what the camera sees meanwhile is not meant. */
  #asking = false;

  /** @param {CaptureApp} app @param {HTMLElement} root */
  constructor(app, root) {
    this.#app = app;
    this.#screen = cloneAll("scan");
    this.#belief = new Belief((words) => isPlausible(app, words));
    root.append(this.#screen);
    const { draft, run } = app.flow;
    if (!draft) throw new Error("a scan without a draft");
    setBar({
      title: draftName(draft),
      sub: run ? runName(draft.kind, run.title) : LISTED.has(draft.kind) ? t("Without a list") : "",
      flow: true,
      back: () => go("#/"),
    });
    this.#wire();
    this.#rename();
    void app.flow.toStep("scan");
    const leaveCamera = showCamera(this.#screen, app.camera, t("You can type the codes below."));
    app.decoder.start(app.camera.video);
    const onCamera = () => this.#hint();
    const leaveReader = showReader(this.#screen, app.decoder, t("Type the codes, or try again."));
    app.decoder.addEventListener("health", onCamera);
    app.camera.addEventListener("state", onCamera);
    const onRead = (/** @type {Event} */ event) =>
      this.#read(/** @type {CustomEvent<Read>} */ (event).detail);
    app.decoder.addEventListener("read", onRead);
    this.mounted = {
      refresh: () => this.#rename(),
      leave: () => {
        app.camera.removeEventListener("state", onCamera);
        app.decoder.removeEventListener("health", onCamera);
        leaveReader();
        app.decoder.removeEventListener("read", onRead);
        app.decoder.stop();
        leaveCamera();
      },
    };
  }

  #wire() {
    on(this.#screen, "type", "click", () => void this.#type());
    on(this.#screen, "undo", "click", () => void this.#undo());
    on(this.#screen, "list", "click", () => void this.#list());
    on(this.#screen, "next", "click", () => void this.#next());
    on(this.#screen, "failed", "click", () => void this.#couldNotDeliver());
  }

  get #draft() {
    return draftOf(this.#app);
  }

  /** @param {Read} read */
  #read(read) {
    if (this.#asking || isAsking() || document.visibilityState !== "visible") return;
    const words = this.#belief.offer(read);
    if (words !== null) void this.#handle(words, false);
  }

  /** @param {string} raw @param {boolean} typed @returns {Promise<void>} */
  async #handle(raw, typed) {
    const verdict = judgeHere(this.#app, raw);
    showVerdict(this.#screen, verdict);
    if (verdict.verdict === "known") {
      const kept = await this.#add(raw, verdict, typed, null);
      this.#app.feedback.give(kept ? cueOf(verdict) : "stop"); // the good sound means that it is kept
      return;
    }
    this.#app.feedback.give(cueOf(verdict));
    if (verdict.code === null || (verdict.verdict === "again" && !verdict.isDone)) return; // told, nothing to ask
    if (!typed && this.#wasLeftOut(verdict.code)) return;
    const answer = await this.#whileAsking(() => blocked(verdict, this.#app));
    if (answer.keep) {
      await this.#add(raw, verdict, typed, answer.reason);
    } else {
      this.#leftOut.set(verdict.code, performance.now());
      say(t("Left out"));
    }
  }

  /** @param {string} code @returns {boolean} a moment ago: told again, not asked again */
  #wasLeftOut(code) {
    return performance.now() - (this.#leftOut.get(code) ?? -Infinity) < ASK_AGAIN_MS;
  }

  /** @param {string} raw @param {Judged} verdict @param {boolean} typed @param {string|null} override @returns {Promise<boolean>} kept */
  async #add(raw, verdict, typed, override) {
    const at = new Date().toISOString();
    const scan = { code: verdict.code ?? raw, raw, verdict: verdict.verdict, at, typed, override };
    this.#takeScans([...this.#draft.scans, scan]);
    this.#tally();
    return this.#app.flow.save();
  }

  /** A list that has just come may know what was scanned before it. */
  #rename() {
    takeNewNames(this.#app);
    this.#tally();
  }

  /** @param {Scan[]} scans */
  #takeScans(scans) {
    if (takeScans(this.#draft, scans)) toast(t("Parcels changed: sign again."), "attention");
  }

  /** Until the first scan: what to do, with a camera or without. */
  #hint() {
    if (el(this.#screen, "verdict").dataset.tone !== "none" || this.#draft.scans.length > 0) return;
    const isBlind =
      this.#app.decoder.isBroken || ["refused", "missing", "busy", "failed"].includes(this.#app.camera.state);
    text(this.#screen, "verdict-word", isBlind ? t("Type the code") : t("Hold a tag in the frame"));
    const how = isBlind
      ? t("12 characters, printed under the QR")
      : t("QR, or the carrier’s barcode on the line");
    text(this.#screen, "verdict-about", how);
  }

  #tally() {
    const { flow } = this.#app;
    const draft = flow.draft;
    if (!draft) return;
    const { scanned, expected, missing } = counted(this.#app);
    const surplus = draft.scans.length - scanned;
    text(this.#screen, "n", String(scanned));
    text(
      this.#screen,
      "of",
      expected === null
        ? t("scanned")
        : `${t("of {due}", { due: expected })}${surplus > 0 ? ` + ${surplus}` : ""}`,
    );
    text(
      this.#screen,
      "list-text",
      expected === null || missing.length === 0 ? t("List") : t("{n} missing", { n: missing.length }),
    );
    const meter = part(this.#screen, "meter", HTMLProgressElement);
    meter.hidden = expected === null;
    meter.max = Math.max(1, expected ?? 1);
    meter.value = scanned;
    meter.dataset.full = String(expected !== null && missing.length === 0);
    const none = draft.scans.length === 0;
    button(this.#screen, "undo").disabled = none;
    button(this.#screen, "next").disabled = none;
    text(
      this.#screen,
      "next-text",
      flow.steps.check
        ? t("Check and count")
        : flow.steps.photo === "may" && !flow.steps.reason
          ? t("Photos and signature")
          : t("Photos"),
    );
    button(this.#screen, "failed").hidden = none || draft.kind !== "deliver";
  }

  /** @template T @param {() => Promise<T>} question @returns {Promise<T>} */
  async #whileAsking(question) {
    const before = this.#asking; // one sheet may lie over another
    this.#asking = true;
    try {
      return await question();
    } finally {
      this.#asking = before;
    }
  }

  #type() {
    const take = async (/** @type {string} */ raw) => {
      const { verdict } = judgeHere(this.#app, raw);
      if (verdict !== "invalid") await this.#handle(raw, true);
      return verdict !== "invalid";
    };
    return this.#whileAsking(() => typeCode(take));
  }

  async #undo() {
    const last = this.#draft.scans.at(-1);
    if (last) await this.#remove(last.code);
  }

  /** @param {string} code */
  async #remove(code) {
    const draft = this.#draft;
    this.#takeScans(draft.scans.filter((scan) => scan.code !== code));
    const own = takeOff(draft, code);
    this.#belief.forget();
    this.#tally();
    showTakenOff(this.#screen, code);
    say(t("Taken off: {code}", { code: codeText(code) }));
    await this.#app.flow.save();
    if (own.length === 0 || !(await this.#whileAsking(() => photosToo(code, own.length)))) return;
    dropPhotos(draft, own);
    await this.#app.flow.save();
  }

  #list() {
    return this.#whileAsking(() =>
      listOf(this.#app, this.#draft, counted(this.#app), (code) => this.#remove(code)),
    );
  }

  /** Fewer than the list says is a fact too, but one that is asked about. */
  async #next() {
    const { expected, missing } = counted(this.#app);
    if (expected !== null && missing.length > 0) {
      const answer = await this.#whileAsking(() =>
        ask(
          t("{parcels} missing", { parcels: count(missing.length, "parcel") }),
          t("The office sees the count you seal. Go on with what is here?"),
          [
            { value: "back", label: t("Scan on"), tone: "primary" },
            { value: "on", label: t("Go on without them") },
          ],
        ),
      );
      if (answer !== "on") return;
    }
    this.#draft.expected = expected;
    this.#app.flow.locate();
    const step = this.#app.flow.steps.check ? "check" : "photo";
    await this.#app.flow.toStep(step);
    go(`#/${step}`);
  }

  async #couldNotDeliver() {
    asAttempt(this.#draft);
    this.#app.flow.locate();
    await this.#app.flow.toStep("photo");
    go("#/photo");
  }
}
