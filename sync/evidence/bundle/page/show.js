/**
 * Tell a verdict in plain words: the four questions, what happened with its pictures, whose keys.
 * @module
 */
import { PICTURE, payloadOf } from "./contents.js";
import { namesOf, signedFor } from "./events.js";
import { AREAS } from "./findings.js";
import { mediaType } from "./photos.js";
import { ms } from "./shapes.js";
import { claimedMs } from "./times.js";

/** @typedef {import("./verify.js").Verdict} Verdict */

const MOST_CODES = 20;
/** @type {Record<string, [string, string]>} */
const ANSWERS = {
  integrity: ["Nothing was changed, taken out or put in.", "Something was changed, taken out or put in."],
  who: ["Every record was made with the key of the phone it names.", "It is not certain who made a record."],
  time_bounds: [
    "Every record lies between the phone's own time and the server's receipt.",
    "A time does not fit.",
  ],
  completeness: ["Nothing that belongs here is missing.", "Something that belongs here is missing."],
};
/** @type {Record<string, string>} */
const ABSENT_WORDS = {
  left_out: "Shows another parcel, so it is not in this proof.",
  never_arrived: "This picture has never reached the server.",
  lost: "The phone says that it has lost this picture.",
  damaged: "The server's copy was damaged.",
  deleted_by_policy: "Deleted by the shop's policy.",
};

/** A copy of a template's one element. @param {string} id @returns {HTMLElement} */
function fromTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** @param {Element} root @param {string} selector @returns {HTMLElement} */
function part(root, selector) {
  return /** @type {HTMLElement} */ (root.querySelector(selector));
}

/** @param {Element} list @param {[string, string][]} pairs */
function addFacts(list, pairs) {
  for (const [label, value] of pairs) {
    if (!value) continue;
    const row = fromTemplate("t-fact");
    part(row, "dt").textContent = label;
    part(row, "dd").textContent = value;
    list.append(row);
  }
}

/**
 * The whole result, and the line for the banner.
 * @param {Verdict} verdict
 * @returns {{element: HTMLElement, title: string, text: string}}
 */
export function showVerdict(verdict) {
  const element = fromTemplate("t-result");
  const told = verdict.bundle.sealed;
  const { parcel } = told.about ?? {};
  part(element, '[data-is="about"]').textContent = parcel ? `Parcel ${groups(parcel)}` : "One handover";
  addFacts(part(element, '[data-is="facts"]'), [
    ["Shop", told.shop?.name ?? ""],
    [
      told.about?.parcel ? "Parcel" : "Parcels, as the server names them",
      (told.parcels ?? []).map((/** @type {any} */ p) => parcelWords(p)).join("; "),
    ],
    ["Proof made", told.made_at ? moment(ms(told.made_at), told.zone) : ""],
    ["Records", String(verdict.bundle.events.length)],
    ["Pictures", String(verdict.bundle.pictureNames().length)],
    ["Server's key", verdict.ring.server ?? "not there"],
  ]);
  part(element, '[data-is="areas"]').append(...AREAS.map((area) => showArea(verdict, area)));
  part(element, '[data-is="events"]').append(...showEvents(verdict));
  part(element, '[data-is="keys"]').append(...showKeys(verdict));
  const broken = AREAS.filter((area) => verdict.areas[area].some(({ isFault }) => isFault));
  return {
    element,
    title: verdict.allHold ? "All of it holds." : "This does not prove what it says.",
    text: verdict.allHold
      ? `Every signature, receipt and picture fits${exceptStamps(verdict)}. The details are below.`
      : broken.map((area) => ANSWERS[area][1]).join(" "),
  };
}

/** @param {Verdict} verdict */
function exceptStamps({ bundle }) {
  return bundle.findings.has(["stamp_unchecked"])
    ? "; only who signed the time stamps is not checked here"
    : "";
}

/** @param {any} parcel */
function parcelWords({ code, tracking_number: tracking, carrier }) {
  const rest = [carrier, tracking].filter(Boolean).join(" ");
  return rest ? `${groups(code)} (${rest})` : groups(code);
}

/** @param {Verdict} verdict @param {string} area @returns {HTMLElement} */
function showArea(verdict, area) {
  const article = fromTemplate("t-area");
  const findings = verdict.areas[area];
  const holds = !findings.some(({ isFault }) => isFault);
  article.dataset.holds = holds ? "yes" : "no";
  article.dataset.area = area;
  part(article, ".mark").textContent = holds ? "✓ " : "✗ ";
  part(article, '[data-is="title"]').textContent = verdict.bundle.findings.catalogue.areas[area];
  part(article, ".answer").textContent = ANSWERS[area][holds ? 0 : 1];
  for (const finding of findings) {
    const item = fromTemplate("t-finding");
    item.dataset.fault = finding.isFault ? "yes" : "no";
    item.dataset.code = finding.code;
    part(item, '[data-is="sentence"]').textContent = finding.sentence;
    part(item, '[data-is="detail"]').textContent = finding.detail;
    part(item, '[data-is="where"]').textContent = [finding.code, finding.where].filter(Boolean).join(": ");
    part(article, "ul").append(item);
  }
  return article;
}

