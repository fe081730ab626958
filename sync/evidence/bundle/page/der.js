/**
 * As much of DER as a time stamp needs: what was stamped, and when. Its signature is for `baton verify` and openssl.
 * By the same rules as the command (der.py, token.py).
 * @module
 */
import { latin1, toHex } from "./bytes.js";
import { toMs } from "./shapes.js";

const [INTEGER, OCTETS, OID, SEQUENCE, TIME, INSIDE] = [0x02, 0x04, 0x06, 0x30, 0x18, 0xa0];
const MOST_ANSWER = 64 * 1024;
const SIGNED_DATA = "2a864886f70d010702";
const TST_INFO = "2a864886f70d0109100104";
const SHA256_OID = "608648016503040201";
/** @type {Record<number, string>} */
const REFUSALS = {
  2: "it refuses",
  3: "it asks to wait",
  4: "it warns of a revocation",
  5: "its certificate was revoked",
};

/** It is no answer with a time stamp in it. */
export class NoStamp extends Error {}

/** @typedef {{tag: number, content: Uint8Array<ArrayBuffer>, after: number}} Piece */

/** @param {Uint8Array<ArrayBuffer>} bytes @param {number} at @returns {Piece} */
function readPiece(bytes, at) {
  if (bytes.length - at < 2) throw new NoStamp("it breaks off");
  const tag = bytes[at];
  let [length, start] = [bytes[at + 1], at + 2];
  if ((tag & 0x1f) === 0x1f) throw new NoStamp("it has a kind of value that no time stamp has");
  if (length & 0x80) {
    const count = length & 0x7f;
    if (count < 1 || count > 4 || bytes.length - start < count) {
      throw new NoStamp("it has a length that cannot be read");
    }
    const digits = bytes.subarray(start, start + count);
    length = digits.reduce((sum, byte) => sum * 256 + byte, 0);
    start += count;
    if (length < 0x80 || digits[0] === 0) {
      throw new NoStamp("it has a length that is not written as short as can be");
    }
  }
  if (length > bytes.length - start) throw new NoStamp("it breaks off");
  return { tag, content: bytes.slice(start, start + length), after: start + length };
}

/** All of these bytes as one piece of a kind. @param {Uint8Array<ArrayBuffer>} bytes @param {number} tag @returns {Piece} */
function wholePiece(bytes, tag) {
  const piece = readPiece(bytes, 0);
  if (piece.after !== bytes.length) throw new NoStamp("something follows it");
  return ofKind(piece, tag);
}

/** @param {Piece} piece @param {number} tag @returns {Piece} */
function ofKind(piece, tag) {
  if (piece.tag !== tag) throw new NoStamp("something else is where a time stamp has its parts");
  return piece;
}

/** What lies in a piece, one after the other. @param {Piece} piece @returns {Piece[]} */
function piecesIn({ content }) {
  const found = [];
  for (let at = 0; at < content.length;) {
    const piece = readPiece(content, at);
    found.push(piece);
    at = piece.after;
  }
  return found;
}

/** @param {Piece[]} pieces @param {number} index @param {number} tag @returns {Piece} */
function pieceAt(pieces, index, tag) {
  if (index >= pieces.length) throw new NoStamp("it breaks off");
  return ofKind(pieces[index], tag);
}

/** @param {Piece} piece @param {string} hex @param {string} whyNot */
function insistOn({ content }, hex, whyNot) {
  if (toHex(content) !== hex) throw new NoStamp(whyNot);
}

/**
 * What an authority's answer says: the digest that was stamped, and when. Throws NoStamp.
 * @param {Uint8Array<ArrayBuffer>} response
 * @returns {{imprint: string, at: number}}
 */
export function readStamp(response) {
  if (response.length > MOST_ANSWER) throw new NoStamp("it is larger than any answer");
  const answer = piecesIn(wholePiece(response, SEQUENCE));
  const status = toHex(pieceAt(piecesIn(pieceAt(answer, 0, SEQUENCE)), 0, INTEGER).content);
  if (status !== "00" && status !== "01") {
    const code = parseInt(status.slice(-8) || "0", 16);
    throw new NoStamp(`${REFUSALS[code] ?? "it has an unknown status"} (status ${code})`);
  }
  const token = piecesIn(pieceAt(answer, 1, SEQUENCE));
  insistOn(pieceAt(token, 0, OID), SIGNED_DATA, "it holds no signed data");
  const signed = piecesIn(pieceAt(piecesIn(pieceAt(token, 1, INSIDE)), 0, SEQUENCE));
  const info = piecesIn(pieceAt(signed, 2, SEQUENCE));
  insistOn(pieceAt(info, 0, OID), TST_INFO, "it is signed data of another kind");
  const octets = pieceAt(piecesIn(pieceAt(info, 1, INSIDE)), 0, OCTETS);
  const told = piecesIn(wholePiece(octets.content, SEQUENCE));
  const imprint = piecesIn(pieceAt(told, 2, SEQUENCE));
  const algorithm = pieceAt(piecesIn(pieceAt(imprint, 0, SEQUENCE)), 0, OID);
  insistOn(algorithm, SHA256_OID, "it is over a digest that is not SHA-256");
  const digest = toHex(pieceAt(imprint, 1, OCTETS).content);
  return { imprint: digest, at: momentOf(latin1(pieceAt(told, 4, TIME).content)) };
}

/** Milliseconds since 1970. @param {string} text a GeneralizedTime @returns {number} */
function momentOf(text) {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(text);
  const [, year, month, day, hour, minute, second, fraction] = found ?? [];
  const at = found ? toMs(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction ?? ""}Z`) : null;
  if (at === null) throw new NoStamp("its time cannot be read");
  return at;
}
