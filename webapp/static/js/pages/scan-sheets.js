/**
 * The three sheets of Scan: a parcel that is not simply right, a code typed by hand, the list of what is here and missing.
 * @module
 */
import { looksLikeCode } from "../domain/codes.js";
import { SAYS } from "../domain/verdict.js";
import { clockTime, codeText, count } from "../ui/format.js";
import { ask, open } from "../ui/sheet.js";
import { button, clone, el, on, part, setIcon, text, textOrHide } from "../ui/template.js";

/** @import {Draft, Parcel, VerdictCode} from '../domain/types.js' */
/** @import {App} from './context.js' */
/** @import {Judged} from './scan-judge.js' */

/** @typedef {{keep:boolean, reason:string|null}} Answer */
/** @typedef {{icon:string, words:(parcel: Parcel|null, app: App, looksLike: string|null) => string, keep:string|null, reasons:boolean}} Block */

/** Used until the first pull brought the office's own list. */
const OVERRIDES = [
  { code: "carrier_agreed", label: "The carrier takes it all the same" },
  { code: "list_outdated", label: "The list is out of date" },
  { code: "label_replaced", label: "The label was replaced" },
  { code: "other", label: "Other" },
];

/** @type {Partial<Record<VerdictCode, Block>>} */
const BLOCKS = {
  other_carrier: {
    icon: "truck",
    reasons: true,
    keep: "Take it anyway",
    words: (parcel, app, looksLike) =>
      `${looksLike ? `Its number looks like one of ${looksLike}` : `It belongs to ${carrierName(app, parcel?.carrier)}`}; you are working for ${carrierName(app, app.flow.draft?.carrier)}. Leave it where it was.`,
  },
  cancelled: {
    icon: "ban",
    reasons: true,
    keep: "It has been handed over already",
    words: (_, app) =>
      `The order is cancelled. Do not hand it over: give it back to the seller. Your list is from ${listAge(app)}.`,
  },
  dangerous: {
    icon: "octagon-alert",
    reasons: false,
    keep: null,
    words: (_, app) =>
      `The office has marked its content as dangerous goods. Do not pack it or hand it over: put it aside and call the office. When they let it go, this phone learns it at its next contact. Your list is from ${listAge(app)}.`,
  },
  not_on_list: {
    icon: "triangle-alert",
    reasons: false,
    keep: "Keep it",
    words: () =>
      "The office knows this parcel, but it is not on this list. If you hand it over, the office is told.",
  },
  unknown: {
    icon: "circle-help",
    reasons: false,
    keep: "Keep it",
    words: (_, app, looksLike) =>
      `${looksLike ? `Its number looks like one of ${looksLike}. ` : ""}This phone’s list (from ${listAge(app)}) does not know it. It may be new. If you keep it, the office is told.`,
  },
};

/** Only asked for, not decided: the person at the door may know better, and says why. @type {Block} */
const CANCEL_ASKED = {
  icon: "ban",
  reasons: true,
  keep: "Take it anyway",
  words: (_, app) =>
    `The buyer has asked to cancel it. Put it aside until the office decides. Your list is from ${listAge(app)}.`,
};

/** Somebody, or this phone, sealed this step for it before. @type {Block} */
const DONE = {
  icon: "check-check",
  reasons: false,
  keep: "Take it once more",
  words: () => "This step is done for this parcel. A second one changes nothing; the office sees both.",
};

/** @param {Judged} judged @returns {Block|undefined} */
function blockOf({ verdict, parcel, isDone }) {
  if (isDone) return DONE;
  return verdict === "cancelled" && parcel?.cancel === "requested" ? CANCEL_ASKED : BLOCKS[verdict];
}

/** @param {App} app @returns {string} */
function listAge(app) {
  return clockTime(app.phone.worklistAsOf) || "before the first contact";
}

/** @param {App} app @param {string|null|undefined} code @returns {string} */
function carrierName(app, code) {
  return (
    app.phone.rules?.carriers.find((carrier) => carrier.code === code)?.name ?? code ?? "another carrier"
  );
}

/**
 * Stops the hand and asks. The safe answer is the big one, and what Escape and the back key mean.
 * @param {Judged} verdict
 * @param {App} app
 * @returns {Promise<Answer>}
 */
export async function blocked(verdict, app) {
  const block = blockOf(verdict);
  if (!block) return { keep: false, reason: null };
  const dialog = clone("block");
  dialog.dataset.tone = verdict.tone;
  setIcon(dialog, "icon", block.icon);
  text(dialog, "title", verdict.word);
  text(dialog, "code", codeText(verdict.code ?? ""));
  text(dialog, "text", block.words(verdict.parcel, app, verdict.looksLike));
  text(
    dialog,
    "leave",
    verdict.verdict === "cancelled" || verdict.verdict === "dangerous" ? "Put it aside" : "Leave it out",
  );
  const keep = button(dialog, "keep");
  textOrHide(dialog, "keep", block.keep);
  let reason = /** @type {string|null} */ (null);
  if (block.reasons) {
    wireReasons(dialog, app, (code) => {
      reason = code;
    });
  }
  keep.addEventListener("click", () => {
    if (block.reasons && el(dialog, "reason-part").hidden) {
      el(dialog, "reason-part").hidden = false;
      dialog.querySelector("input")?.focus();
    } else if (block.reasons && !reason) {
      el(dialog, "reason-error").hidden = false;
    } else if (dialog instanceof HTMLDialogElement) {
      dialog.close("keep");
    }
  });
  const answer = await open(dialog);
  return { keep: answer === "keep", reason };
}

