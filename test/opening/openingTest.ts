/** `npm run opening-test`: attempts to open a valve by every way there is; none may pass. */
import { parseArgs } from "node:util";
import { runOpenings } from "./openingRun.ts";

const { values } = parseArgs({
  options: {
    attempts: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});
const startedMs = performance.now();
const report = await runOpenings(Number(values.attempts), Number(values.seed));
const seconds = Math.round((performance.now() - startedMs) / 1_000);
process.stdout.write(`${JSON.stringify({ ...report, seed: Number(values.seed), seconds })}\n`);
process.exitCode = report.passes === 0 ? 0 : 1;
