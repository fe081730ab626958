/**
 * Numbers, times and names as a courier says them.
 * @module
 */
import { count, t, tongue } from "../domain/words.js";
import { pretty, isCode } from "../domain/codes.js";

/** @import {ItemState, Kind} from '../domain/types.js' */

/** @type {Record<Kind, string>} */
const KINDS = {
  collect: "Collect",
  drop_off: "Drop off",
  deliver: "Deliver",
  pack: "Pack",
  attempt: "Not delivered",
  report: "Problem",
  return: "Return",
  void: "Withdrawal",
  blob_lost: "Lost photo",
};
/** @type {Record<string, string>} */
const KIND_ICONS = {
  collect: "package-plus",
  drop_off: "store",
  deliver: "package-check",
  pack: "package",
  attempt: "package-x",
  report: "triangle-alert",
  return: "undo-2",
  void: "undo",
  blob_lost: "image",
};
/** @type {Record<ItemState, {word:string, tone:string, icon:string}>} */
const STATES = {
  sealed: { word: "Sealed", tone: "sealed", icon: "lock" },
  sent: { word: "Sent", tone: "sent", icon: "send" },
  safe: { word: "Safe", tone: "safe", icon: "shield-check" },
  parked: { word: "Not taken", tone: "attention", icon: "octagon-alert" },
  attention: { word: "Needs a look", tone: "attention", icon: "triangle-alert" },
};
/** @type {Record<string, string>} */
const ROLES = {
  seller: "Seller",
  courier: "Courier",
  clerk: "Clerk",
  recipient: "Recipient",
  neighbour: "Neighbour",
  guard: "Guard",
  other: "Other",
  office: "Office",
  driver: "Driver",
  admin: "Admin",
};

/** @param {Kind} kind @returns {string} */
export function kindName(kind) {
  return t(KINDS[kind] ?? kind);
}

/** An answer to the office is no problem told. @param {{kind:Kind, task:string|null, photosTotal?:number}} item @returns {string} */
export function itemName({ kind, task, photosTotal }) {
  if (!task) return kindName(kind);
  return photosTotal === 0 ? t("No new photo") : t("Photo again");
}

/** @param {{kind:Kind, data:Record<string, unknown>}} draft @returns {string} a return by its stage */
export function draftName({ kind, data }) {
  if (data.task) return t("Photo again");
  if (kind !== "return") return kindName(kind);
  return data.stage === "done" ? t("Back at the seller") : t("Return begins");
}

/** A run's name where its kind is said already, as the office's own names begin with it. @param {Kind} kind @param {string} title @returns {string} */
export function runName(kind, title) {
  const beginning = `${KINDS[kind]} · `;
  return title.startsWith(beginning) ? title.slice(beginning.length) : title;
}

/** @param {string} kind @returns {string} */
export function kindIcon(kind) {
  return KIND_ICONS[kind] ?? "package";
}

/** @param {ItemState} state @returns {{word:string, tone:string, icon:string}} */
export function stateLook(state) {
  return { ...STATES[state], word: t(STATES[state].word) };
}

/** @param {string} role of whoever signs, or of whoever works on this phone @returns {string} */
export function roleName(role) {
  return t(ROLES[role] ?? role);
}

/** Between words of a line that may break: no line begins with it. */
export const DOT = "\u00a0· ";

/** @param {string} code @returns {string} with hyphens when it is one of ours, else as it is */
export function codeText(code) {
  return isCode(code) ? pretty(code) : code;
}

/** Which one, or how many. @param {string[]} codes @returns {string} `7K2M-9QVX-3HBD`, `3 parcels` */
export function parcelsText(codes) {
  const [only = ""] = codes;
  return codes.length === 1 ? codeText(only) : count(codes.length, "parcel");
}

/** @param {string|null} at RFC 3339 @returns {string} `10:42`, or `21 Nov, 10:42` on another day */
export function clockTime(at) {
  if (!at) return "";
  const date = new Date(at);
  const time = date.toLocaleTimeString(tongue(), { hour: "2-digit", minute: "2-digit" });
  if (date.toDateString() === new Date().toDateString()) return time;
  return `${date.toLocaleDateString(tongue(), { day: "numeric", month: "short" })}, ${time}`;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** In the words of the screens; a browser's own take longer to wake than all else Home does. @param {Date} date @returns {string} `Wed 25 Nov` */
export function dayName(date) {
  return t("{day} {date} {month}", {
    day: t(DAYS[date.getDay()] ?? ""),
    date: date.getDate(),
    month: t(MONTHS[date.getMonth()] ?? ""),
  });
}

/** @param {string|null} at RFC 3339 @returns {string} `just now`, `12 min ago`, `3 h ago`, `2 days ago` */
export function age(at) {
  if (!at) return t("never");
  const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(at)) / 60_000));
  if (minutes < 1) return t("just now");
  if (minutes < 60) return t("{n} min ago", { n: minutes });
  if (minutes < 48 * 60) return t("{n} h ago", { n: Math.floor(minutes / 60) });
  return t("{n} days ago", { n: Math.floor(minutes / 1440) });
}

/** @param {number} ms since 1970 @returns {string} 2026-11-22 where this phone is */
export function dayOf(ms) {
  const now = new Date(ms);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}
