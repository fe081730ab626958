/**
 * Lives schedule after schedule and reports each. Arguments: JSON of {first, count, isTold, mutant}, and the two ends of
 * the line to the server.
 */
import { register } from "node:module";
import { MUTANTS } from "./mutants.mjs";
import { server } from "./server.mjs";

const { first, count, isTold, mutant = null } = JSON.parse(process.argv[2]);
if (mutant && !(mutant in MUTANTS)) throw new Error(`no such mutant: ${mutant}`);
if (mutant) {
  const given = encodeURIComponent(JSON.stringify({ name: mutant }));
  register(new URL(`mutants.mjs?given=${given}`, import.meta.url));
}
const { schedule } = await import("./world.mjs"); // after the hook that breaks a module on purpose

for (let seed = first; seed < first + count; seed += 1) {
  try {
    server.report(await schedule(seed, { isTold, under: MUTANTS[mutant]?.under }));
  } catch (error) {
    server.report({ seed, failures: [`the simulation itself failed: ${error.stack}`] });
  }
}
process.exit(0);
