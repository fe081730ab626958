/**
 * Read a zip from somebody else: every part that its directory names, within bounds, and nothing that is hidden.
 * By the same rules as the command (archive.py): two programs must never see two different things in one file.
 * @module
 */
import { latin1 } from "./bytes.js";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const MOST_FOLLOWING = 24;
const TO_ZIP64 = 0xffffffff;
const FIRST_DAY = 0x0021;
export const MAX_MEMBERS = 5000;
const MAX_FILE = 1024 * 1024 * 1024;
const MAX_NAME = 200;

/** The file is no bundle; `code` says why. */
export class NoBundle extends Error {
  /** @param {string} code @param {string} detail */
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

/** A part's bytes cannot be had; `code` is a finding. */
export class Unreadable extends Error {
  /** @param {string} code @param {string} detail */
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

/**
 * @typedef {object} Member
 * @property {string} name
 * @property {number} start where its bytes begin
 * @property {number} packed how many they are
 * @property {number} size how many they unfold to
 * @property {number} method
 * @property {number} crc
 * @property {boolean} hasTwoStories its own header says something else than the directory
 */

/** @typedef {{name:string, flags:number, method:number, crc:number, packed:number, size:number, at:number}} Entry */
/** @typedef {{bytes: Uint8Array<ArrayBuffer>, members: Member[], oddities: [string, string][]}} Archive */

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Archive}
 */
export function readArchive(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { endAt, count, size, at } = findEnd(bytes, view);
  if (at + size !== endAt) {
    throw new NoBundle("archive_broken", "Its directory is not where the file's end says.");
  }
  const entries = [];
  let offset = at;
  for (let n = 0; n < count; n += 1) {
    const [entry, next] = readEntry(bytes, view, offset, endAt);
    entries.push(entry);
    offset = next;
  }
  if (offset !== endAt) {
    throw new NoBundle("archive_broken", "Its directory has more in it than the file's end says.");
  }
  const members = entries.map((entry) => readMember(bytes, view, entry, at));
  /** @type {[string, string][]} */
  const oddities = [];
  lookBetween(entries, members, at, oddities);
  if (isPackedAnew(view, entries, members, at, size)) oddities.push(["archive_repacked", ""]);
  return { bytes, members, oddities };
}

/** Where the end record begins. @param {Uint8Array} bytes @param {DataView} view @returns {number} */
function seekEnd(bytes, view) {
  if (bytes.length > MAX_FILE) {
    throw new NoBundle("archive_too_large", `It has ${bytes.length} bytes; the most is ${MAX_FILE}.`);
  }
  let found = bytes.length - 4;
  const lowest = Math.max(0, bytes.length - END_BYTES - 0xffff);
  while (found >= lowest && view.getUint32(found, true) !== END) found -= 1;
  if (found >= lowest && bytes.length - found >= END_BYTES) return found;
  const isTorn = bytes[0] === 0x50 && bytes[1] === 0x4b;
  throw isTorn
    ? new NoBundle("archive_torn", "It breaks off before its directory: copy or download it again.")
    : new NoBundle("not_a_zip", "It is no zip file: choose the .zip that was exported.");
}

/** @param {Uint8Array} bytes @param {DataView} view */
function findEnd(bytes, view) {
  const found = seekEnd(bytes, view);
  const u16 = (/** @type {number} */ n) => view.getUint16(found + n, true);
  const [size, at] = [view.getUint32(found + 12, true), view.getUint32(found + 16, true)];
  if (u16(20) || found + END_BYTES !== bytes.length) {
    throw new NoBundle("archive_broken", "Something is written behind its end.");
  }
  if (u16(4) || u16(6) || u16(8) !== u16(10) || size === TO_ZIP64 || at === TO_ZIP64) {
    throw new NoBundle("archive_broken", "It is spread over several files, or larger than a bundle can be.");
  }
  if (u16(10) > MAX_MEMBERS) {
    throw new NoBundle("archive_too_many", `It has ${u16(10)} parts; the most is ${MAX_MEMBERS}.`);
  }
  return { endAt: found, count: u16(10), size, at };
}

/** @param {Uint8Array} bytes @param {DataView} view @param {number} offset @param {number} endAt @returns {[Entry, number]} */
function readEntry(bytes, view, offset, endAt) {
  const broken = new NoBundle("archive_broken", "Its directory cannot be read.");
  if (endAt - offset < CENTRAL_BYTES || view.getUint32(offset, true) !== CENTRAL) throw broken;
  const u16 = (/** @type {number} */ n) => view.getUint16(offset + n, true);
  const u32 = (/** @type {number} */ n) => view.getUint32(offset + n, true);
  const end = offset + CENTRAL_BYTES + u16(28) + u16(30) + u16(32);
  if (end > endAt || u16(34) || u16(28) < 1 || u16(28) > MAX_NAME) throw broken;
  if (u16(8) & 1) throw new NoBundle("archive_locked", "It is locked with a password.");
  if ([u32(20), u32(24), u32(42)].includes(TO_ZIP64)) {
    throw new NoBundle("archive_broken", "A part is larger than a bundle can hold.");
  }
  const name = nameOf(bytes.subarray(offset + CENTRAL_BYTES, offset + CENTRAL_BYTES + u16(28)));
  return [
    { name, flags: u16(8), method: u16(10), crc: u32(16), packed: u32(20), size: u32(24), at: u32(42) },
    end,
  ];
}

/** @param {Uint8Array} bytes @param {DataView} view @param {Entry} entry @param {number} directoryAt @returns {Member} */
function readMember(bytes, view, entry, directoryAt) {
  const { at } = entry;
  if (at + LOCAL_BYTES > bytes.length || view.getUint32(at, true) !== LOCAL) {
    throw new NoBundle("archive_broken", `${entry.name} is not where the directory says.`);
  }
  const u16 = (/** @type {number} */ n) => view.getUint16(at + n, true);
  const u32 = (/** @type {number} */ n) => view.getUint32(at + n, true);
  const start = at + LOCAL_BYTES + u16(26) + u16(28);
  if (start + entry.packed > directoryAt) {
    throw new NoBundle("archive_broken", `${entry.name} runs into the directory.`);
  }
  const ownName = nameOf(bytes.subarray(at + LOCAL_BYTES, at + LOCAL_BYTES + u16(26)));
  const follows = Boolean(u16(6) & 8);
  const agrees =
    ownName === entry.name &&
    u16(8) === entry.method &&
    (follows || (u32(14) === entry.crc && u32(18) === entry.packed && u32(22) === entry.size));
  const isOdd = entry.method === 0 && entry.packed !== entry.size;
  const { name, packed, size, method, crc } = entry;
  return { name, start, packed, size, method, crc, hasTwoStories: !agrees || isOdd };
}

/** Parts must follow each other without a gap and without sharing a byte. @param {Entry[]} entries @param {Member[]} members @param {number} directoryAt @param {[string, string][]} oddities */
function lookBetween(entries, members, directoryAt, oddities) {
  const placed = entries
    .map((entry, index) => ({ entry, member: members[index] }))
    .sort((one, other) => one.entry.at - other.entry.at);
  let at = 0;
  for (const { entry, member } of placed) {
    if (entry.at < at) {
      throw new NoBundle("archive_broken", `${entry.name} shares its bytes with another part.`);
    }
    if (entry.at > at) oddities.push(["archive_hidden_bytes", `before ${entry.name}`]);
    at = member.start + member.packed;
    if (entry.flags & 8) {
      const following = entries.map((e) => e.at).filter((e) => at <= e && e <= at + MOST_FOLLOWING);
      if (following.length > 0) at = Math.min(...following);
      if (directoryAt - at <= MOST_FOLLOWING) at = directoryAt;
    }
  }
  if (at !== directoryAt) oddities.push(["archive_hidden_bytes", "before the directory"]);
}

/** Whether the headers are not the ones that Baton writes. @param {DataView} view @param {Entry[]} entries @param {Member[]} members @param {number} at @param {number} size */
function isPackedAnew(view, entries, members, at, size) {
  let offset = at;
  for (const [index, entry] of entries.entries()) {
    const u16 = [10, 10, 0x0800, 0, 0, FIRST_DAY].some(
      (value, n) => view.getUint16(offset + 4 + 2 * n, true) !== value,
    );
    const rest = [30, 32, 34, 36, 38, 40].some((n) => view.getUint16(offset + n, true) !== 0);
    if (u16 || rest || entry.packed !== entry.size) return true;
    if (members[index].start - entry.at !== LOCAL_BYTES + entry.name.length) return true;
    offset += CENTRAL_BYTES + view.getUint16(offset + 28, true);
  }
  return offset !== at + size || entries.some((entry) => entry.name.includes("?"));
}

/** What no bundle's name has is shown as a question mark. @param {Uint8Array} raw @returns {string} */
function nameOf(raw) {
  return latin1(raw).replace(/[^ -~]/g, "?");
}

/**
 * A part's bytes.
 * @param {Archive} archive
 * @param {Member} member
 * @param {number} most
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function readPart(archive, member, most) {
  if (member.size > most) {
    throw new Unreadable(
      "member_too_large",
      `It says that it has ${member.size} bytes; ${most} is the most.`,
    );
  }
  if (member.method !== 0 && member.method !== 8) {
    throw new Unreadable("member_damaged", "It is packed in a way that is not read here.");
  }
  if (member.method === 8) {
    return inflate(archive.bytes.slice(member.start, member.start + member.packed), member.size);
  }
  const bytes = archive.bytes.slice(member.start, member.start + member.size);
  if (bytes.length !== member.size) {
    throw new Unreadable("member_damaged", "It has not as many bytes as the directory says.");
  }
  return bytes;
}

/** @param {Uint8Array<ArrayBuffer>} packed @param {number} size @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function inflate(packed, size) {
  const out = new Uint8Array(size);
  let at = 0;
  try {
    const reader = new Blob([packed])
      .stream()
      .pipeThrough(new DecompressionStream("deflate-raw"))
      .getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.length > size) {
        await reader.cancel();
        at = -1;
        break;
      }
      out.set(value, at);
      at += value.length;
    }
  } catch {
    throw new Unreadable("member_damaged", "It cannot be unpacked.");
  }
  if (at !== size) {
    throw new Unreadable("member_damaged", "What is packed in it is not what the directory says.");
  }
  return out;
}
