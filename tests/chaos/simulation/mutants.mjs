/**
 * Phones that are broken on purpose, to see that the simulation finds it. Each changes the text of one module while it is
 * loaded; the files stay as they are.
 */

const SETTLED = `{ ...decide("go"), settled: rows.map(({ seq, id, sha256 }) => ({ seq,
  result: { id, sha256, status: "recorded", effects: [], problem: null } })) }`;

export const MUTANTS = {
  "drops rows on 413": {
    file: "domain/settle.js",
    from: "  if (!answer.protocol) {\n",
    to: `  if (answer.status === 413) return ${SETTLED};\n  if (!answer.protocol) {\n`,
  },
  "believes a captive portal": {
    file: "domain/settle.js",
    from: "  if (!answer.protocol) {\n",
    to: `  if (!answer.protocol && answer.status === 200) return ${SETTLED};\n  if (!answer.protocol) {\n`,
  },
  "forgets what a restored server lost": {
    file: "domain/settle.js",
    from: "  return rows\n    .filter((row) => {\n      if (row.epoch !== server.epoch)",
    to: "  return rows\n    .filter((row) => {\n      if (row.epoch !== server.epoch) return false;\n      if (row.epoch !== server.epoch)",
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
  "takes any answer for a picture's receipt": {
    file: "outbox/pictures.js",
    from: "  if (!protocol) {\n",
    to: "  if (!protocol && answer.status > 0) return finish(context, blob);\n  if (!protocol) {\n",
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
