/**
 * Check: what was ordered of each parcel, the pieces counted, and the points of the packing checklist. Then the photos.
 * @module
 */
import { count, t } from "../domain/words.js";
import { answersOf, countsOf, pointsFor, sealedAnswers } from "../domain/packing.js";
import { say, shout } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { codeText, parcelsText } from "../ui/format.js";
import { go, goInstead } from "../ui/router.js";
import { ask } from "../ui/sheet.js";
import { button, clone, cloneAll, el, on, part, text, textOrHide } from "../ui/template.js";
import { scanRouteOf } from "./flow.js";
import { takeNewNames } from "./renamed.js";

/** @import {Point} from '../domain/types.js' */
/** @import {OpenDraft} from './flow.js' */
/** @import {App, Screen} from './context.js' */

/** More of one parcel nobody counts by hand. */
const MOST = 999;

/** @type {Screen} */
export const check = (app, root) => {
  const { draft } = app.flow;
  if (!draft?.scans.length || !app.flow.steps.check) {
    goInstead(app.flow.route);
    return;
  }
  return new CheckScreen(app, root, draft).mounted;
};

class CheckScreen {
  /** @type {App} */ #app;
  /** @type {HTMLElement} */ #screen;
  /** @type {OpenDraft} */ #draft;

  /** @param {App} app @param {HTMLElement} root @param {OpenDraft} draft */
  constructor(app, root, draft) {
    this.#app = app;
    this.#draft = draft;
    this.#screen = cloneAll("check");
    root.append(this.#screen);
    setBar({
      title: t("Check"),
      sub: count(draft.scans.length, "parcel"),
      flow: true,
      back: () => go(scanRouteOf(draft)),
    });
    takeNewNames(app);
    on(this.#screen, "form", "submit", (event) => {
      event.preventDefault();
      void this.#next();
    });
    void app.flow.toStep("check");
    this.#show();
    this.mounted = { refresh: () => takeNewNames(app) && this.#show(), leave: () => void app.flow.save() };
  }

  /** @param {string} code @returns {import('../domain/types.js').Parcel|null} */
  #parcel = (code) => this.#app.phone.parcel(code);

  /** @returns {Point[]} */
  get #points() {
    const delicate = this.#draft.scans.some(({ code }) => this.#parcel(code)?.fragile);
    return pointsFor(this.#app.phone.rules, delicate);
  }

  #show() {
    el(this.#screen, "parcels").replaceChildren(...this.#draft.scans.map(({ code }) => this.#card(code)));
    const { checklist } = answersOf(this.#draft);
    el(this.#screen, "points").replaceChildren(
      ...this.#points.map(({ code, label }) => {
        const choice = clone("check-point");
        const input = part(choice, "input", HTMLInputElement);
        input.checked = checklist[code] === true;
        text(choice, "label", t(label));
        input.addEventListener("change", () => this.#tick(code, input.checked));
        return choice;
      }),
    );
    el(this.#screen, "points-set").hidden = this.#points.length === 0;
  }

  /** @param {string} code @returns {HTMLElement} */
  #card(code) {
    const card = clone("check-parcel");
    const parcel = this.#parcel(code);
    el(card, "fragile").hidden = !parcel?.fragile;
    el(card, "danger").hidden = !parcel?.dangerous;
    text(card, "code", codeText(code));
    el(card, "counter").setAttribute("aria-label", t("Pieces inside {code}", { code: codeText(code) }));
    const lines = parcel?.lines ?? [];
    el(card, "lines").hidden = lines.length === 0;
    el(card, "lines").replaceChildren(
      ...lines.map(({ product, variation, quantity }) => {
        const line = clone("check-line");
        text(line, "quantity", `${quantity} ×`);
        text(line, "product", product);
        text(line, "variation", variation ?? "");
        return line;
      }),
    );
    const due = parcel?.count || null;
    const unlisted = due
      ? t("{pieces} ordered. The list does not say of what.", { pieces: count(due, "piece") })
      : t("This phone’s list does not say how many were ordered. Count what is inside.");
    textOrHide(card, "unlisted", lines.length > 0 ? null : unlisted);
    textOrHide(card, "all-text", due ? (due === 1 ? t("It is in") : t("All {due} are in", { due })) : null);
    button(card, "all").hidden = !due;
    on(card, "all", "click", () => this.#count(card, code, due ?? 0));
    on(card, "more", "click", () => this.#count(card, code, (this.#counted(code) ?? 0) + 1));
    on(card, "less", "click", () => this.#count(card, code, (this.#counted(code) ?? 0) - 1));
    this.#showCount(card, code);
    return card;
  }

  /** @param {string} code @returns {number|undefined} */
  #counted(code) {
    return answersOf(this.#draft).counted[code];
  }

  /** @param {HTMLElement} card @param {string} code @param {number} pieces */
  #count(card, code, pieces) {
    const answers = answersOf(this.#draft);
    const counted = { ...answers.counted, [code]: Math.min(MOST, Math.max(0, pieces)) };
    this.#draft.data = { ...this.#draft.data, counted };
    this.#showCount(card, code);
    say(t("{n} counted", { n: counted[code] ?? 0 }));
    void this.#app.flow.save();
  }

  /** @param {HTMLElement} card @param {string} code */
  #showCount(card, code) {
    const counted = this.#counted(code);
    const due = this.#parcel(code)?.count || null;
    text(card, "n", counted === undefined ? "?" : String(counted));
    text(card, "of", due ? t("of {due}", { due }) : t("inside"));
    button(card, "less").disabled = !counted;
    const differs = counted !== undefined && due !== null && counted !== due;
    const words = counted === 0 ? t("It is empty.") : t("{due} were ordered.", { due: due ?? 0 });
    textOrHide(card, "differs", differs ? t("{words} Sealed so, the office is told.", { words }) : null);
    const isAll = counted !== undefined && counted === due;
    button(card, "all").setAttribute("aria-pressed", String(isAll));
    card.dataset.tone = counted === undefined ? "none" : differs ? "attention" : "safe";
    if (counted !== undefined) el(this.#screen, "error").hidden = true;
  }

  /** @param {string} code @param {boolean} ticked */
  #tick(code, ticked) {
    const { checklist } = answersOf(this.#draft);
    this.#draft.data = { ...this.#draft.data, checklist: { ...checklist, [code]: ticked } };
    void this.#app.flow.save();
  }

  /** Uncounted is refused; a count that differs and a point that is not so are facts, but asked about. */
  async #next() {
    const { uncounted, differing } = countsOf(this.#draft, this.#parcel);
    if (uncounted.length > 0) {
      const words = t("Count what is inside {parcels} first.", { parcels: parcelsText(uncounted) });
      textOrHide(this.#screen, "error", words);
      shout(words);
      this.#app.feedback.give("warn");
      return;
    }
    const { checklist } = answersOf(this.#draft);
    const open = this.#points.filter(({ code }) => checklist[code] !== true);
    const doubts = [
      differing.length > 0
        ? t("{parcels} with another count than ordered.", { parcels: count(differing.length, "parcel") })
        : "",
      open.length === 1 ? t("Not ticked: “{label}”.", { label: t(open[0]?.label ?? "") }) : "",
      open.length > 1 ? t("{n} points are not ticked.", { n: open.length }) : "",
    ].filter(Boolean);
    if (doubts.length > 0) {
      const answer = await ask(
        t("Not all as it should be"),
        t("{doubts} The office is told.", { doubts: doubts.join(" ") }),
        [
          { value: "back", label: t("Look again"), tone: "primary" },
          { value: "on", label: t("Go on all the same") },
        ],
      );
      if (answer !== "on") return;
    }
    Object.assign(this.#draft.data, sealedAnswers(this.#draft, this.#points, this.#parcel));
    await this.#app.flow.toStep("photo");
    go("#/photo");
  }
}
