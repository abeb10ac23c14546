/** `npm run opening-test`: attempts to open a valve by every way there is; none may pass. */
import { parseArgs } from "node:util";
import { didShare, runShares, sharesDefault } from "../support/shares.ts";
import { runOpenings, type OpeningReport } from "./openingRun.ts";

const help = `npm run opening-test -- [options]

  --attempts 100000   by API, import, rules, replayed frames and settings
  --seed 1            of the first share; each further share has one of its own
  --shares N          programs side by side, each with its own ledger and meters; the default is one for each core
`;

/** What one share has to do. */
interface Share {
  readonly attempts: number;
  readonly seed: number;
}

const seedsApart = 1_000_003;

const isThread = await didShare(({ attempts, seed }: Share) => runOpenings(attempts, seed));
if (!isThread) await runAll();

async function runAll(): Promise<void> {
  const { values } = parseArgs({
    options: {
      attempts: { type: "string", default: "100000" },
      seed: { type: "string", default: "1" },
      shares: { type: "string", default: sharesDefault },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const [attempts, seed, shares] = [values.attempts, values.seed, values.shares].map(Number) as [
    number,
    number,
    number,
  ];
  const startedMs = performance.now();
  const each = Array.from({ length: shares }, (_, no) => ({
    attempts: Math.floor(attempts / shares) + (no < attempts % shares ? 1 : 0),
    seed: seed + no * seedsApart,
  }));
  const report = sumOf(await runShares<OpeningReport>(import.meta.url, each));
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  process.stdout.write(`${JSON.stringify({ ...report, seed, shares, seconds })}\n`);
  process.exitCode = report.passes === 0 ? 0 : 1;
}

function sumOf(reports: readonly OpeningReport[]): OpeningReport {
  const sum = { attempts: 0, byWay: {}, left: {}, passes: 0, permits: 0 };
  for (const { attempts, byWay, left, passes, permits } of reports) {
    sum.attempts += attempts;
    sum.passes += passes;
    sum.permits += permits;
    addTo(sum.byWay, byWay);
    addTo(sum.left, left);
  }
  return sum;
}

function addTo(sum: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
}
