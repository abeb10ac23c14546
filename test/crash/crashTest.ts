/** `npm run crash-test`: one crash at every point of the command path, in many variations. */
import { parseArgs } from "node:util";
import { runCrashes } from "./crashRun.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "25" },
    seed: { type: "string", default: "1" },
  },
});
const startedMs = performance.now();
const report = runCrashes({
  runs: Number(values.runs),
  seed: Number(values.seed),
  pointsMax: null,
});
const seconds = Math.round((performance.now() - startedMs) / 1_000);
process.stdout.write(`${JSON.stringify({ ...report, seed: Number(values.seed), seconds })}\n`);
process.exitCode = report.wrongs.length === 0 ? 0 : 1;
