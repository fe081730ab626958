/**
 * The three sheets of Scan: a parcel that is not simply right, a code typed by hand, the list of what is here and missing.
 * @module
 */
import { count, t } from "../domain/words.js";
import { looksLikeCode } from "../domain/codes.js";
import { SAYS } from "../domain/verdict.js";
import { clockTime, codeText } from "../ui/format.js";
import { ask, open } from "../ui/sheet.js";
import { button, clone, el, on, part, setIcon, text, textOrHide } from "../ui/template.js";
import { byDoor, showDoor } from "./door.js";

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
      t(
        looksLike
          ? "Its number looks like one of {carrier}; you are working for {ours}. Leave it where it was."
          : "It belongs to {carrier}; you are working for {ours}. Leave it where it was.",
        {
          carrier: looksLike ?? carrierName(app, parcel?.carrier),
          ours: carrierName(app, app.flow.draft?.carrier),
        },
      ),
  },
  cancelled: {
    icon: "ban",
    reasons: true,
    keep: "It has been handed over already",
    words: (_, app) =>
      t("The order is cancelled. Do not hand it over: give it back to the seller. Your list is from {age}.", {
        age: listAge(app),
      }),
  },
  dangerous: {
    icon: "octagon-alert",
    reasons: false,
    keep: null,
    words: (_, app) =>
      t(
        "The office has marked its content as dangerous goods. Do not pack it or hand it over: put it aside and call the office. When they let it go, this phone learns it at its next contact. Your list is from {age}.",
        { age: listAge(app) },
      ),
  },
  not_on_list: {
    icon: "triangle-alert",
    reasons: false,
    keep: "Keep it",
    words: () =>
      t("The office knows this parcel, but it is not on this list. If you hand it over, the office is told."),
  },
  unknown: {
    icon: "circle-help",
    reasons: false,
    keep: "Keep it",
    words: (_, app, looksLike) =>
      [
        looksLike ? t("Its number looks like one of {carrier}.", { carrier: looksLike }) : null,
        t(
          "This phone’s list (from {age}) does not know it. It may be new. If you keep it, the office is told.",
          {
            age: listAge(app),
          },
        ),
      ]
        .filter(Boolean)
        .join(" "),
  },
};

/** Only asked for, not decided: the person at the door may know better, and says why. @type {Block} */
const CANCEL_ASKED = {
  icon: "ban",
  reasons: true,
  keep: "Take it anyway",
  words: (_, app) =>
    t("The buyer has asked to cancel it. Put it aside until the office decides. Your list is from {age}.", {
      age: listAge(app),
    }),
};

/** Somebody, or this phone, sealed this step for it before. @type {Block} */
const DONE = {
  icon: "check-check",
  reasons: false,
  keep: "Take it once more",
  words: () => t("This step is done for this parcel. A second one changes nothing; the office sees both."),
};

/** @param {Judged} judged @returns {Block|undefined} */
function blockOf({ verdict, parcel, isDone }) {
  if (isDone) return DONE;
  return verdict === "cancelled" && parcel?.cancel === "requested" ? CANCEL_ASKED : BLOCKS[verdict];
}

/** @param {App} app @returns {string} */
function listAge(app) {
  return clockTime(app.phone.worklistAsOf) || t("before the first contact");
}

/** @param {App} app @param {string|null|undefined} code @returns {string} */
function carrierName(app, code) {
  return (
    app.phone.rules?.carriers.find((carrier) => carrier.code === code)?.name ?? code ?? t("another carrier")
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
  text(dialog, "title", t(verdict.word));
  text(dialog, "code", codeText(verdict.code ?? ""));
  text(dialog, "text", block.words(verdict.parcel, app, verdict.looksLike));
  text(
    dialog,
    "leave",
    verdict.verdict === "cancelled" || verdict.verdict === "dangerous"
      ? t("Put it aside")
      : t("Leave it out"),
  );
  const keep = button(dialog, "keep");
  textOrHide(dialog, "keep", block.keep && t(block.keep));
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
      text(choice, "label", t(label));
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
      refuse(t("Type the code first."));
      return;
    }
    if (!(await take(raw))) {
      refuse(
        looksLikeCode(raw)
          ? t("One character is wrong, or two are swapped. Compare it with the tag.")
          : t("This is neither a tag’s 12 characters nor a tracking number."),
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
  text(dialog, "title", t("This handover"));
  const show = (/** @type {string[]} */ codes) => {
    const words =
      expected === null
        ? t("{n} more on this run", { n: codes.length })
        : t("{n} missing", { n: codes.length });
    textOrHide(dialog, "missing-title", codes.length > 0 ? words : null);
    el(dialog, "missing").hidden = codes.length === 0;
    const toGo = byDoor(codes, (code) => app.phone.parcel(code));
    el(dialog, "missing").replaceChildren(...toGo.map((code) => row(app, code, null, remove)));
    text(dialog, "scanned-title", t("{n} scanned", { n: draft.scans.length }));
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
    t("{code} is taken off", { code: codeText(code) }),
    t(photos === 1 ? "{photos} shows only this parcel." : "{photos} show only this parcel.", {
      photos: count(photos, "photo"),
    }),
    [
      { value: "drop", label: photos === 1 ? t("Delete it") : t("Delete them"), tone: "danger" },
      { value: "", label: photos === 1 ? t("Keep it") : t("Keep them") },
    ],
  );
  return answer === "drop";
}

/** @param {VerdictCode} verdict of a parcel that was kept all the same @returns {string} */
function oddWords(verdict) {
  return verdict === "again" ? t("done before") : t(SAYS[verdict].word).toLowerCase();
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
  showDoor(line, parcel, scanned === null);
  text(line, "code", codeText(code));
  const words = [
    parcel?.tracking_number,
    parcel?.fragile ? t("fragile") : null,
    parcel?.dangerous ? t("dangerous goods") : null,
    odd ? oddWords(scanned.verdict) : null,
    scanned?.typed ? t("typed") : null,
  ];
  text(line, "sub", words.filter(Boolean).join(" · "));
  const off = button(line, "remove");
  off.hidden = !scanned;
  text(line, "remove-text", t("Take off {code}", { code: codeText(code) }));
  off.addEventListener("click", () => void remove(code));
  return line;
}
