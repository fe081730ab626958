/**
 * A bundle's parts, read and taken apart: what there is, before anything in it is compared or believed.
 * @module
 */
import { crc32, latin1, sha256, fromLatin1 } from "./bytes.js";
import { EVENT_TYP, MAX_LINE, MAX_SEAL, RECEIPT_TYP, Refused, SEAL_TYP, openJws } from "./jws.js";
import { NoBundle, Unreadable, readPart } from "./zip.js";
import { complaint } from "./shapes.js";
import { readJson } from "./json.js";

/** @typedef {import("./jws.js").Envelope} Envelope */

const FORMAT = 1;
/** Bytes of nothing, deflated. */
const NOTHING = 2;
export const EVENTS = "events.jws";
export const KEYS = "keys.json";
export const RECEIPTS = "receipts.jws";
export const TIMELINE = "timeline.json";
export const PDF = "proof.pdf";
export const PAGE = "verify.html";
/** Only where an authority has stamped days. */
export const STAMPS = "stamps.json";
const TEXT = 64 * 1024 * 1024;
/** @type {Record<string, number>} */
export const MOST = {
  [EVENTS]: TEXT,
  [KEYS]: TEXT,
  [RECEIPTS]: TEXT,
  [TIMELINE]: TEXT,
  [STAMPS]: TEXT,
  [PDF]: TEXT,
  [PAGE]: TEXT,
};
export const MAX_PICTURE = 10_485_760;
const MAX_LINES = 20_000;
export const PICTURE = /^blobs\/([0-9a-f]{64})\.(jpg|png|webp)$/;

/** @typedef {{number: number, jws: string, sha256: string, envelope: Envelope | null, refused: Refused | null}} Line */

/** Everything that could be read of a bundle. */
export class Bundle {
  /**
   * @param {import("./zip.js").Archive} archive
   * @param {import("./findings.js").Findings} findings
   * @param {Record<string, any>} shapes
   */
  constructor(archive, findings, shapes) {
    this.archive = archive;
    this.findings = findings;
    this.shapes = shapes;
    /** @type {Map<string, import("./zip.js").Member>} */
    this.members = new Map();
    /** @type {Map<string, string>} */
    this.digests = new Map();
    /** @type {Set<string>} */
    this.faulty = new Set();
    /** @type {any} */
    this.keys = null;
    /** @type {any} */
    this.told = null;
    /** @type {any} */
    this.stamps = null;
    /** @type {Envelope | null} */
    this.seal = null;
    /** @type {Line[]} */
    this.events = [];
    /** @type {Line[]} */
    this.receipts = [];
    /** @type {Uint8Array<ArrayBuffer> | null} */
    this.page = null;
  }

  /** What the checks go by: the server's signed words, or what lies there. @returns {any} */
  get sealed() {
    return this.seal?.payload ?? this.told ?? {};
  }

  /** [name of the part, digest in that name] of every picture. @returns {[string, string][]} */
  pictureNames() {
    return [...this.members.keys()].flatMap((name) => {
      const found = PICTURE.exec(name);
      return found ? [/** @type {[string, string]} */ ([name, found[1]])] : [];
    });
  }

  /** A part's bytes, its digest noted; null, with a finding, when they cannot be had. @param {string} name @param {number} most */
  async read(name, most) {
    const member = this.members.get(name);
    if (!member) return null;
    try {
      const bytes = await readPart(this.archive, member, most);
      if (crc32(bytes) !== member.crc) this.findings.add("archive_checksum", name);
      this.digests.set(name, await sha256(bytes));
      return bytes;
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.findings.add(error.code, name, error.message);
      this.faulty.add(name);
      return null;
    }
  }
}

/**
 * Take a bundle apart.
 * @param {import("./zip.js").Archive} archive
 * @param {import("./findings.js").Findings} findings
 * @param {Record<string, any>} shapes
 * @returns {Promise<Bundle>}
 */
export async function readContents(archive, findings, shapes) {
  const bundle = new Bundle(archive, findings, shapes);
  nameMembers(bundle);
  if (!bundle.members.has(TIMELINE) && !bundle.members.has(EVENTS)) {
    throw new NoBundle("no_bundle", "It has neither events.jws nor timeline.json.");
  }
  for (const name of Object.keys(MOST)) {
    if (!bundle.members.has(name) && name !== STAMPS) findings.add("member_missing", name);
  }
  bundle.keys = await readDocument(bundle, KEYS, "keys");
  await readTimeline(bundle);
  bundle.events = await readLines(bundle, EVENTS, EVENT_TYP);
  bundle.receipts = await readLines(bundle, RECEIPTS, RECEIPT_TYP);
  bundle.stamps = await readDocument(bundle, STAMPS, "stamps");
  await bundle.read(PDF, MOST[PDF]);
  bundle.page = await bundle.read(PAGE, MOST[PAGE]);
  return bundle;
}

