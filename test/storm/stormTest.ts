/** `npm run storm-test`: a bad rule wants thousands of closes while the service is killed; the breaker holds. */
import { parseArgs } from "node:util";
import { printVerdict, progressTo, verdictOptions } from "../support/verdict.ts";
import { runStorm, type StormReport } from "./stormRun.ts";

const help = `npm run storm-test -- [options]

  --closes 10000   meters of one area that all report a leak, again and again
  --kills 100      kill -9 and start meanwhile, every other one as a leak is acknowledged
  --factor 60      clocks of service and meters run so many times faster than real time
  --seed 1         habits, moments, and when the leak elsewhere is told
  --settle 300     longest wait in seconds after the last kill until every meter has been heard
  --break none     forgets: each kill takes from the ledger who let the closes go; must end with BROKEN
  --json           one JSON object at the end, progress on standard error
`;

const { values } = parseArgs({
  options: {
    ...verdictOptions,
    closes: { type: "string", default: "10000" },
    kills: { type: "string", default: "100" },
    factor: { type: "string", default: "60" },
  },
});

function summaryOf(report: StormReport): string {
  return [
    `${report.violations.length === 0 ? "held" : "BROKEN"}: ${String(report.facts["wishes"])} closes wanted`,
    `${report.kills} kills`,
    `${report.authorised} let go, at most ${report.worstInTenMinutes} in 10 minutes, ${report.worstInDay} in a day`,
    `${report.worstMotorsInTenMinutes} motors in 10 minutes`,
    `${report.held} held, ${report.listed} listed`,
    `a person told after ${report.holdToAlarmMs} ms`,
    `the leak elsewhere closed after ${report.leakElsewhereMs} ms`,
    `${report.seconds} s`,
  ].join(", ");
}

if (values.help) {
  process.stdout.write(help);
} else {
  const report = await runStorm({
    closes: Number(values.closes),
    kills: Number(values.kills),
    factor: Number(values.factor),
    seed: Number(values.seed),
    settleSeconds: Number(values.settle),
    breakage: values.break === "forgets" ? "forgets" : "none",
    say: progressTo(values.json),
  });
  const { facts } = report;
  printVerdict({ isJson: values.json, report, facts, summary: summaryOf(report) });
}
