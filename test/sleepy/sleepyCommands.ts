/** `npm run sleepy-commands`: orders to meters that sleep, over restarts: in time, once, in the first window. */
import { parseArgs } from "node:util";
import { printVerdict, progressTo, verdictOptions } from "../support/verdict.ts";
import { breakages, runSleepy, type SleepyReport } from "./sleepyRun.ts";

const help = `npm run sleepy-commands -- [options]

  --commands 10000   orders that are written down, by persons
  --meters 1500      meters; each wakes every 5 to 20 minutes, and a minute apart after its motor ran
  --restarts 10      kill -9 and start between the first and the last order, every other one as an order arrives
  --factor 20        clocks of service and meters run so many times faster than real time
  --seed 1           habits, moments and expiries
  --settle 300       longest wait in seconds for commands to end
  --break none       ${breakages.slice(1).join(", ")}: a service that is broken on purpose; must end with BROKEN
  --json             one JSON object at the end, progress on standard error
`;

const { values } = parseArgs({
  options: {
    ...verdictOptions,
    commands: { type: "string", default: "10000" },
    meters: { type: "string", default: "1500" },
    restarts: { type: "string", default: "10" },
  },
});

const breakage = breakages.find((name) => name === values.break);

function summaryOf(report: SleepyReport): string {
  const share = (100 * report.inFirstWindow) / Math.max(1, report.windows);
  return [
    `${report.violations.length === 0 ? "kept" : "BROKEN"}: ${report.commands} commands`,
    `${report.restarts} restarts`,
    `${report.late} after expiry`,
    `${report.inFirstWindow} of ${report.windows} in the first window (${share.toFixed(3)} %)`,
    `${report.cutByKill} others on their way at a kill`,
    `${report.secondMovements} second movements`,
    `${report.overtaken} older before newer`,
    `${report.crowded} wakes with more than two`,
    `${report.seconds} s`,
  ].join(", ");
}

if (values.help || breakage === undefined) {
  process.stdout.write(help);
  process.exitCode = breakage === undefined ? 2 : 0;
} else {
  const report = await runSleepy({
    commands: Number(values.commands),
    meters: Number(values.meters),
    restarts: Number(values.restarts),
    factor: Number(values.factor),
    seed: Number(values.seed),
    settleSeconds: Number(values.settle),
    breakage,
    say: progressTo(values.json),
  });
  printVerdict({
    isJson: values.json,
    report,
    facts: { ...report.facts, stories: report.byStory },
    remarks: report.missed.map((line) => `missed: ${line}`),
    summary: summaryOf(report),
  });
}