/** @param {Verdict} verdict @returns {HTMLElement[]} */
function showEvents(verdict) {
  const { bundle, ring, receipts, stamps } = verdict;
  const names = namesOf(bundle);
  const pictures = new Map(bundle.pictureNames().map(([name, digest]) => [digest, name]));
  /** @type {Map<string, any>} */
  const told = new Map((bundle.sealed.events ?? []).map((/** @type {any} */ event) => [event.id, event]));
  return bundle.events
    .filter((line) => line.envelope)
    .map((line) => {
      const payload = payloadOf(line);
      const item = fromTemplate("t-event");
      const known = told.get(payload.id) ?? {};
      const phone = ring.holder(payload.device);
      const received = receipts.get(payload.id);
      const { zone } = bundle.sealed;
      part(item, "h3").textContent = kindWords(payload, bundle.findings.catalogue.kinds);
      addFacts(part(item, "dl"), [
        ["Recorded by", recordedBy(phone, known)],
        ["With", counterpartWords(payload.counterpart)],
        ["Count", countWords(payload)],
        ["Signed for", parcelsWords(signedFor(payload, names))],
        [
          "All intact",
          payload.intact === true ? "yes, they said" : payload.intact === false ? "no, they said" : "",
        ],
        ["Phone's time", moment(claimedMs(line), zone)],
        [
          "Server had it by",
          received
            ? moment(received.at, zone)
            : phone?.kind === "server"
              ? "made on the server"
              : "no receipt",
        ],
        ["Existed before", stampWords(stamps.get(payload.id), zone)],
        ["Place", placeWords(payload.place, known.place_name)],
        ["Note", typeof payload.note === "string" ? payload.note : ""],
        ["Record", `no. ${payload.seq} of its phone`],
        ["Digest", line.sha256],
      ]);
      const isOther = (/** @type {any} */ blob) => !pictures.has(blob.sha256) && isLeftOut(known, blob);
      const others = (payload.blobs ?? []).filter(isOther);
      const box = part(item, ".photos");
      for (const blob of payload.blobs ?? []) {
        if (others.length > 1 && isOther(blob)) continue;
        box.append(showPicture(verdict, blob, pictures.get(blob.sha256), known));
      }
      if (others.length > 1) box.append(showOthers(others.length));
      return item;
    });
}

/**
 * What an event is called, by its kind and its data, which in a forged bundle is anything. `printing/words.py` chooses
 * likewise.
 * @param {any} payload
 * @param {Record<string, string>} kinds
 */
export function kindWords({ kind, data }, kinds) {
  let name = String(kind);
  if (kind === "cancel" && data?.requested === true) name = "cancel.requested";
  else if (kind === "cancel" && data?.withdrawn === true) name = "cancel.withdrawn";
  else if (kind === "hold") {
    name += `${data?.force_majeure === true ? ".force_majeure" : ""}${data?.on === false ? ".off" : ""}`;
  }
  return Object.hasOwn(kinds, name) ? kinds[name] : name.replaceAll("_", " ");
}

/** @param {import("./stamps.js").Stamped | undefined} stamped @param {string | undefined} zone */
function stampWords(stamped, zone) {
  if (!stamped) return "";
  return `${moment(stamped.at, zone)}, by the word of ${stamped.by}; its signature is not checked here`;
}

/** @param {any} phone @param {any} known */
function recordedBy(phone, known) {
  if (phone?.person) return `${phone.person.name}, ${phone.person.role}, on ${phone.label}`;
  return [known.actor_name, phone?.label].filter(Boolean).join(", on ") || "nobody known";
}

/** @param {any} who */
function counterpartWords(who) {
  return [who?.name, who?.role].filter((word) => typeof word === "string" && word).join(", ");
}

/** @param {any} payload */
function countWords({ parcels, expected }) {
  if (!Array.isArray(parcels) || parcels.length === 0) return "";
  const count = parcels.length === 1 ? "1 parcel" : `${parcels.length} parcels`;
  return Number.isInteger(expected) ? `${count} of ${expected} expected` : count;
}

/** The codes that were signed, so that who reads can compare them with the parcel's. @param {{own: string[], others: number}} signed */
function parcelsWords({ own, others }) {
  const rest = others + Math.max(0, own.length - MOST_CODES);
  const codes = own.slice(0, MOST_CODES).map(groups).join(", ");
  const more = rest === 0 ? "" : rest === 1 ? "1 other parcel" : `${rest} other parcels`;
  return [codes, more].filter(Boolean).join(" and ");
}

