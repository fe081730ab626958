/**
 * What is left of a run: by the office's list, and by what this phone has sealed since. Pure.
 * @module
 */

/** @import {Kind, OutboxItem, Parcel, Run, Task} from '../domain/types.js' */

const AFTER_HANDOVER = new Set([
  "handed_over",
  "in_transit",
  "out_for_delivery",
  "delivered",
  "returning",
  "returned",
  "lost",
  "damaged",
]);
const AFTER_DELIVERY = new Set(["delivered", "returned"]);

/** @typedef {Map<string, Set<Kind>>} Sealed code → the kinds this phone sealed for it */
/** @typedef {{done:number, total:number, left:string[]}} Left */

/** @param {OutboxItem[]} items @returns {Sealed} */
export function sealedCodes(items) {
  /** @type {Sealed} */
  const sealed = new Map();
  for (const { kind, parcels, voided } of items) {
    if (voided || kind === "void") continue;
    for (const code of parcels) sealed.set(code, (sealed.get(code) ?? new Set()).add(kind));
  }
  return sealed;
}

/**
 * @param {Kind} kind of the handover
 * @param {string} code
 * @param {Parcel|null} parcel
 * @param {Sealed} sealed
 * @returns {boolean} this step was taken for this parcel already
 */
export function isDone(kind, code, parcel, sealed) {
  const own = sealed.get(code) ?? new Set();
  const status = parcel?.status ?? "";
  if (kind === "deliver") return own.has("deliver") || AFTER_DELIVERY.has(status);
  if (kind === "return") return status === "returned";
  if (kind !== "collect" && kind !== "drop_off") return false;
  return own.has("collect") || own.has("drop_off") || AFTER_HANDOVER.has(status);
}

/**
 * A cancelled parcel is not waited for.
 * @param {Run} run
 * @param {(code: string) => Parcel|null} parcel
 * @param {Sealed} sealed
 * @returns {Left}
 */
export function leftOf(run, parcel, sealed) {
  const wanted = run.parcels.filter((code) => {
    const known = parcel(code);
    return (
      isDone(run.kind, code, known, sealed) ||
      !(known && (known.cancel === "cancelled" || known.status === "cancelled"))
    );
  });
  const left = wanted.filter((code) => !isDone(run.kind, code, parcel(code), sealed));
  return { done: wanted.length - left.length, total: wanted.length, left };
}

/**
 * Where nothing is of today, what is ahead is better than an empty list: either calendar may be wrong.
 * @param {Run[]} runs
 * @param {string} day 2026-11-22
 * @returns {Run[]} of that day, and older ones left open; else the open ones of later days
 */
export function runsOn(runs, day) {
  const due = runs.filter((run) => run.day === day || (run.state === "open" && run.day < day));
  return due.length > 0 ? due : runs.filter((run) => run.state === "open" && run.day > day);
}

/**
 * A report answers the task it names. One that names none (sealed before tasks were named) answers what was asked before it.
 * @param {Task[]} tasks
 * @param {OutboxItem[]} items
 * @returns {Set<string>} ids of the tasks with an answer on this phone
 */
export function answeredTasks(tasks, items) {
  const reports = items.filter(({ kind, voided }) => kind === "report" && !voided);
  const answered = tasks.filter((task) =>
    reports.some(
      (report) =>
        report.ref === task.event &&
        (report.task ? report.task === task.id : Date.parse(report.at) >= Date.parse(task.created_at)),
    ),
  );
  return new Set(answered.map(({ id }) => id));
}
