/**
 * A backup beside intake, one more with what is new since, the way back into an empty directory, and the verification
 * of both: the real commands as processes of their own, on a ledger of registered meters, so that there are bills to
 * compare.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { dayMs, hourMs } from "#domain/units.ts";
import { monthOfDay } from "#readings/gasDay.ts";
import { commitTo, withLedger, type LedgerRig } from "./ledgerRig.ts";
import { memoryMb, threadCpu } from "./processStats.ts";
import { startProgress } from "./progress.ts";
import { quantilesMs, round } from "./quantiles.ts";
import { Fleet } from "./readingsLoad.ts";
import { calendar, withFolder } from "./readingsRig.ts";
import type { Report } from "./report.ts";

export interface BackupOptions {
  readonly meters: number;
  readonly days: number;
  /** Readings a second while the backups are made. */
  readonly rate: number;
}

const mainFile = new URL("../../src/main.ts", import.meta.url).pathname;
const filledAtOnce = 10_000;
/** Intake commits so often. */
const pacedMs = 20;
/** Intake waits when so many times a flush's rows are hot. */
const hotFlushesMax = 2;

export function runBackup(options: BackupOptions): Promise<readonly Report[]> {
  const { meters } = options;
  const flushRows = Math.min(2_400_000, Math.max(100_000, meters * 24));
  return withFolder((folder) => {
    const dataDir = join(folder, "data");
    return withLedger(dataDir, meters, { flushRows }, async (rig) => {
      const load = { scenario: "backup", ...options, cores: availableParallelism() };
      const reports = await measure(new Intake(rig, options, flushRows), folder, dataDir);
      return reports.map((report) => ({ ...load, ...report }));
    });
  });
}

async function measure(
  intake: Intake,
  folder: string,
  dataDir: string,
): Promise<readonly Report[]> {
  await intake.fill();
  const backups = join(folder, "backups");
  const restored = join(folder, "restored");
  const backup = (figure: string) =>
    intake.beside(() => run(figure, ["backup", "--data-dir", dataDir, "--to", backups, "--json"]));
  const first = await backup("backup");
  const second = await backup("backup-of-what-is-new");
  const back = await run("restore", [
    "restore",
    "--from",
    backups,
    "--data-dir",
    restored,
    "--json",
  ]);
  const checks = [
    await run("verify-backups", ["verify", "--backups", backups, "--json"]),
    await run("verify-restored", ["verify", "--data-dir", restored, "--json"]),
  ];
  // The restore compared by itself, or it would have ended otherwise; here once more what the two have printed.
  const isSame = JSON.stringify(second.said["totals"]) === JSON.stringify(back.said["totals"]);
  const steps = [first, second, back, ...checks];
  const failed = steps.filter(({ exitCode }) => exitCode !== 0).length + (isSame ? 0 : 1);
  const seconds = round(first.seconds + back.seconds);
  const totals = { totalsEqual: isSame, bytesRestored: bytesIn(restored) };
  return [
    ...steps.map(({ said, ...step }) => ({ ...step, ...shown(said) })),
    { figure: "backup-and-restore", seconds, ...totals, failed },
  ];
}

interface Step extends Report {
  readonly seconds: number;
  readonly exitCode: number | null;
  /** The JSON object that the command has printed. */
  readonly said: Report;
}

