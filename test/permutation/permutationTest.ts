/** `npm run permutation-test`: any order, delay and repetition of uplinks gives the same alarms and the same states. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { rulesTried, sharesOf, summed, type PermutationReport } from "./permutationRun.ts";

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    threads: { type: "string", default: String(availableParallelism()) },
  },
});

/** Each rule must have fired in so many histories of a whole run. */
const firedInMin = 100;
const wholeRun = 10_000;

const startedMs = performance.now();
const histories = Number(values.histories);
const seed = Number(values.seed);
const threads = Math.max(1, Number(values.threads));
const waiting = [...sharesOf(histories, seed)];
const reports: PermutationReport[] = [];

/** One thread, which is given a share when it is through with the one before. */
function work(): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./permutationWorker.ts", import.meta.url));
    const next = (): void => {
      const share = waiting.shift();
      if (share === undefined) void worker.terminate();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
      else worker.postMessage(share);
    };
    worker.on("message", (report: PermutationReport) => {
      reports.push(report);
      const { histories: done, uplinks, unequal } = summed(reports);
      process.stderr.write(`${done} histories, ${uplinks} uplinks, ${unequal.length} unequal\n`);
      next();
    });
    worker.once("error", reject);
    worker.once("exit", () => resolve());
    next();
  });
}

await Promise.all(Array.from({ length: threads }, work));
const report = summed(reports);
const seconds = Math.round((performance.now() - startedMs) / 1_000);
const rare = rulesTried.filter((rule) => (report.firedIn[rule] ?? 0) < firedInMin);
for (const rule of rulesTried) {
  process.stderr.write(`${rule.padEnd(4)} fired in ${report.firedIn[rule] ?? 0} histories\n`);
}
process.stdout.write(`${JSON.stringify({ ...report, seed, threads, seconds })}\n`);
const isShort = histories < wholeRun;
const isWhole = report.histories === histories && (isShort || rare.length === 0);
if (!isWhole && !isShort) process.stderr.write(`fired in too few: ${rare.join(" ")}\n`);
process.exitCode = report.unequal.length === 0 && isWhole ? 0 : 1;