/** @param {Bundle} bundle */
function nameMembers(bundle) {
  for (const [code, where] of bundle.archive.oddities) bundle.findings.add(code, where);
  for (const member of bundle.archive.members) {
    const isEmpty = member.size === 0 && member.packed <= NOTHING && !member.hasTwoStories;
    if (member.name === "blobs/" && isEmpty) continue;
    if (!Object.hasOwn(MOST, member.name) && !PICTURE.test(member.name)) {
      bundle.findings.add("member_unknown", member.name);
    } else if (bundle.members.has(member.name)) {
      bundle.findings.add("member_twice", member.name);
    } else {
      if (member.hasTwoStories) bundle.findings.add("archive_two_stories", member.name);
      bundle.members.set(member.name, member);
    }
  }
}

/** @param {Bundle} bundle @param {string} name @param {string} shape @returns {Promise<any>} */
async function readDocument(bundle, name, shape) {
  const raw = await bundle.read(name, MOST[name]);
  if (!raw) return null;
  const value = readJson(raw);
  const format = value && typeof value === "object" && !Array.isArray(value) ? value.format : null;
  if (Number.isInteger(format) && format > FORMAT) {
    throw new NoBundle("format_unknown", `It is of format ${format}; get a newer Baton to check it.`);
  }
  const wrong = value === undefined ? "it is not JSON" : complaint(bundle.shapes[shape], value);
  if (wrong !== null || format !== FORMAT) {
    bundle.findings.add("member_malformed", name, `Not as in a bundle: ${wrong ?? "format"}.`);
    return null;
  }
  return value;
}

/** @param {Bundle} bundle */
async function readTimeline(bundle) {
  const told = await readDocument(bundle, TIMELINE, "timeline");
  if (!told) return;
  const { seal: jws, ...rest } = told;
  bundle.told = rest;
  if (typeof jws !== "string") {
    bundle.findings.add("seal_missing", TIMELINE);
    return;
  }
  try {
    const seal = openJws(jws, SEAL_TYP, MAX_SEAL);
    const wrong = complaint(bundle.shapes.timeline, seal.payload);
    if (wrong === null) bundle.seal = seal;
    else bundle.findings.add("member_malformed", TIMELINE, `Not as in a bundle: ${wrong}, in the seal.`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    bundle.findings.add("seal_signature", TIMELINE, asSentence(error.message));
  }
}

/** @param {Bundle} bundle @param {string} name @param {string} typ @returns {Promise<Line[]>} */
async function readLines(bundle, name, typ) {
  const raw = await bundle.read(name, MOST[name]);
  if (!raw) return [];
  const texts = latin1(raw)
    .split("\n")
    .filter((text) => /[^\r ]/.test(text));
  if (texts.length > MAX_LINES) {
    bundle.findings.add("member_too_large", name, `It has more than ${MAX_LINES} lines.`);
  }
  return Promise.all(texts.slice(0, MAX_LINES).map((text, index) => readLine(bundle, index + 1, text, typ)));
}

/** @param {Bundle} bundle @param {number} number @param {string} text @param {string} typ @returns {Promise<Line>} */
async function readLine(bundle, number, text, typ) {
  const jws = text.replace(/\r+$/, "");
  const digest = await sha256(fromLatin1(jws));
  try {
    const envelope = openJws(jws, typ, MAX_LINE);
    const wrong = complaint(bundle.shapes[typ === EVENT_TYP ? "event" : "receipt"], envelope.payload);
    if (wrong !== null) throw new Refused(`${wrong} is not as it must be`);
    return { number, jws, sha256: digest, envelope, refused: null };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { number, jws, sha256: digest, envelope: null, refused: error };
  }
}

/** @param {string} text @returns {string} */
export function asSentence(text) {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

/** What a line says; empty when it cannot be read. @param {Line} line @returns {Record<string, any>} */
export function payloadOf(line) {
  return line.envelope?.payload ?? {};
}
