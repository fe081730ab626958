/**
 * Photo: pictures from the same stream, kept the moment they are taken, with the tag cut out at full size when one is seen.
 * @module
 */
import { count, t } from "../domain/words.js";
import { PhoneError, wordsOf } from "../domain/problems.js";
import { codeNow } from "../domain/verdict.js";
import { say, shout } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { codeText } from "../ui/format.js";
import { go, goInstead } from "../ui/router.js";
import { toast } from "../ui/toast.js";
import { button, clone, cloneAll, el, on, part, setIcon, text, textOrHide } from "../ui/template.js";
import { showCamera } from "./camera-view.js";
import { notSealed } from "./elsewhere.js";
import { picturesOf, scanRouteOf } from "./flow.js";
import { PhotoNote } from "./photo-note.js";
import { viewPhoto } from "./photo-view.js";
import { HINTS, aboutOf, faultName, whatToShow } from "./photo-words.js";
import { fillReasons } from "./reasons.js";
import { takeNewNames } from "./renamed.js";
import { dropPhotos } from "./scans.js";
import { Shots, isThere } from "./shots.js";

/** @import {OpenDraft, OpenPhoto, Steps} from './flow.js' */
/** @import {Kept} from './shots.js' */
/** @import {Quality} from '../capture/sharpness.js' */
/** @import {CaptureApp, CaptureScreen} from './context.js' */

/** @type {CaptureScreen} */
export const photo = (app, root) => {
  if (!app.flow.draft?.scans.length) {
    goInstead(app.flow.route);
    return;
  }
  return new PhotoScreen(app, root).mounted;
};

class PhotoScreen {
  /** @type {CaptureApp} */ #app;
  /** @type {HTMLElement} */ #screen;
  /** @type {Map<string, string>} digest → object URL */ #urls = new Map();
  /** @type {Map<string, Quality>} */ #quality = new Map();
  /** @type {OpenDraft} */ #draft;
  /** @type {Steps} */ #steps;
  /** @type {Shots} */ #shots;
  /** @type {PhotoNote} */ #note;
  #noRoom = false;
  /** The button that goes on was pressed: nothing is added or taken away until it has. */
  #going = false;
  #hasLeft = false;

