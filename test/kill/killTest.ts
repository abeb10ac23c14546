/** `npm run kill-test`: kill -9 under load, again and again; nothing that was promised may be missing. */
import { parseArgs } from "node:util";
import { isPhase } from "./phases.ts";
import { runKills, type KillReport } from "./killRun.ts";

const help = `npm run kill-test -- [options]

  --cycles 20     kills of the running process (a fourth of them followed by a kill during start)
  --meters 200    meters that keep every uplink until it is acknowledged
  --rate 1500     reports a second of all meters together, while the service is up
  --seed N        the moments of the kills; the default is another one each time
  --settle 120    longest wait in seconds for commands to end after the last kill
  --early-ack     runs a build that acknowledges before it has stored: must end with "lost"
  --over PHASES   four of five kills at a point of flush,merge,remake,archive,backup,retention: before or behind a
                  write, a rename, a commit or a removal, one point after the other; backup means --backups as well;
                  for remake a byte of a roll-up flips while the process is dead
  --start 10      a start may take so many seconds; give more on a busy machine
  --backups       backups go on beside it, half of them killed; the last one is restored and must hold as much
  --json          one JSON object at the end, progress on standard error
`;

const violationsShown = 10;
const secondsOfDay = 86_400;

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "20" },
    meters: { type: "string", default: "200" },
    rate: { type: "string", default: "1500" },
    seed: { type: "string" },
    settle: { type: "string", default: "120" },
    over: { type: "string", default: "" },
    start: { type: "string", default: "10" },
    backups: { type: "boolean", default: false },
    "early-ack": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const seed = Number(values.seed ?? Math.floor(Date.now() / 1_000) % secondsOfDay);
const over = values.over.split(",").filter((name) => name !== "");
const progress = values.json ? process.stderr : process.stdout;

function summaryOf(report: KillReport, cycles: number): string {
  const { facts, readyMs } = report;
  return [
    `${report.violations.length === 0 ? "kept" : "BROKEN"}: ${cycles} kills`,
    `${report.killedDuringStart} more during start`,
    `${report.uplinksPerSecond} uplinks/s while up`,
    `${report.lost} lost`,
    `${report.storedTwice} stored twice`,
    `${report.secondMovements} second valve movements`,
    `${String(facts["leaks"])} leaks`,
    `ready after ${readyMs.median} ms (median), ${readyMs.max} ms (longest)`,
    `exit code ${report.exitCode}`,
    `${report.seconds} s`,
  ].join(", ");
}

if (values.help || !over.every(isPhase)) {
  process.stdout.write(help);
  process.exitCode = values.help ? 0 : 2;
} else {
  const cycles = Number(values.cycles);
  progress.write(`seed ${seed}\n`);
  const report = await runKills({
    cycles,
    meters: Number(values.meters),
    rate: Number(values.rate),
    seed,
    earlyAck: values["early-ack"],
    backups: values.backups || over.includes("backup"),
    over,
    startSecondsMax: Number(values.start),
    settleSeconds: Number(values.settle),
    say: (line) => progress.write(`${line}\n`),
  });
  const { violations, ...figures } = report;
  const shown = violations.slice(0, violationsShown);
  if (values.json) {
    const ok = violations.length === 0;
    const line = { ok, seed, cycles, ...figures, violations: violations.length, first: shown };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  } else {
    for (const [name, fact] of Object.entries(figures.facts)) {
      process.stdout.write(`  ${name}: ${JSON.stringify(fact)}\n`);
    }
    for (const violation of shown) process.stdout.write(`  ${violation}\n`);
    process.stdout.write(`${summaryOf(report, cycles)}\n`);
  }
  process.exitCode = violations.length === 0 ? 0 : 1;
}
