/**
 * JSON from strangers, read in one way only: a member that is there twice, a number that would be rounded, text that is
 * no Unicode or a nesting without end is refused, as the server refuses it (sync/protocol/strictjson.py).
 * @module
 */

const MOST_DEPTH = 24;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * The value of UTF-8 JSON text; undefined when it is not JSON that every reader reads the same.
 * @param {Uint8Array} bytes
 * @returns {any}
 */
export function readJson(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const reader = { text, at: 0 };
    const value = readValue(reader, 0);
    skip(reader);
    return reader.at === text.length ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @typedef {{text: string, at: number}} Reader */

/** @param {Reader} reader @param {RegExp} pattern @returns {string} */
function take(reader, pattern) {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text);
  if (!found) throw new SyntaxError();
  reader.at += found[0].length;
  return found[0];
}

/** @param {Reader} reader */
function skip(reader) {
  take(reader, SPACE);
}

/** @param {Reader} reader @param {number} depth @returns {any} */
function readValue(reader, depth) {
  skip(reader);
  const char = reader.text[reader.at];
  if (char === "{" || char === "[") {
    if (depth > MOST_DEPTH) throw new SyntaxError();
    return char === "{" ? readObject(reader, depth + 1) : readList(reader, depth + 1);
  }
  if (char === '"') return readText(reader);
  for (const [word, value] of /** @type {[string, unknown][]} */ ([
    ["true", true],
    ["false", false],
    ["null", null],
  ])) {
    if (reader.text.startsWith(word, reader.at)) {
      reader.at += word.length;
      return value;
    }
  }
  return readNumber(take(reader, NUMBER));
}

/** @param {string} digits @returns {number} */
function readNumber(digits) {
  const value = Number(digits);
  const isWhole = /^-?\d+$/.test(digits);
  if (!Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value))) throw new SyntaxError();
  // Python reads 3.0 as another thing than 3, and so does this.
  return !isWhole && Number.isInteger(value) ? /** @type {any} */ (new Number(value)) : value;
}

/** @param {Reader} reader @returns {string} */
function readText(reader) {
  const from = reader.at;
  if (reader.text[from] !== '"') throw new SyntaxError();
  reader.at = closingQuote(reader.text, from) + 1;
  const value = JSON.parse(reader.text.slice(from, reader.at)); // it refuses what must not stand in it
  if (LONE.test(value) || value.includes(String.fromCharCode(0))) throw new SyntaxError();
  return value;
}

/**
 * Where the text that begins here ends. By hand: a pattern runs out of stack in a text of megabytes, and a seal is one.
 * @param {string} text
 * @param {number} from
 * @returns {number}
 */
function closingQuote(text, from) {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  throw new SyntaxError();
}

/** @param {Reader} reader @param {number} depth @returns {unknown[]} */
function readList(reader, depth) {
  /** @type {unknown[]} */
  const values = [];
  reader.at += 1;
  skip(reader);
  if (reader.text[reader.at] === "]") {
    reader.at += 1;
    return values;
  }
  for (;;) {
    values.push(readValue(reader, depth));
    if (ends(reader, "]")) return values;
  }
}

/** @param {Reader} reader @param {number} depth @returns {Record<string, unknown>} */
function readObject(reader, depth) {
  /** @type {Map<string, unknown>} */
  const members = new Map();
  reader.at += 1;
  skip(reader);
  if (reader.text[reader.at] === "}") {
    reader.at += 1;
    return {};
  }
  for (;;) {
    skip(reader);
    const name = readText(reader);
    skip(reader);
    take(reader, /:/y);
    if (members.has(name)) throw new SyntaxError();
    members.set(name, readValue(reader, depth));
    if (ends(reader, "}")) return Object.fromEntries(members);
  }
}

/** Whether a list or object ends here; a comma means that it goes on. @param {Reader} reader @param {string} close */
function ends(reader, close) {
  skip(reader);
  const char = reader.text[reader.at];
  reader.at += 1;
  if (char === close) return true;
  if (char !== ",") throw new SyntaxError();
  return false;
}

/**
 * Whether two values read by `readJson` say the same, in whatever order their members stand.
 * @param {any} one
 * @param {any} other
 * @returns {boolean}
 */
export function saysTheSame(one, other) {
  if (one === other) return true;
  if (isNumber(one) || isNumber(other)) {
    return isNumber(one) && isNumber(other) && Number(one) === Number(other);
  }
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && saysTheSame(one[name], other[name]))
  );
}

/** 3.0 is read as another thing than 3, and says the same. @param {unknown} value */
function isNumber(value) {
  return typeof value === "number" || value instanceof Number;
}
