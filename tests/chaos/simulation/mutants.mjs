/**
 * Phones that are broken on purpose, to see that the simulation finds it. Each changes the text of one module while it is
 * loaded; the files stay as they are. `under`: the faults of its days, when the usual ones would take long to meet it.
 */

export const MUTANTS = {
  "drops rows on 413": {
    file: "outbox/flush.js",
    from: "  await write(context, identity, rows, decision);\n",
    to: `  if (decision.next === "smaller") {
    await store.write(["outbox"], async (tx) => {
      for (const { seq } of rows) await tx.objectStore("outbox").delete([device, seq]);
    });
  }
  await write(context, identity, rows, decision);\n`,
    under: { faults: ["proxy 413", "never sent"] },
  },
  "forgets what a restored server lost": {
    file: "domain/settle.js",
    from: "      if (row.epoch !== server.epoch) return",
    to: "      if (row.epoch !== server.epoch) return false;\n      if (row.epoch !== server.epoch) return",
  },
  "gives up after the first failure": {
    file: "outbox/sync.js",
    from: "    this.#triggers.after(delay,",
    to: "    if (!failed) this.#triggers.after(delay,",
  },
  "seals one draft twice": {
    file: "outbox/seal.js",
    from: "eventRow(payload, draft.id,",
    to: "eventRow(payload, draft.id + payload.id,",
  },
  "sends a photo in one size for ever": {
    file: "outbox/pictures.js",
    from: "  pace.limit = Math.max(LEAST_CHUNK, Math.floor(sent / 2));\n  return true;",
    to: "  return false;",
    under: { isLimited: true },
  },
  "says that it is kept twice": {
    file: "storage/spare.js",
    from: "this.#inLine((second) => this.#follow(second, first, changes), TRIES);",
    to: "Promise.resolve(true);",
    under: { isTorn: true },
  },
  "takes the older copy for the right one": {
    file: "storage/turns.js",
    from: "id === earlier.id && n >= earlier.n",
    to: "id === earlier.id && n <= earlier.n",
    under: { isTorn: true },
  },
  "parks what a proxy made unreadable": {
    file: "outbox/flush.js",
    from: "return isUnread ?",
    to: "return false ?",
    under: { faults: ["encoding stripped"] },
  },
};

const { name } = JSON.parse(new URL(import.meta.url).searchParams.get("given") ?? "{}");
const change = MUTANTS[name];

/** Node's hook for loading modules. */
export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!change || !url.endsWith(`/static/js/${change.file}`)) return loaded;
  const text = loaded.source.toString();
  if (!text.includes(change.from)) throw new Error(`the mutant has nothing to change in ${change.file}`);
  return { ...loaded, source: text.replace(change.from, change.to) };
}
