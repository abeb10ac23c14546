/**
 * `npm run city -- --meters N --days D --seed S` lets a city live on the engine and writes what happened and what was
 * told into two files; `npm run city -- score` compares them.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import type { CityPlan } from "#simulators/city/city.ts";
import { scoreCity } from "#simulators/city/score.ts";
import { incidentPlans } from "#simulators/city/site.ts";
import { catalogue } from "#simulators/city/catalogue.ts";
import { catalogueTable, scoreTable } from "#simulators/city/scoreTable.ts";
import type { AlarmLine, OutageLine, TruthLine } from "#simulators/city/truth.ts";
import { runCity } from "./cityRun.ts";

const names = {
  outages: "outages.ndjson",
  truth: "truth.ndjson",
  alarms: "alarms.ndjson",
  plan: "city.json",
} as const;

interface RunFlags {
  readonly meters: string;
  readonly days: string;
  readonly seed: string;
  readonly incidents: CityPlan["incidents"];
  readonly only?: string;
  readonly out: string;
}

function run(flags: RunFlags): void {
  const plan = {
    meters: Number(flags.meters),
    days: Number(flags.days),
    seed: Number(flags.seed),
    incidents: flags.incidents,
    ...(flags.only === undefined ? {} : { only: flags.only }),
  };
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-city-"));
  const startedMs = performance.now();
  try {
    const outcome = runCity(plan, directory, progress(plan.days));
    mkdirSync(flags.out, { recursive: true });
    write(join(flags.out, names.truth), outcome.truth);
    write(join(flags.out, names.outages), outcome.outages);
    write(join(flags.out, names.alarms), outcome.alarms);
    const seconds = (performance.now() - startedMs) / 1_000;
    const { meterDays, uplinks } = outcome;
    // The score counts the meters that lived.
    const meters = meterDays / plan.days;
    const summary = { ...plan, meters, meterDays, uplinks, seconds };
    writeFileSync(join(flags.out, names.plan), `${JSON.stringify(summary)}\n`);
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A line a day of the city's, with the time that is left. */
function progress(days: number): (doneDays: number, uplinks: number) => void {
  const startedMs = performance.now();
  return (doneDays, uplinks) => {
    const seconds = (performance.now() - startedMs) / 1_000;
    const leftMinutes = ((seconds / doneDays) * (days - doneDays)) / 60;
    const rate = `${Math.round(uplinks / seconds)} uplinks/s, ${leftMinutes.toFixed(1)} min left`;
    process.stderr.write(`city: day ${doneDays} of ${days}, ${rate}\n`);
  };
}

function score(flags: { readonly out: string; readonly json?: boolean }): void {
  const plan = JSON.parse(readFileSync(join(flags.out, names.plan), "utf8")) as CityPlan;
  const scored = scoreCity(
    read(join(flags.out, names.truth)) as readonly TruthLine[],
    read(join(flags.out, names.alarms)) as readonly AlarmLine[],
    read(join(flags.out, names.outages)) as readonly OutageLine[],
    plan,
  );
  const text = flags.json === true ? JSON.stringify(scored) : scoreTable(scored, plan);
  process.stdout.write(`${text}\n`);
}

function write(file: string, lines: readonly object[]): void {
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

function read(file: string): readonly unknown[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line): unknown => JSON.parse(line));
}

const program = new Command("city")
  .enablePositionalOptions()
  .description("a city with known incidents, faster than time")
  .option("--meters <n>", "how many", "500")
  .option("--days <n>", "how long", "14")
  .option("--seed <n>", "the same seed is the same city", "1")
  .addOption(
    new Option("--incidents <plan>", "dense: each kind often enough to be measured; usual: rare")
      .choices(incidentPlans)
      .default("dense"),
  )
  .option("--only <kind>", "only meters to which this happens live, as they would among all")
  .option("--out <directory>", "where truth and alarms are written", "city-out")
  .action(run);
program
  .command("score")
  .description("compare what was told with what happened")
  .option("--out <directory>", "where truth and alarms are", "city-out")
  .addOption(new Option("--markdown", "tables in Markdown").default(true).conflicts("json"))
  .option("--json", "as JSON")
  .action(score);
program
  .command("catalogue")
  .description("what can happen in the city, in which strengths, and which rules must tell it")
  .action(() => {
    process.stdout.write(`${catalogueTable(catalogue)}\n`);
  });
program.parse();
