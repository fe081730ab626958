/**
 * The page in the bundle: it is the one that was sealed, and what it carries is this bundle and no other.
 * @module
 */
import { crc32, fromBase64, fromLatin1, latin1, sha256 } from "./bytes.js";
import { MAX_PICTURE, MOST, PAGE } from "./contents.js";
import { NoBundle, Unreadable, readArchive, readPart } from "./zip.js";

const FILLED = /<script type="text\/plain" id="bundle">([A-Za-z0-9+/=]*)<\/script>/;
const EMPTY = ["<!--", "bundle", "-->"].join(""); // in one piece it would be a second slot in this very page

/** @param {import("./contents.js").Bundle} bundle */
export async function checkPage(bundle) {
  if (!bundle.page || !bundle.seal) return;
  const text = latin1(bundle.page);
  const found = FILLED.exec(text);
  const shell = found ? text.slice(0, found.index) + EMPTY + text.slice(found.index + found[0].length) : text;
  if ((await sha256(fromLatin1(shell))) !== bundle.sealed.page) bundle.findings.add("page_changed", PAGE);
  else if (found && !(await carriesTheSame(bundle, found[1]))) {
    bundle.findings.add("page_changed", PAGE, "What it carries is not what is in this bundle.");
  }
}

/** @param {import("./contents.js").Bundle} bundle @param {string} carried @returns {Promise<boolean>} */
async function carriesTheSame(bundle, carried) {
  const bytes = fromBase64(carried);
  if (!bytes) return false;
  try {
    const archive = readArchive(bytes);
    // Only Baton writes what is carried: there is no honest reason for it to be packed in any other way.
    const isOdd = archive.oddities.length > 0 || archive.members.some(({ hasTwoStories }) => hasTwoStories);
    if (isOdd) return false;
    const names = new Set(archive.members.map(({ name }) => name));
    const others = [...bundle.members.keys()].filter((name) => name !== PAGE);
    if (archive.members.length !== others.length || !others.every((name) => names.has(name))) return false;
    for (const member of archive.members) {
      const data = await readPart(archive, member, MOST[member.name] ?? MAX_PICTURE);
      const isTrue = crc32(data) === member.crc && (await sha256(data)) === bundle.digests.get(member.name);
      if (!isTrue) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof NoBundle || error instanceof Unreadable) return false;
    throw error;
  }
}
