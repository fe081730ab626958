/**
 * Sign: the other person's name, role and signature, and the answer whether all is intact. Then the seal.
 * @module
 */
import { count, t } from "../domain/words.js";
import { Signature } from "../capture/signature.js";
import { told } from "../capture/strokes.js";
import { say, shout } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { draftName, runName } from "../ui/format.js";
import { go, goInstead } from "../ui/router.js";
import { button, cloneAll, el, on, part, text, textOrHide } from "../ui/template.js";
import { notSealed } from "./elsewhere.js";
import { picturesOf } from "./flow.js";
import { takeNewNames } from "./renamed.js";
import { isAgreed } from "./scans.js";

/** @import {CounterpartRole} from '../domain/types.js' */
/** @import {OpenDraft} from './flow.js' */
/** @import {App, Screen} from './context.js' */

/** @type {Screen} */
export const sign = (app, root) => {
  if (!app.flow.draft?.scans.length) {
    goInstead(app.flow.route);
    return;
  }
  return new SignScreen(app, root).mounted;
};

class SignScreen {
  /** @type {App} */ #app;
  /** @type {HTMLElement} */ #screen;
  /** @type {Signature} */ #signature;
  /** @type {HTMLInputElement} */ #name;
  /** @type {HTMLSelectElement} */ #role;
  /** @type {HTMLTextAreaElement} */ #note;
  #sealing = false;
  #saveSoon = 0;