/** A command of the real program; what it says on standard error is passed on. */
async function run(figure: string, args: readonly string[]): Promise<Step> {
  process.stderr.write(`backup: ${figure}\n`);
  const started = performance.now();
  const child = spawn(process.execPath, [mainFile, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  let seen = { peakMb: 0, cpuSeconds: 0 };
  child.stdout.on("data", (chunk) => (out += String(chunk)));
  const looking = setInterval(() => (seen = lookAt(child.pid ?? 0, seen)), 100);
  const [exitCode] = (await once(child, "close")) as [number | null];
  clearInterval(looking);
  const seconds = round((performance.now() - started) / 1_000);
  return {
    figure,
    seconds,
    ...seen,
    exitCode,
    said: out === "" ? {} : (JSON.parse(out) as Report),
  };
}

/** Its highest resident memory and the CPU time of its threads; what was known when it has just ended. */
function lookAt(pid: number, known: { readonly peakMb: number; readonly cpuSeconds: number }) {
  try {
    const cpuSeconds = threadCpu(pid).reduce((sum, { seconds }) => sum + seconds, 0);
    const peakMb = memoryMb(pid).peak;
    return peakMb === 0 ? known : { peakMb, cpuSeconds: round(cpuSeconds) };
  } catch {
    return known;
  }
}

/** Of what a command said, the figures. */
function shown({ totals, newObjects, newBytes, files, objects, bytes, ok }: Report): Report {
  const { newestReadingSeq: readings, registers, billed } = (totals ?? {}) as Report;
  const periods = billed === undefined ? undefined : Object.keys(billed as Report).length;
  return { ok, readings, registers, periods, files, newObjects, newBytes, objects, bytes };
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** The one writer: as fast as it can at first, then so many readings a second. */
class Intake {
  readonly #rig: LedgerRig;
  readonly #options: BackupOptions;
  readonly #flushRows: number;
  readonly #startMs: number;
  readonly #fleet: Fleet;
  #hour = 0;
  #work: Promise<unknown> | undefined;

  constructor(rig: LedgerRig, options: BackupOptions, flushRows: number) {
    this.#rig = rig;
    this.#options = options;
    this.#flushRows = flushRows;
    // From an hour before a month on, so that all of it has its opening register.
    this.#startMs = monthBefore(Date.now() - options.days * dayMs) - hourMs;
    const { meters } = options;
    this.#fleet = new Fleet({ meters, startMs: this.#startMs, withOrigin: true });
  }

  async fill(): Promise<void> {
    let rows = 0;
    const stopProgress = startProgress("backup: fill", "readings stored", () => rows);
    const { ledger, runner } = this.#rig;
    while (this.#hour < this.#options.days * 24) {
      for (const batch of this.#fleet.hour(this.#hour, filledAtOnce)) {
        commitTo(ledger, batch);
        rows += batch.count;
        await this.#maintain();
      }
      this.#hour += 1;
    }
    await this.#work;
    await ledger.readings.flush(runner);
    await ledger.readings.maintain(runner, this.#nowMs);
    stopProgress();
  }

  /** Goes on at its rate until the other work is done, and says how its commits went. */
  async beside(other: () => Promise<Step>): Promise<Step> {
    const { rate } = this.#options;
    const commits: number[] = [];
    const task = { isDone: false };
    const step = other().finally(() => (task.isDone = true));
    const began = performance.now();
    const batchRows = Math.round((rate * pacedMs) / 1_000);
    let rows = 0;
    while (!task.isDone) {
      if (batchRows === 0) break;
      for (const batch of this.#fleet.hour(this.#hour, batchRows)) {
        if (task.isDone) break;
        while (performance.now() < began + (rows / rate) * 1_000) await turn();
        const start = performance.now();
        commitTo(this.#rig.ledger, batch);
        commits.push(performance.now() - start);
        rows += batch.count;
        await this.#maintain();
      }
      this.#hour += 1;
    }
    const seconds = (performance.now() - began) / 1_000;
    await this.#work;
    const took = { takenMeanwhile: rows, takenPerSecond: Math.round(rows / seconds) };
    return { ...(await step), ...took, commitMs: quantilesMs(commits) };
  }

  get #nowMs(): number {
    return this.#startMs + this.#hour * hourMs;
  }

  /** The worker's answer is taken between batches; too much hot and intake waits for it. */
  async #maintain(): Promise<void> {
    const { readings } = this.#rig.ledger;
    if (this.#work === undefined && readings.hotRows >= this.#flushRows) {
      this.#work = readings.maintain(this.#rig.runner, this.#nowMs).finally(() => {
        this.#work = undefined;
      });
    }
    if (readings.hotRows >= this.#flushRows * hotFlushesMax) await this.#work;
    else await turn();
  }
}

/** Where the newest gas month of 31 days begins that does so before the instant. */
function monthBefore(atMs: number): number {
  let { first, next } = monthOfDay(calendar.dayOf(atMs));
  while (next - first < 31) ({ first, next } = monthOfDay(first - 1));
  return calendar.startOf(first);
}
