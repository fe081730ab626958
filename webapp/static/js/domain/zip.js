/**
 * The bytes of a zip whose parts are stored as they are: headers, directory and checksum (APPNOTE 4.3, ADR 0008).
 * @module
 */
import { utf8 } from "./bytes.js";

/** `at` is where its header begins. @typedef {{name:string, size:number, crc:number, at:number}} ZipPart */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 10; // what a reader needs: nothing but stored parts
const UTF8_NAMES = 0x0800; // bit 3 stays unset: sizes and checksum stand in the header
const FIRST_DAY = 0x0021; // 1 January 1980: when a part was made is of no matter
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;

/** Eight tables, so that a photo is gone through eight bytes at a time. */
const TABLES = makeTables();

/** @returns {Uint32Array[]} */
function makeTables() {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    tables[0][byte] = value;
  }
  for (let byte = 0; byte < 256; byte += 1) {
    for (let n = 1; n < 8; n += 1) {
      const before = tables[n - 1][byte];
      tables[n][byte] = (before >>> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

/**
 * CRC-32 as zip, gzip and PNG have it.
 * @param {Uint8Array} bytes
 * @param {number} [before] the checksum of what came before these bytes
 * @returns {number} 0…2³²-1
 */
export function crc32(bytes, before = 0) {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let crc = ~before;
  let at = 0;
  for (const whole = bytes.length - 7; at < whole; at += 8) {
    crc ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    crc =
      t7[crc & 0xff] ^
      t6[(crc >>> 8) & 0xff] ^
      t5[(crc >>> 16) & 0xff] ^
      t4[crc >>> 24] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at += 1) crc = t0[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * What stands in front of a part's bytes.
 * @param {{name:string, size:number, crc:number}} part
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function localHeader({ name, size, crc }) {
  const named = utf8(name);
  const view = new DataView(new ArrayBuffer(LOCAL_BYTES + named.length));
  view.setUint32(0, LOCAL, true);
  writeFacts(view, 4, { size, crc, nameLength: named.length });
  const bytes = new Uint8Array(view.buffer);
  bytes.set(named, LOCAL_BYTES);
  return bytes;
}

/**
 * The directory of all parts and its end: the last bytes of the file.
 * @param {ZipPart[]} parts in their order, at most 65,534
 * @param {number} at where the directory begins
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function directory(parts, at) {
  const names = parts.map(({ name }) => utf8(name));
  const size = names.reduce((sum, name) => sum + CENTRAL_BYTES + name.length, 0);
  const view = new DataView(new ArrayBuffer(size + END_BYTES));
  const bytes = new Uint8Array(view.buffer);
  let to = 0;
  for (const [index, part] of parts.entries()) {
    view.setUint32(to, CENTRAL, true);
    view.setUint16(to + 4, VERSION, true);
    writeFacts(view, to + 6, { ...part, nameLength: names[index].length });
    view.setUint32(to + 42, part.at, true);
    bytes.set(names[index], to + CENTRAL_BYTES);
    to += CENTRAL_BYTES + names[index].length;
  }
  view.setUint32(to, END, true);
  view.setUint16(to + 8, parts.length, true);
  view.setUint16(to + 10, parts.length, true);
  view.setUint32(to + 12, size, true);
  view.setUint32(to + 16, at, true);
  return bytes;
}

/**
 * What header and directory say alike, from "version needed" on.
 * @param {DataView} view
 * @param {number} at
 * @param {{size:number, crc:number, nameLength:number}} part
 */
function writeFacts(view, at, { size, crc, nameLength }) {
  view.setUint16(at, VERSION, true);
  view.setUint16(at + 2, UTF8_NAMES, true);
  view.setUint16(at + 8, FIRST_DAY, true);
  view.setUint32(at + 10, crc, true);
  view.setUint32(at + 14, size, true);
  view.setUint32(at + 18, size, true);
  view.setUint16(at + 22, nameLength, true);
}

/**
 * What a part adds to the file beside its own bytes, in header and directory.
 * @param {string} name
 * @returns {number} bytes
 */
export function overhead(name) {
  return LOCAL_BYTES + CENTRAL_BYTES + 2 * utf8(name).length;
}

/** What every zip ends with. */
export const ENDING_BYTES = END_BYTES;