  /** @param {CaptureApp} app @param {HTMLElement} root */
  constructor(app, root) {
    this.#app = app;
    this.#screen = cloneAll("photo");
    root.append(this.#screen);
    const { draft, run, steps } = app.flow;
    if (!draft) throw new Error("a photo without a draft");
    this.#draft = draft;
    this.#steps = steps;
    this.#shots = new Shots(app, draft);
    this.#note = new PhotoNote(app, this.#screen, draft, () => this.#showNext());
    const before = steps.check ? "#/check" : scanRouteOf(draft);
    const back = () => go(draft.ref ? "#/tasks" : before);
    takeNewNames(app);
    setBar({ title: draft.ref ? t("Photo again") : t("Photos"), sub: aboutOf(draft, run), flow: true, back });
    el(this.#screen, "reason-field").hidden = !steps.reason || draft.ref !== null;
    if (steps.reason && draft.ref === null) {
      fillReasons(app, part(this.#screen, "reason", HTMLSelectElement), () => {
        this.#note.keep();
        this.#showNext();
      });
    }
    this.#wire();
    void app.flow.toStep("photo");
    const leaveCamera = showCamera(this.#screen, app.camera, t("Use “Camera app” below instead."));
    const onState = () => this.#show();
    app.camera.addEventListener("state", onState);
    app.decoder.warm();
    void this.#loadThumbs();
    this.#show();
    this.mounted = {
      refresh: () => takeNewNames(app) && this.#show(),
      leave: () => {
        this.#hasLeft = true;
        app.camera.removeEventListener("state", onState);
        leaveCamera();
        this.#note.leave();
        for (const url of this.#urls.values()) URL.revokeObjectURL(url);
      },
    };
  }

  #wire() {
    on(this.#screen, "shutter", "click", () => void this.#shoot());
    on(this.#screen, "next", "click", () => void this.#next());
    on(this.#screen, "target", "change", () => this.#show());
    on(this.#screen, "file", "change", async (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      await this.#shots.read([...(input.files ?? [])], this.#target);
      input.value = "";
    });
    this.#shots.addEventListener("begun", () => this.#advance());
    this.#shots.addEventListener("tags", () => this.#show());
    this.#shots.addEventListener("kept", (event) =>
      this.#kept(/** @type {CustomEvent<Kept>} */ (event).detail),
    );
    this.#shots.addEventListener("failed", (event) =>
      this.#failed(/** @type {CustomEvent<unknown>} */ (event).detail),
    );
  }

  async #shoot() {
    const { video } = this.#app.camera;
    if (this.#going || this.#app.camera.state !== "live" || video.videoWidth === 0) return;
    const flash = el(this.#screen, "flash");
    flash.classList.remove("is-on");
    void flash.offsetWidth;
    flash.classList.add("is-on");
    this.#app.feedback.give("shot");
    await this.#shots.shoot(createImageBitmap(video), this.#target());
  }

  /** @returns {string|null} whom the next picture shows; null: all */
  #target = () => part(this.#screen, "target", HTMLSelectElement).value || null;

  /** What the list calls this parcel by now. @param {string|null} code @returns {string|null} */
  #nameNow(code) {
    return code && codeNow(code, this.#app.phone.worklist);
  }

  /** @param {Kept} kept */
  #kept({ entry: { sha256 }, shot }) {
    if (this.#hasLeft) return;
    this.#noRoom = false;
    this.#quality.set(sha256, shot.quality);
    this.#urls.set(sha256, URL.createObjectURL(new Blob([shot.bytes], { type: shot.type })));
    this.#show(shot.quality);
  }

  /** @param {unknown} error */
  #failed(error) {
    this.#noRoom = error instanceof PhoneError && error.code === "storage-full";
    const words =
      error instanceof PhoneError ? wordsOf(error) : t("This picture could not be read. Take another one.");
    toast(words, isThere(error) ? "attention" : "stop");
    if (this.#target() !== null && !this.#bare().includes(this.#target() ?? "")) this.#advance();
    this.#show();
  }

  /** Per parcel: on to the next one without a photo, at the press: a quick hand is ahead of the storage. */
  #advance() {
    if (!this.#perParcel) return;
    const target = part(this.#screen, "target", HTMLSelectElement);
    const next = this.#bare().find((code) => !this.#shots.coming.includes(code));
    target.value = next ?? target.value;
  }

  get #perParcel() {
    return (
      this.#app.phone.rules?.policies.photo?.[this.#draft.kind] === "each" && this.#draft.scans.length > 1
    );
  }

  /** @returns {string[]} parcels without a photo of their own */
  #bare() {
    const shown = new Set(picturesOf(this.#draft).map(({ parcel }) => parcel));
    return this.#draft.scans.map(({ code }) => code).filter((code) => !shown.has(code));
  }

  async #loadThumbs() {
    await this.#app.flow.added(); // some may still come from before this screen was left and opened again
    for (const { sha256, type } of picturesOf(this.#draft)) {
      const bytes = this.#urls.has(sha256) ? null : await this.#app.phone.blob(sha256);
      if (this.#hasLeft) return;
      if (bytes) this.#urls.set(sha256, URL.createObjectURL(new Blob([bytes], { type })));
    }
    this.#show();
  }

  /** @param {Quality} [fresh] of the photo just taken */
  #show(fresh) {
    if (this.#hasLeft) return;
    const pictures = picturesOf(this.#draft);
    this.#showTargets();
    el(this.#screen, "thumbs").replaceChildren(...pictures.map((entry, index) => this.#thumb(entry, index)));
    text(this.#screen, "count", count(pictures.length, "photo"));
    button(this.#screen, "shutter").disabled = this.#going || this.#app.camera.state !== "live";
    part(this.#screen, "file", HTMLInputElement).disabled = this.#going;
    this.#showNext();
    if (fresh) {
      textOrHide(this.#screen, "hint", fresh.hint ? t(HINTS[fresh.hint]) : null);
      if (fresh.hint) shout(t(HINTS[fresh.hint]));
      else say(count(pictures.length, "photo"));
    }
  }

  #showNext() {
    const { length } = picturesOf(this.#draft);
    button(this.#screen, "next").disabled = this.#going || this.#isHeld();
    text(this.#screen, "next-text", this.#nextText(length === 0 && !this.#lacks().missing));
    setIcon(this.#screen, "next-icon", this.#steps.sign ? "arrow-right" : "shield-check");
    textOrHide(this.#screen, "why", this.#why(length));
  }

  /** @returns {{bare:number, missing:boolean, reasonMissing:boolean, noteMissing:boolean}} what must be there before it goes on */
  #lacks() {
    const bare = this.#perParcel ? this.#bare().length : 0;
    const missing = (this.#steps.photo === "must" && picturesOf(this.#draft).length === 0) || bare > 0;
    return {
      bare,
      missing,
      reasonMissing: this.#steps.reason && !this.#draft.reason,
      noteMissing: this.#note.isMissing,
    };
  }

  /** @returns {boolean} it cannot go on yet */
  #isHeld() {
    const { missing, reasonMissing, noteMissing } = this.#lacks();
    return (missing && !this.#noRoom) || reasonMissing || noteMissing;
  }

  /** @param {boolean} without a photo, which is allowed @returns {string} */
  #nextText(without) {
    if (this.#going) return this.#steps.sign ? t("Keeping the photo …") : t("Sealing …");
    if (!this.#steps.sign) return t("Seal it");
    return without ? t("No photo, signature") : t("Signature");
  }

  /** @param {number} n photos taken @returns {string|null} */
  #why(n) {
    const { bare, reasonMissing, noteMissing } = this.#lacks();
    if (this.#noRoom) return t("No room for more photos on this phone. You can go on without.");
    if (reasonMissing && n > 0) return t("Choose what happened, then go on.");
    if (noteMissing && n > 0) return t("Say in a few words what it is, then go on.");
    if (bare > 0) {
      return t("{parcels} without a photo: one each, with the tag in sight.", {
        parcels: count(bare, "parcel"),
      });
    }
    return n > 0 ? null : whatToShow(this.#draft);
  }

  #showTargets() {
    const field = el(this.#screen, "target-field");
    const target = part(this.#screen, "target", HTMLSelectElement);
    const { scans } = this.#draft;
    field.hidden = scans.length < 2;
    const shown = new Set(picturesOf(this.#draft).map(({ parcel }) => parcel));
    const options = [
      ["", t("Next photo: all {n} parcels", { n: scans.length })],
      ...scans.map(({ code }) => [
        code,
        `${shown.has(code) ? "✓ " : ""}${t("Only {code}", { code: codeText(code) })}`,
      ]),
    ];
    const isFirst = target.options.length === 0 && this.#perParcel;
    const chosen = isFirst ? (this.#bare()[0] ?? "") : (this.#nameNow(target.value) ?? "");
    target.replaceChildren(
      ...options.map(([value, label]) => new Option(label, value, false, value === chosen)),
    );
  }

  /** @param {OpenPhoto} entry @param {number} index @returns {HTMLElement} */
  #thumb(entry, index) {
    const item = clone("thumb");
    part(item, "img", HTMLImageElement).src = this.#urls.get(entry.sha256) ?? "";
    const hint = this.#quality.get(entry.sha256)?.hint ?? null;
    el(item, "mark").hidden = hint === null;
    const name = entry.parcel
      ? t("Photo {n} of {code}", { n: index + 1, code: codeText(entry.parcel) })
      : t("Photo {n}", { n: index + 1 });
    text(item, "name", `${name}${hint ? `, ${faultName(hint)}` : ""}: ${t("look or take again")}`);
    on(item, "open", "click", () => void this.#view(entry, index));
    return item;
  }

  /** @param {OpenPhoto} entry @param {number} index */
  async #view(entry, index) {
    if (this.#going) return;
    const hint = this.#quality.get(entry.sha256)?.hint ?? null;
    const kept = await viewPhoto(entry, index, this.#urls.get(entry.sha256) ?? "", hint && t(HINTS[hint]));
    if (kept) return;
    dropPhotos(this.#draft, [entry]);
    el(this.#screen, "hint").hidden = true;
    await this.#app.flow.save();
    this.#show();
    say(t("Photo deleted"));
  }

  async #next() {
    if (this.#going) return;
    this.#going = true;
    this.#show();
    this.#going = await this.#goOn();
    this.#show();
  }

  /**
   * Not without a picture that was pressed for before, and not when the person has left meanwhile.
   * @returns {Promise<boolean>} another screen comes
   */
  async #goOn() {
    const { flow, feedback } = this.#app;
    const { failures } = this.#shots;
    await this.#shots.settled();
    if (this.#hasLeft || this.#shots.failures > failures || this.#isHeld()) return false;
    if (this.#steps.sign) {
      await flow.toStep("sign");
      if (!this.#hasLeft) go("#/sign");
      return true;
    }
    try {
      const id = await flow.seal(this.#draft);
      feedback.give("sealed");
      goInstead(`#/done/${id}`);
      return true;
    } catch (error) {
      notSealed(this.#app, error);
      return false;
    }
  }
}
