/**
 * Chance from a seed: the same seed, the same day. Every part that draws has a stream of its own, so that one draw more
 * in one part changes nothing in the others.
 */

const mixed = (text) => {
  let hash = 2166136261;
  for (const sign of text) hash = Math.imul(hash ^ sign.codePointAt(0), 16777619);
  return hash >>> 0;
};

/** One stream (mulberry32). */
export class Draw {
  #name;
  #state;

  constructor(seed, name = "") {
    this.#name = `${seed}/${name}`;
    this.#state = mixed(this.#name);
  }

  /** A stream of its own. */
  stream(name) {
    return new Draw(this.#name, name);
  }

  /** 0 ≤ number < 1 */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mix = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mix ^= mix + Math.imul(mix ^ (mix >>> 7), mix | 61);
    return ((mix ^ (mix >>> 14)) >>> 0) / 4294967296;
  }

  /** A whole number from low to high, both included. */
  whole(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.whole(0, list.length - 1)];
  }

  /** One of the names, each as likely as its weight says. */
  weighed(weights) {
    const entries = Object.entries(weights);
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)[0];
  }

  /** So many of the list, none twice, in its order. */
  some(list, count) {
    const left = [...list];
    while (left.length > count) left.splice(this.whole(0, left.length - 1), 1);
    return left;
  }

  fill(bytes) {
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = this.whole(0, 255);
    return bytes;
  }
}
