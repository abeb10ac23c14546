/** `npm run billing-test -- --meters 1000 --days 30 --seed 1`: a month beside the truth, one JSON line. */
import { parseArgs } from "node:util";
import { runMonth } from "./monthRun.ts";

const { values } = parseArgs({
  options: {
    meters: { type: "string", default: "1000" },
    days: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
  },
});
const startedMs = performance.now();
const seed = Number(values.seed);
const report = runMonth(Number(values.meters), Number(values.days), seed);
const seconds = Math.round((performance.now() - startedMs) / 1_000);
process.stdout.write(`${JSON.stringify({ ...report, seed, seconds })}\n`);
process.exitCode = report.wrongs.length === 0 ? 0 : 1;
