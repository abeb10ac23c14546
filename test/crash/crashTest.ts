/** `npm run crash-test`: one crash at every point of the command path, in many variations. */
import { parseArgs } from "node:util";
import { didShare, runShares, sharesDefault } from "../support/shares.ts";
import { runCrashes, sumOfCrashes, type CrashOptions, type CrashReport } from "./crashRun.ts";

const help = `npm run crash-test -- [options]

  --runs 25   variations of each point: who wants the close, how its valve behaves
  --seed 1
  --shares N  threads side by side; the default is one for each core
`;

const say = (line: string) => process.stderr.write(`${line}\n`);

if (!(await didShare((share: CrashOptions) => runCrashes({ ...share, say })))) await runAll();

async function runAll(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "25" },
      seed: { type: "string", default: "1" },
      shares: { type: "string", default: sharesDefault },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const startedMs = performance.now();
  const [runs, seed, of] = [values.runs, values.seed, values.shares].map(Number);
  const shares = Array.from({ length: of ?? 1 }, (_, no) => {
    return { runs, seed, pointsMax: null, share: { no, of } };
  });
  const report = sumOfCrashes(await runShares<CrashReport>(import.meta.url, shares));
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  process.stdout.write(`${JSON.stringify({ ...report, seed, seconds })}\n`);
  process.exitCode = report.wrongs.length === 0 ? 0 : 1;
}