/** @param {any} where @param {string | null | undefined} name */
function placeWords(where, name) {
  const has = where && Number.isFinite(Number(where.lat ?? NaN)) && Number.isFinite(Number(where.lon ?? NaN));
  const near = has && where.accuracy_m ? ` (within ${Math.round(Number(where.accuracy_m))} m)` : "";
  return [name, has ? `${Number(where.lat).toFixed(5)}, ${Number(where.lon).toFixed(5)}${near}` : ""]
    .filter(Boolean)
    .join(", ");
}

/** Why a picture is not here; of one that was let go, since when. @param {any} told */
function absentWords(told) {
  const { state, deleted_at: at, deleted_after_days: days, deleted_why: why } = told ?? {};
  if (told?.withheld === true) return "Left out: this is a copy with printed text blurred (proof.pdf).";
  const words = ABSENT_WORDS[state] ?? "Not in this file.";
  if (state !== "deleted_by_policy" || typeof at !== "string") return words;
  const day = at.slice(0, 10);
  if (why === "erased") return `Erased on ${day} (UTC), because the person it is of asked.`;
  return `${words.slice(0, -1)} on ${day} (UTC)${Number.isInteger(days) ? `, after ${days} days` : ""}.`;
}

/** Whether the timeline says that a picture shows another parcel. @param {any} known @param {any} blob */
function isLeftOut(known, { sha256 }) {
  const told = (known.blobs ?? []).find((/** @type {any} */ it) => it.sha256 === sha256);
  return told?.state === "left_out" && told.withheld !== true;
}

/** One frame for all pictures of other parcels. @param {number} count */
function showOthers(count) {
  const box = fromTemplate("t-absent");
  part(box, "figcaption").textContent = `${count} pictures, of each: ${ABSENT_WORDS.left_out}`;
  return box;
}

/** @param {Verdict} verdict @param {any} blob @param {string | undefined} name @param {any} known */
function showPicture({ bundle }, blob, name, known) {
  const caption = `${blob.role === "signature" ? "Signature" : blob.role === "tag" ? "The tag, close up" : "Photo"} · ${blob.sha256}`;
  const isTrue = name && bundle.digests.get(name) === PICTURE.exec(name)?.[1];
  if (!name || !isTrue) {
    const box = fromTemplate("t-absent");
    const told = (known.blobs ?? []).find((/** @type {any} */ b) => b.sha256 === blob.sha256);
    const why = name ? "This picture was changed, so it is not shown." : absentWords(told);
    part(box, "figcaption").textContent = `${why} ${caption}`;
    return box;
  }
  const figure = fromTemplate("t-photo");
  const member = /** @type {import("./zip.js").Member} */ (bundle.members.get(name));
  const image = /** @type {HTMLImageElement} */ (part(figure, "img"));
  image.alt = blob.role;
  image.loading = "lazy";
  part(figure, "figcaption").textContent = caption;
  void bundle.read(name, member.size).then((bytes) => {
    const type = bytes && mediaType(bytes);
    if (bytes && type) image.src = URL.createObjectURL(new Blob([bytes], { type }));
  });
  return figure;
}

/** @param {Verdict} verdict @returns {HTMLElement[]} */
function showKeys({ bundle, ring }) {
  const used = new Set(bundle.events.map((line) => payloadOf(line).device));
  return [...ring.byDevice.values()]
    .flat()
    .filter((key) => used.has(key.device) || key.kid === ring.server)
    .map((key) => {
      const item = fromTemplate("t-key");
      part(item, "strong").textContent = key.person?.name ?? key.label;
      const ended = key.revoked_at ? `, signed out ${moment(ms(key.revoked_at), bundle.sealed.zone)}` : "";
      const since = `since ${moment(ms(key.enrolled_at), bundle.sealed.zone)}${ended}`;
      part(item, "span").textContent = key.person
        ? `${key.person.role}, on ${key.label}, ${since}`
        : `the server, ${since}`;
      part(item, "code").textContent = key.kid ?? "no key: this phone could not keep one";
      return item;
    });
}

/** Our own codes in groups of four. @param {string} code */
function groups(code) {
  return /^[0-9A-Z]{12}$/.test(code) ? `${code.slice(0, 4)}-${code.slice(4, 8)}-${code.slice(8)}` : code;
}

/** A time as the shop's clocks show it. @param {number} at @param {string | undefined} zone @returns {string} */
export function moment(at, zone) {
  /** @type {Intl.DateTimeFormatOptions} */
  const how = { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" };
  try {
    return `${new Intl.DateTimeFormat("en-GB", { ...how, timeZone: zone }).format(at)} (${zone ?? "here"})`;
  } catch {
    try {
      return `${new Intl.DateTimeFormat("en-GB", { ...how, timeZone: "UTC" }).format(at)} (UTC)`;
    } catch {
      return "beyond all years";
    }
  }
}
