/** `npm run flip-test`: one byte of what is stored is changed at a time; none may pass unseen. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { PlanTooSmallError } from "../loop/loopPlan.ts";
import { makeDirectory, runFlips } from "./flipRun.ts";

const help = `npm run flip-test -- [options]

  --places 2000         in segments, roll-ups and archived frames
  --ledger-places 200   in the ledger's main file and its log
  --meters 200  --days 8  of the city whose directory it is
  --seed 1              of the places
`;

const everyMs = 5_000;
const { values } = parseArgs({
  options: {
    places: { type: "string", default: "2000" },
    "ledger-places": { type: "string", default: "200" },
    meters: { type: "string", default: "200" },
    days: { type: "string", default: "8" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) process.stdout.write(help);
else await run();

async function run(): Promise<void> {
  const plan = {
    places: Number(values.places),
    ledgerPlaces: Number(values["ledger-places"]),
    meters: Number(values.meters),
    days: Number(values.days),
    seed: Number(values.seed),
  };
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-flip-"));
  const startedMs = performance.now();
  let toldMs = startedMs;
  try {
    await makeDirectory(directory, plan.meters, plan.days);
    const report = runFlips(plan, directory, (done, of) => {
      if (performance.now() - toldMs < everyMs) return;
      toldMs = performance.now();
      process.stderr.write(`${done} of ${of} places\n`);
    });
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    process.stdout.write(`${JSON.stringify({ ...plan, ...report, seconds })}\n`);
    process.exitCode = report.failures.length === 0 ? 0 : 1;
  } catch (cause) {
    if (!(cause instanceof PlanTooSmallError)) throw cause;
    process.stderr.write(`${cause.message}\n`);
    process.exitCode = 2;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
