/**
 * Whether a document in a bundle has the members that the checks read, by the description that the command reads too.
 * @module
 */

const MOMENT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;

/**
 * What is wrong with a value, as a path to the member; null when nothing is.
 * @param {any} shape of shapes.json
 * @param {any} value
 * @param {string} [path]
 * @returns {string | null}
 */
export function complaint(shape, value, path = "") {
  const here = path || "the whole";
  if (typeof shape === "string") return fits(shape, value) ? null : here;
  if (value === null || value === undefined) return mayBeNothing(shape) ? null : here;
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return here;
    return first(value.map((item, index) => () => complaint(shape[0], item, `${path}[${index}]`)));
  }
  if (typeof value !== "object" || Array.isArray(value)) return here;
  const names = Object.keys(shape).filter((name) => name !== "?");
  return first(
    names.map((name) => () => complaint(shape[name], own(value, name), path ? `${path}.${name}` : name)),
  );
}

/** @param {any[] | Record<string, any>} shape */
function mayBeNothing(shape) {
  return Array.isArray(shape) ? shape.includes("?") : "?" in shape;
}

/** @param {Record<string, any>} value @param {string} name */
function own(value, name) {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** @param {(() => string | null)[]} looks @returns {string | null} */
function first(looks) {
  for (const look of looks) {
    const found = look();
    if (found !== null) return found;
  }
  return null;
}

/** @param {string} shape @param {any} value @returns {boolean} */
function fits(shape, value) {
  if (shape.endsWith("?")) return value === null || value === undefined || fits(shape.slice(0, -1), value);
  if (shape === "whole") return Number.isInteger(value);
  if (typeof value !== "string") return false;
  if (shape === "digest") return /^[0-9a-f]{64}$/.test(value);
  if (shape === "time") return toMs(value) !== null;
  return true;
}

/**
 * Milliseconds since 1970 of RFC 3339 in UTC; null when no calendar has that moment.
 * @param {string} text
 * @returns {number | null}
 */
export function toMs(text) {
  const found = MOMENT.exec(text);
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const ms = Number((found[7] ?? "").padEnd(3, "0").slice(0, 3));
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  moment.setUTCHours(hour, minute, second, ms);
  const isReal =
    year > 0 &&
    moment.getUTCMonth() === month - 1 &&
    moment.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60;
  return isReal ? moment.getTime() : null;
}

/** The same of a text that has the right shape. @param {string} text @returns {number} */
export function ms(text) {
  return toMs(text) ?? 0;
}