/** @param {HTMLElement} dialog @param {App} app @param {(code: string) => void} choose */
function wireReasons(dialog, app, choose) {
  const reasons = app.phone.rules?.reasons.override ?? OVERRIDES;
  el(dialog, "reasons").replaceChildren(
    ...reasons.map(({ code, label }) => {
      const choice = clone("choice");
      const input = part(choice, "input", HTMLInputElement);
      input.value = code;
      text(choice, "label", label);
      input.addEventListener("change", () => {
        choose(code);
        el(dialog, "reason-error").hidden = true;
      });
      return choice;
    }),
  );
}

/**
 * @param {(raw: string) => Promise<boolean>} take false: it is no code, and the sheet stays
 * @returns {Promise<void>}
 */
export async function typeCode(take) {
  const dialog = clone("type");
  const input = part(dialog, "code", HTMLInputElement);
  const refuse = (/** @type {string} */ words) => {
    textOrHide(dialog, "error", words);
    input.setAttribute("aria-invalid", String(Boolean(words)));
  };
  input.addEventListener("input", () => refuse(""));
  on(dialog, "cancel", "click", () => dialog instanceof HTMLDialogElement && dialog.close(""));
  on(dialog, "form", "submit", async (event) => {
    event.preventDefault();
    const raw = input.value.trim();
    if (!raw) {
      refuse("Type the code first.");
      return;
    }
    if (!(await take(raw))) {
      refuse(
        looksLikeCode(raw)
          ? "One character is wrong, or two are swapped. Compare it with the tag."
          : "This is neither a tag’s 12 characters nor a tracking number.",
      );
      input.focus();
    } else if (dialog instanceof HTMLDialogElement) {
      dialog.close("done");
    }
  });
  const closed = open(dialog);
  input.focus();
  await closed;
}

/**
 * @param {App} app
 * @param {Draft} draft
 * @param {{missing:string[], expected:number|null}} counted codes; where none are expected, they are not missing here
 * @param {(code: string) => Promise<void>} remove
 * @returns {Promise<void>}
 */
export async function listOf(app, draft, { missing, expected }, remove) {
  const dialog = clone("list");
  text(dialog, "title", "This handover");
  const show = (/** @type {string[]} */ codes) => {
    const words = `${codes.length} ${expected === null ? "more on this run" : "missing"}`;
    textOrHide(dialog, "missing-title", codes.length > 0 ? words : null);
    el(dialog, "missing").hidden = codes.length === 0;
    el(dialog, "missing").replaceChildren(...codes.map((code) => row(app, code, null, remove)));
    text(dialog, "scanned-title", `${draft.scans.length} scanned`);
    el(dialog, "scanned").replaceChildren(
      ...[...draft.scans].reverse().map(({ code, verdict, typed }) =>
        row(app, code, { verdict, typed }, async (gone) => {
          await remove(gone);
          show(app.flow.run?.parcels.includes(gone) ? [...codes, gone] : codes);
          dialog.querySelector("h2")?.focus();
        }),
      ),
    );
  };
  show(missing);
  on(dialog, "close", "click", () => dialog instanceof HTMLDialogElement && dialog.close(""));
  await open(dialog);
}

/** @param {string} code of a parcel that was taken off @param {number} photos of it alone @returns {Promise<boolean>} they go too */
export async function photosToo(code, photos) {
  const answer = await ask(
    `${codeText(code)} is taken off`,
    `${count(photos, "photo")} ${photos === 1 ? "shows" : "show"} only this parcel.`,
    [
      { value: "drop", label: photos === 1 ? "Delete it" : "Delete them", tone: "danger" },
      { value: "", label: photos === 1 ? "Keep it" : "Keep them" },
    ],
  );
  return answer === "drop";
}

/** @param {VerdictCode} verdict of a parcel that was kept all the same @returns {string} */
function oddWords(verdict) {
  return verdict === "again" ? "done before" : SAYS[verdict].word.toLowerCase();
}

/**
 * @param {App} app
 * @param {string} code
 * @param {{verdict:VerdictCode, typed:boolean}|null} scanned
 * @param {(code: string) => Promise<void>} remove
 * @returns {HTMLElement}
 */
function row(app, code, scanned, remove) {
  const line = clone("scan-row");
  const parcel = app.phone.parcel(code);
  const odd = scanned && scanned.verdict !== "known";
  setIcon(line, "icon", !scanned ? "circle" : odd ? "triangle-alert" : "circle-check");
  line.dataset.tone = !scanned ? "none" : odd ? "attention" : "safe";
  text(line, "code", codeText(code));
  const words = [
    parcel?.tracking_number,
    parcel?.fragile ? "fragile" : null,
    parcel?.dangerous ? "dangerous goods" : null,
    odd ? oddWords(scanned.verdict) : null,
    scanned?.typed ? "typed" : null,
  ];
  text(line, "sub", words.filter(Boolean).join(" · "));
  const off = button(line, "remove");
  off.hidden = !scanned;
  text(line, "remove-text", `Take off ${codeText(code)}`);
  off.addEventListener("click", () => void remove(code));
  return line;
}
