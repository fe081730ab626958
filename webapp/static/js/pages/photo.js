/**
 * Photo: pictures from the same stream, kept the moment they are taken, with the tag cut out at full size when one is seen.
 * @module
 */
import { pictureOf, shotFrom, tagFrom } from "../capture/photo.js";
import { normalise } from "../domain/codes.js";
import { PhoneError, wordsOf } from "../domain/problems.js";
import { codeNow } from "../domain/verdict.js";
import { say, shout } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { codeText, count, draftName, runName } from "../ui/format.js";
import { go, goInstead } from "../ui/router.js";
import { toast } from "../ui/toast.js";
import { button, clone, cloneAll, el, on, part, text, textOrHide } from "../ui/template.js";
import { showCamera } from "./camera-view.js";
import { isSealedElsewhere, picturesOf, scanRouteOf } from "./flow.js";
import { viewPhoto } from "./photo-view.js";
import { fillReasons } from "./reasons.js";
import { takeNewNames } from "./renamed.js";

/** @import {OpenPhoto} from './flow.js' */
/** @import {Quality} from '../capture/sharpness.js' */
/** @import {CaptureApp, CaptureScreen} from './context.js' */

/** @type {Record<import('../capture/sharpness.js').Hint, string>} */
const HINTS = {
  blurred: "This photo looks blurred. Hold still, tap the small picture to take it again.",
  dark: "This photo is very dark. Use the light, or go where it is brighter.",
  bright: "This photo is too bright. Turn away from the light, tap the small picture to take it again.",
};

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
  /** The tags being cut out, one picture after the other: each has the reader's whole time for itself. */
  #cutting = Promise.resolve();
  #noRoom = false;

  /** @param {CaptureApp} app @param {HTMLElement} root */
  constructor(app, root) {
    this.#app = app;
    this.#screen = cloneAll("photo");
    root.append(this.#screen);
    const { draft, run, steps } = app.flow;
    if (!draft) throw new Error("a photo without a draft");
    const before = steps.check ? "#/check" : scanRouteOf(draft);
    const back = () => go(draft.ref ? "#/tasks" : before);
    setBar({
      title: draft.ref ? "Photo again" : "Photos",
      sub: `${draftName(draft)}${run ? ` · ${runName(draft.kind, run.title)}` : ""}`,
      flow: true,
      back,
    });
    el(this.#screen, "reason-field").hidden = !steps.reason || draft.ref !== null;
    if (steps.reason && draft.ref === null) {
      fillReasons(app, part(this.#screen, "reason", HTMLSelectElement), () => this.#show());
    }
    this.#wire();
    void app.flow.toStep("photo");
    takeNewNames(app);
    const leaveCamera = showCamera(this.#screen, app.camera, "Use “From phone” below instead.");
    const onState = () => this.#show();
    app.camera.addEventListener("state", onState);
    app.decoder.warm();
    void this.#loadThumbs();
    this.#show();
    this.mounted = {
      refresh: () => takeNewNames(app) && this.#show(),
      leave: () => {
        app.camera.removeEventListener("state", onState);
        leaveCamera();
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
      for (const file of input.files ?? []) {
        await this.#take(() => pictureOf(file));
        await this.#cutting; // one large picture in memory at a time
      }
      input.value = "";
    });
  }

  /** @returns {import('./flow.js').OpenDraft} */
  get #draft() {
    const { draft } = this.#app.flow;
    if (!draft) throw new Error("the draft is gone");
    return draft;
  }

  async #shoot() {
    const { video } = this.#app.camera;
    if (this.#app.camera.state !== "live" || video.videoWidth === 0) return;
    const flash = el(this.#screen, "flash");
    flash.classList.remove("is-on");
    void flash.offsetWidth;
    flash.classList.add("is-on");
    this.#app.feedback.give("shot");
    await this.#take(() => createImageBitmap(video));
  }

  /** Keeps one picture; whatever goes wrong is said and costs only this one. @param {() => Promise<ImageBitmap>} source */
  async #take(source) {
    const parcel = part(this.#screen, "target", HTMLSelectElement).value || null; // as it stood at the press
    const draft = this.#draft; // whoever is signed in when the picture is ready
    try {
      const picture = await source();
      const shot = await shotFrom(picture);
      const kept = await this.#app.phone.storePhoto(shot.bytes, shot.type, draft.owner);
      if (this.#app.flow.draft !== draft) {
        picture.close();
        return;
      }
      this.#noRoom = false;
      if (picturesOf(draft).some(({ sha256 }) => sha256 === kept.sha256)) {
        picture.close();
        toast("That photo is there already.", "attention");
        return;
      }
      /** @type {OpenPhoto} */
      const entry = { ...kept, role: "photo", parcel: this.#nameNow(parcel) };
      draft.photos.push(entry);
      this.#quality.set(kept.sha256, shot.quality);
      this.#urls.set(kept.sha256, URL.createObjectURL(new Blob([shot.bytes], { type: shot.type })));
      await this.#app.flow.save();
      this.#advance();
      this.#show(shot.quality);
      this.#later(picture, entry);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** What the list calls this parcel by now. @param {string|null} code @returns {string|null} */
  #nameNow(code) {
    return code && codeNow(code, this.#app.phone.worklist);
  }

  /** @param {unknown} error */
  #failed(error) {
    this.#noRoom = error instanceof PhoneError && error.code === "storage-full";
    if (error instanceof PhoneError) toast(wordsOf(error), "stop");
    else toast("This picture could not be read. Take another one.", "stop");
    this.#show();
  }

  /** @param {ImageBitmap} picture is closed @param {OpenPhoto} entry */
  #later(picture, entry) {
    this.#cutting = this.#cutting
      .then(() => this.#cutTags(picture, entry))
      .catch(() => undefined) // a tag is a bonus, the photo is kept
      .finally(() => picture.close());
  }

  /** The tags of this handover that the picture shows, at its full size. @param {ImageBitmap} picture @param {OpenPhoto} entry */
  async #cutTags(picture, entry) {
    const draft = this.#draft;
    const symbols = await this.#app.decoder.still(await createImageBitmap(picture));
    const codes = new Set(draft.scans.map(({ code }) => code));
    const mine = symbols.filter(({ text: words }) => codes.has(normalise(words) ?? ""));
    for (const symbol of mine) {
      const tag = await tagFrom(picture, symbol);
      const kept = await this.#app.phone.storePhoto(tag.bytes, tag.type, draft.owner);
      const parcel = normalise(symbol.text);
      if (!draft.photos.includes(entry) || draft.photos.some(({ sha256 }) => sha256 === kept.sha256)) {
        continue;
      }
      draft.photos.push({ ...kept, role: "tag", parcel, of: entry.sha256 });
    }
    if (mine.length > 0 && this.#app.flow.draft === draft) {
      await this.#app.flow.save();
      this.#show();
    }
  }

  /** Per parcel: on to the next one without a photo. */
  #advance() {
    if (!this.#perParcel) return;
    const target = part(this.#screen, "target", HTMLSelectElement);
    target.value = this.#bare()[0] ?? target.value;
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
    for (const { sha256, type } of picturesOf(this.#draft)) {
      const bytes = await this.#app.phone.blob(sha256);
      if (bytes) this.#urls.set(sha256, URL.createObjectURL(new Blob([bytes], { type })));
    }
    this.#show();
  }

  /** @param {Quality} [fresh] of the photo just taken */
  #show(fresh) {
    const { draft, steps } = this.#app.flow;
    if (!draft) return;
    const pictures = picturesOf(draft);
    this.#showTargets();
    el(this.#screen, "thumbs").replaceChildren(...pictures.map((entry, index) => this.#thumb(entry, index)));
    text(this.#screen, "count", count(pictures.length, "photo"));
    button(this.#screen, "shutter").disabled = this.#app.camera.state !== "live";
    const bare = this.#perParcel ? this.#bare().length : 0;
    const missing = (steps.photo === "must" && pictures.length === 0) || bare > 0;
    const reasonMissing = steps.reason && !draft.reason;
    button(this.#screen, "next").disabled = (missing && !this.#noRoom) || reasonMissing;
    text(
      this.#screen,
      "next-text",
      steps.sign ? (pictures.length === 0 && !missing ? "No photo, signature" : "Signature") : "Seal",
    );
    textOrHide(this.#screen, "why", this.#why(pictures.length, bare, reasonMissing));
    if (fresh) {
      textOrHide(this.#screen, "hint", fresh.hint ? HINTS[fresh.hint] : null);
      if (fresh.hint) shout(HINTS[fresh.hint]);
      else say(count(pictures.length, "photo"));
    }
  }

  /** @param {number} n @param {number} bare @param {boolean} reasonMissing @returns {string|null} */
  #why(n, bare, reasonMissing) {
    if (this.#noRoom) return "No room for more photos on this phone. You can go on without.";
    if (reasonMissing && n > 0) return "Choose what happened, then seal.";
    if (bare > 0) return `${count(bare, "parcel")} without a photo: one each, with the tag in sight.`;
    if (n > 0) return null;
    return this.#draft.ref
      ? `The office asks: ${this.#draft.ask ?? "a better photo"}`
      : "Show all parcels, labels and tags towards you.";
  }

  #showTargets() {
    const field = el(this.#screen, "target-field");
    const target = part(this.#screen, "target", HTMLSelectElement);
    const { scans } = this.#draft;
    field.hidden = scans.length < 2;
    const shown = new Set(picturesOf(this.#draft).map(({ parcel }) => parcel));
    const options = [
      ["", `This photo shows all ${scans.length} parcels`],
      ...scans.map(({ code }) => [code, `${shown.has(code) ? "✓ " : ""}Only ${codeText(code)}`]),
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
    text(
      item,
      "name",
      `Photo ${index + 1}${entry.parcel ? ` of ${codeText(entry.parcel)}` : ""}${hint ? `, ${hint}` : ""}: look or take again`,
    );
    on(item, "open", "click", () => void this.#view(entry, index));
    return item;
  }

  /** @param {OpenPhoto} entry @param {number} index */
  async #view(entry, index) {
    const hint = this.#quality.get(entry.sha256)?.hint ?? null;
    const kept = await viewPhoto(entry, index, this.#urls.get(entry.sha256) ?? "", hint && HINTS[hint]);
    if (kept) return;
    const draft = this.#draft;
    draft.photos = draft.photos.filter((other) => other !== entry && other.of !== entry.sha256); // and the tags cut from it
    el(this.#screen, "hint").hidden = true;
    await this.#app.flow.save();
    this.#show();
    say("Photo deleted");
  }

  async #next() {
    await this.#cutting;
    if (this.#app.flow.steps.sign) {
      await this.#app.flow.toStep("sign");
      go("#/sign");
      return;
    }
    try {
      const id = await this.#app.flow.seal();
      this.#app.feedback.give("sealed");
      goInstead(`#/done/${id}`);
    } catch (error) {
      toast(`Not sealed: ${wordsOf(error)}`, "stop", { stay: true });
      if (isSealedElsewhere(error)) goInstead(this.#app.flow.route);
    }
  }
}
