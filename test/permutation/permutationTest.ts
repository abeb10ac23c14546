/** `npm run permutation-test`: any order, delay and repetition of uplinks gives the same alarms and the same states. */
import { parseArgs } from "node:util";
import { runPermutations } from "./permutationRun.ts";

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});
const startedMs = performance.now();
const seed = Number(values.seed);
const report = runPermutations(Number(values.histories), seed, (line) => {
  process.stderr.write(`${line}\n`);
});
const seconds = Math.round((performance.now() - startedMs) / 1_000);
process.stdout.write(`${JSON.stringify({ ...report, seed, seconds })}\n`);
process.exitCode = report.unequal.length === 0 ? 0 : 1;
