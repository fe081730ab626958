/**
 * The tree of RFC 6962 over digests: where a path leads from a leaf (merkle.py has the other half).
 * @module
 */
import { fromHex, sha256 } from "./bytes.js";

/** @param {number} prefix @param {string[]} parts in hexadecimal @returns {Promise<string>} */
function hashOf(prefix, ...parts) {
  return sha256(Uint8Array.from([prefix, ...parts.flatMap((part) => [...fromHex(part)])]));
}

/**
 * The root to which a path leads; null where no tree has such a path.
 * @param {string} digest
 * @param {number} index
 * @param {number} size
 * @param {string[]} path
 * @returns {Promise<string | null>}
 */
export async function rootOf(digest, index, size, path) {
  if (index < 0 || index >= size) return null;
  let [at, last, used] = [index, size - 1, 0];
  let here = await hashOf(0, digest);
  while (last > 0) {
    const isRight = at % 2 === 1;
    if (isRight || at < last) {
      if (used === path.length) return null;
      here = await (isRight ? hashOf(1, path[used], here) : hashOf(1, here, path[used]));
      used += 1;
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return used === path.length ? here : null;
}