  /** @param {App} app @param {HTMLElement} root */
  constructor(app, root) {
    this.#app = app;
    this.#screen = cloneAll("sign");
    root.append(this.#screen);
    const { draft, run, steps } = app.flow;
    if (!draft) throw new Error("a signature without a draft");
    setBar({
      title: t("Signature"),
      sub: `${draftName(draft)}${run ? ` · ${runName(draft.kind, run.title)}` : ""}`,
      flow: true,
      back: () => go("#/photo"),
    });
    this.#name = part(this.#screen, "name", HTMLInputElement);
    this.#role = part(this.#screen, "role", HTMLSelectElement);
    this.#note = part(this.#screen, "note", HTMLTextAreaElement);
    takeNewNames(app);
    this.#offerRecipient();
    this.#name.value = draft.counterpart?.name ?? "";
    this.#role.value = draft.counterpart?.role ?? steps.role;
    this.#note.value = draft.note ?? "";
    this.#showSet(draft);
    this.#signature = new Signature(part(this.#screen, "pad", HTMLCanvasElement), draft.pad ?? []);
    this.#wire();
    this.#showPad();
    this.#showNote();
    void app.flow.toStep("sign");
    this.mounted = {
      refresh: () => this.#refresh(),
      leave: () => {
        clearTimeout(this.#saveSoon);
        this.#signature.close();
        if (app.flow.draft) void app.flow.save();
      },
    };
  }

  /** Two codes may turn out one parcel while this screen is in sight: nobody has signed for that set. */
  #refresh() {
    const { draft } = this.#app.flow;
    if (!draft || this.#sealing || !takeNewNames(this.#app)) return;
    if (!isAgreed(draft)) this.#signature.clear();
    this.#showSet(draft);
    this.#showNote();
  }

  /** How many of what, and the answer given for them. @param {OpenDraft} draft */
  #showSet(draft) {
    const { length } = draft.scans;
    text(this.#screen, "sum-parcels", count(length, "parcel"));
    text(this.#screen, "sum-photos", count(picturesOf(draft).length, "photo"));
    text(
      this.#screen,
      "intact-q",
      length === 1 ? t("Is the parcel intact?") : t("Are all {n} parcels intact?", { n: length }),
    );
    for (const radio of this.#intactRadios()) {
      radio.checked = draft.intact !== null && radio.value === (draft.intact ? "yes" : "no");
    }
  }

  /** The name on the label, one press away; most doors are opened by somebody else, so it is not filled in unasked. */
  #offerRecipient() {
    const { draft } = this.#app.flow;
    if (draft?.kind !== "deliver") return;
    const names = new Set(draft.scans.map(({ code }) => this.#app.phone.parcel(code)?.recipient?.name));
    const [name] = names;
    textOrHide(this.#screen, "to", names.size === 1 && name ? name : null);
    on(this.#screen, "to", "click", () => {
      this.#name.value = name ?? "";
      this.#role.value = "recipient";
      this.#keep();
    });
  }

  #intactRadios() {
    return [...this.#screen.querySelectorAll("input")].filter(({ name }) => name === "intact");
  }

  #wire() {
    on(this.#screen, "form", "submit", (event) => {
      event.preventDefault();
      void this.#seal();
    });
    this.#name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return; // the keyboard's own "done" ends the typing, and seals nothing
      event.preventDefault();
      this.#name.blur();
    });
    on(this.#screen, "form", "input", () => this.#keep());
    on(this.#screen, "form", "change", () => this.#keep());
    on(this.#screen, "clear", "click", () => this.#signature.clear());
    for (const event of ["stroke", "clear"]) {
      this.#signature.addEventListener(event, () => {
        if (this.#app.flow.draft) this.#app.flow.draft.pad = this.#signature.strokes;
        this.#showPad();
        void this.#app.flow.save();
      });
    }
  }

  /** What is on the form goes into the draft; typing is saved when the fingers rest. */
  #keep() {
    const { draft } = this.#app.flow;
    if (!draft) return;
    const chosen = this.#intactRadios().find(({ checked }) => checked);
    draft.intact = chosen ? chosen.value === "yes" : null;
    const name = this.#name.value.trim();
    draft.counterpart = name ? { name, role: /** @type {CounterpartRole} */ (this.#role.value) } : null;
    draft.note = draft.intact === false ? this.#note.value.trim() || null : null;
    this.#showNote();
    if (chosen) el(this.#screen, "intact-error").hidden = true;
    if (name) this.#wrong("name", false);
    if (draft.note) this.#wrong("note", false);
    clearTimeout(this.#saveSoon);
    this.#saveSoon = window.setTimeout(() => void this.#app.flow.save(), 250);
  }

  #showNote() {
    el(this.#screen, "note-field").hidden = this.#app.flow.draft?.intact !== false;
  }

  #showPad() {
    const has = this.#signature.strokes.length > 0;
    button(this.#screen, "clear").disabled = !has;
    el(this.#screen, "pad-hint").hidden = has;
    text(
      this.#screen,
      "pad-state",
      this.#signature.isSigned ? t("signed") : has ? t("only a dot") : t("empty"),
    );
    if (this.#signature.isSigned) el(this.#screen, "pad-error").hidden = true;
  }

  /** @param {'name'|'note'} field @param {boolean} wrong */
  #wrong(field, wrong) {
    el(this.#screen, `${field}-error`).hidden = !wrong;
    el(this.#screen, field).setAttribute("aria-invalid", String(wrong));
  }

  /** @returns {HTMLElement|null} the first thing that is missing */
  #missing() {
    const { draft } = this.#app.flow;
    const noAnswer = draft?.intact === null;
    const noNote = draft?.intact === false && !draft.note;
    const noName = !draft?.counterpart;
    const noInk = !this.#signature.isSigned;
    el(this.#screen, "intact-error").hidden = !noAnswer;
    this.#wrong("note", noNote);
    this.#wrong("name", noName);
    el(this.#screen, "pad-error").hidden = !noInk;
    text(
      this.#screen,
      "pad-error",
      this.#signature.strokes.length > 0
        ? t("That is only a dot: sign with your name.")
        : t("Nobody has signed yet."),
    );
    if (noAnswer) return this.#intactRadios()[0] ?? null;
    if (noNote) return this.#note;
    if (noName) return this.#name;
    return noInk ? el(this.#screen, "pad-box") : null;
  }

  async #seal() {
    if (this.#sealing) return;
    this.#keep();
    const missing = this.#missing();
    if (missing) {
      missing.scrollIntoView({ block: "center", behavior: "smooth" });
      missing.focus({ preventScroll: true });
      this.#app.feedback.give("warn");
      shout(t("Something is missing before it can be sealed."));
      return;
    }
    this.#sealing = true;
    button(this.#screen, "seal").disabled = true;
    text(this.#screen, "seal-text", t("Sealing …"));
    try {
      const id = await this.#sealNow();
      this.#app.feedback.give("sealed");
      say(t("Sealed and saved on this phone"));
      goInstead(`#/done/${id}`);
    } catch (error) {
      notSealed(this.#app, error);
    } finally {
      this.#sealing = false;
      button(this.#screen, "seal").disabled = false;
      text(this.#screen, "seal-text", t("Seal the handover"));
    }
  }

  /** @returns {Promise<string>} the event's id */
  async #sealNow() {
    const { draft } = this.#app.flow;
    clearTimeout(this.#saveSoon);
    const { bytes, type } = await this.#signature.png();
    const kept = await this.#app.phone.storePhoto(bytes, type, draft?.owner);
    if (draft) {
      draft.signature = { ...kept, strokes: this.#signature.strokes };
      draft.data = { ...draft.data, signature: told(this.#signature.strokes) };
    }
    return this.#app.flow.seal(draft);
  }
}
