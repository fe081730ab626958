/**
 * Rescue file: writes what is not with the office into files, and hands them over. The queue stays as it is.
 * @module
 */
import { count, t } from "../domain/words.js";
import { wordsOf } from "../domain/problems.js";
import { say, shout } from "../ui/announce.js";
import { setBar } from "../ui/bar.js";
import { go } from "../ui/router.js";
import { toast } from "../ui/toast.js";
import { button, clone, cloneAll, el, on, part, text, textOrHide } from "../ui/template.js";
import { save, share, shareable } from "./rescue-give.js";
import { lastWords, workWords } from "./rescue-offer.js";

/** @import {Rescue, RescueFile, RescueMade, RescueStanding} from '../outbox/rescue.js' */
/** @import {App, Screen} from './context.js' */

/** @type {Screen} */
export const rescue = (app, root) => new RescueScreen(app, root).mounted;

class RescueScreen {
  /** @type {App} */ #app;
  /** @type {HTMLElement} */ #screen;
  #whose = "";
  #isWriting = false;
  #shown = "";

  /** @param {App} app @param {HTMLElement} root */
  constructor(app, root) {
    this.#app = app;
    setBar({ title: t("Rescue file"), sub: "", flow: true, back: () => go("#/outbox") });
    this.#screen = cloneAll("rescue");
    root.append(this.#screen);
    on(this.#screen, "write", "click", () => void this.#write());
    const refresh = () => void this.#show();
    refresh();
    this.mounted = { refresh };
  }

  async #show() {
    try {
      const rescue = await this.#app.phone.rescue();
      const standing = await rescue.standing();
      this.#tell(null);
      el(this.#screen, "begun").hidden = !this.#app.flow.isBegun;
      el(this.#screen, "empty").hidden = standing.length > 0;
      el(this.#screen, "whose").hidden = standing.length === 0;
      el(this.#screen, "dock").hidden = standing.length === 0 && !this.#isWriting;
      this.#showPeople(standing);
    } catch (error) {
      this.#tell(wordsOf(error));
    }
  }

  /** One person is told, not asked; of several, all is the answer unless somebody says otherwise. @param {RescueStanding[]} standing */
  #showPeople(standing) {
    const isSame = JSON.stringify(standing);
    if (isSame === this.#shown) return; // the radio under a thumb is not put away for nothing
    this.#shown = isSame;
    const all = {
      device: "",
      by: t("Everybody on this phone"),
      events: standing.reduce((sum, { events }) => sum + events, 0),
      pictures: standing.reduce((sum, { pictures }) => sum + pictures, 0),
      bytes: standing.reduce((sum, { bytes }) => sum + bytes, 0),
      last: null,
    };
    const lines = standing.length > 1 ? [all, ...standing] : standing.map((one) => ({ ...one, device: "" }));
    if (!lines.some(({ device }) => device === this.#whose)) this.#whose = "";
    el(this.#screen, "people").replaceChildren(...lines.map((line) => this.#person(line)));
  }

  /** @param {RescueStanding} standing @returns {HTMLElement} */
  #person({ device, by, events, pictures, bytes, last }) {
    const box = clone("rescue-person");
    const radio = part(box, "radio", HTMLInputElement);
    radio.checked = device === this.#whose;
    radio.addEventListener("change", () => (this.#whose = device));
    text(box, "name", by);
    text(box, "what", `${workWords(events, pictures)}, ${sizeWords(bytes)}`);
    textOrHide(box, "last", last && lastWords(last));
    return box;
  }

  async #write() {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#busy(true);
    this.#tell(null);
    try {
      const rescue = await this.#app.phone.rescue();
      const scope = this.#whose ? { device: this.#whose } : {};
      const made = await rescue.make(scope, (done, total) => {
        part(this.#screen, "progress", HTMLProgressElement).value = total ? done / total : 1;
      });
      this.#showMade(rescue, made);
    } catch (error) {
      this.#tell(wordsOf(error));
      shout(wordsOf(error));
    } finally {
      this.#isWriting = false;
      this.#busy(false);
    }
  }

  /** @param {boolean} isBusy */
  #busy(isBusy) {
    button(this.#screen, "write").disabled = isBusy;
    part(this.#screen, "progress", HTMLProgressElement).hidden = !isBusy;
    text(this.#screen, "write-text", isBusy ? t("Writing …") : this.#words());
  }

  #words() {
    return el(this.#screen, "made").hidden ? t("Write the file") : t("Write it again");
  }

  /** @param {Rescue} rescue @param {RescueMade} made */
  #showMade(rescue, made) {
    const { files, unread } = made;
    el(this.#screen, "made").hidden = false;
    text(
      this.#screen,
      "made-title",
      files.length > 1
        ? t("{n} files: give the office all of them", { n: files.length })
        : t("Give this to the office"),
    );
    el(this.#screen, "unread").hidden = unread.events + unread.pictures === 0;
    text(
      this.#screen,
      "unread-text",
      t(
        "This phone could not read back {work}. They are not in the file. Do not clear this phone; show it to the office.",
        { work: workWords(unread.events, unread.pictures) },
      ),
    );
    el(this.#screen, "files").replaceChildren(...files.map((file) => this.#file(rescue, made, file)));
    button(this.#screen, "write").classList.remove("btn-primary"); // giving it is what comes now
    el(this.#screen, "made-title").focus();
    this.#bringIntoSight();
    say(t("{files} written", { files: count(files.length, "file") }));
  }

  #bringIntoSight() {
    el(this.#screen, "made").scrollIntoView({ block: "start" });
  }

  /** @param {Rescue} rescue @param {RescueMade} made @param {RescueFile} written @returns {HTMLElement} */
  #file(rescue, made, written) {
    const { file, events, pictures } = written;
    const box = clone("rescue-file");
    const sharing = shareable(file);
    text(box, "name", file.name);
    text(box, "what", `${workWords(events, pictures)}, ${sizeWords(file.size)}`);
    button(box, "share").hidden = sharing === null;
    button(box, "save").classList.toggle("btn-primary", sharing === null);
    const given = async (/** @type {string} */ words) => {
      await rescue.noteGiven(made, written);
      text(box, "given-text", words);
      el(box, "given").hidden = false;
      await this.#show();
      this.#bringIntoSight(); // the lines above have grown by what was given last
    };
    on(box, "save", "click", () => {
      save(file);
      void given(t("Saved among this phone’s downloads. Now send it to the office."));
    });
    on(box, "share", "click", async () => {
      try {
        if (sharing && (await share(sharing))) await given(t("Handed over. Tell the office to expect it."));
      } catch {
        toast(t("This phone would not share the file. Save it as a file instead."), "attention");
      }
    });
    return box;
  }

  /** @param {string|null} words */
  #tell(words) {
    el(this.#screen, "problem").hidden = words === null;
    text(this.#screen, "problem-text", words ?? "");
  }
}

/** @param {number} bytes @returns {string} */
function sizeWords(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
