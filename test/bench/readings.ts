/** The reading store alone, without network and decoding: durable intake, bytes, and the reads that people wait for. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { GasCalendar } from "#readings/gasDay.ts";
import type { WorkRunner } from "#readings/work.ts";
import { makeManifestTables, Manifest } from "#readings/manifest.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { planSettings } from "#readings/planWork.ts";
import { SegmentedReadings } from "#readings/segmentedReadings.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import { workerRunner } from "#readings/workerRunner.ts";
import type { ReadingWorkerData } from "../../src/readingWorker.ts";
import { startProgress } from "./progress.ts";
import { quantilesMs, round } from "./quantiles.ts";
import { Fleet, randomOf } from "./readingsLoad.ts";
import type { Report } from "./report.ts";

export interface ReadingsOptions {
  readonly meters: number;
  readonly days: number;
  readonly withOrigin: boolean;
}

const dayMs = 86_400_000;
const shanghai = { zone: "Asia/Shanghai", startMinute: 0 };
const batchRows = 10_000;
/** Intake waits when so many times a flush's rows are hot. */
const hotFlushesMax = 2;

interface Bench {
  readonly options: ReadingsOptions;
  readonly store: SegmentedReadings;
  readonly db: DatabaseSync;
  readonly manifest: Manifest;
  readonly runner: WorkRunner;
  readonly calendar: GasCalendar;
  readonly startMs: number;
  readonly flushRows: number;
  readonly open: () => SegmentedReadings;
}

export async function runReadings(options: ReadingsOptions): Promise<readonly Report[]> {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-readings-"));
  const calendar = new GasCalendar(shanghai);
  // The first day of a month of 31, so that 30 days are closed before their month is.
  const startMs = calendar.startOf(calendar.dayOf(Date.UTC(2026, 9, 1, 12)));
  const database = join(folder, "readings.sqlite");
  const db = new DatabaseSync(database, { timeout: 5_000 });
  db.exec("PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  makeManifestTables(db);
  const manifest = new Manifest(db);
  const segments = join(folder, "segments");
  const flushRows = Math.min(2_400_000, Math.max(100_000, options.meters * 24));
  const plan = { ...planSettings, flushRows };
  const open = () =>
    new SegmentedReadings({ disk: nodeDisk, folder: segments, manifest, calendar, plan });
  const data: ReadingWorkerData = { database, folder: segments, calendar: shanghai };
  const worker = new Worker(new URL("../../src/readingWorker.ts", import.meta.url), {
    workerData: data,
  });
  const runner = workerRunner(worker);
  const parts = { options, db, manifest, runner, calendar, startMs, flushRows, open };
  const store = open();
  try {
    return await measure({ ...parts, store });
  } finally {
    store.close();
    await worker.terminate();
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(bench: Bench): Promise<readonly Report[]> {
  const { options, store, manifest, runner, startMs } = bench;
  const load = { scenario: "readings", ...options };
  const reports: Report[] = [{ ...load, figure: "intake", ...(await intake(bench)) }];
  const open = performance.now();
  bench.open().close();
  reports.push({
    ...load,
    figure: "open",
    hotRows: store.hotRows,
    files: manifest.files().length,
    ms: round(performance.now() - open),
  });
  const closed = performance.now();
  const cpu = process.cpuUsage();
  await store.flush(runner);
  const endMs = startMs + options.days * dayMs;
  await store.maintain(runner, endMs + planSettings.settleMs);
  reports.push({
    ...load,
    figure: "day-segments",
    ...sizes(bench, "day"),
    rollUpBytesPerMeterDay: rollUpBytes(bench),
    afterIntakeMs: round(performance.now() - closed),
    afterIntakeCpuMs: cpuMs(cpu),
  });
  reports.push(...reads(bench, load, "day"), ...fleetReads(bench, load));
  reports.push({ ...load, figure: "reads-during-intake", ...(await readsDuringIntake(bench)) });
  const merging = performance.now();
  await store.flush(runner);
  await store.maintain(runner, endMs + 40 * dayMs);
  reports.push({
    ...load,
    figure: "month-segment",
    ...sizes(bench, "month"),
    mergeMs: round(performance.now() - merging),
  });
  reports.push(...reads(bench, load, "month"));
  const verifying = performance.now();
  const faults = verifyStore(store, manifest);
  const ms = round(performance.now() - verifying);
  reports.push({ ...load, figure: "verify", failed: faults.length, ms });
  return reports;
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return round((user + system) / 1_000);
}

/** Every batch is one transaction with one fsync; making the load is not counted. */
async function intake(bench: Bench): Promise<Report> {
  const { options, store, db, runner, flushRows } = bench;
  const fleet = new Fleet({ ...options, startMs: bench.startMs });
  const commits: number[] = [];
  let rows = 0;
  let busyMs = 0;
  let madeCpuMs = 0;
  let work: Promise<unknown> | undefined;
  const cpu = process.cpuUsage();
  const endProgress = startProgress("readings", "readings", () => rows);
  for (let hour = 0; hour < options.days * 24; hour += 1) {
    const making = process.threadCpuUsage();
    const batches = [...fleet.hour(hour, batchRows)];
    const made = process.threadCpuUsage(making);
    madeCpuMs += (made.user + made.system) / 1_000;
    for (const batch of batches) {
      const start = performance.now();
      db.exec("BEGIN IMMEDIATE");
      store.append(batch);
      db.exec("COMMIT");
      store.committed();
      commits.push(performance.now() - start);
      rows += batch.count;
      const nowMs = bench.startMs + hour * 3_600_000;
      if (work === undefined && store.hotRows >= flushRows) {
        work = store.maintain(runner, nowMs).finally(() => {
          work = undefined;
        });
      }
      // The worker's answer is taken between batches; too much hot and intake waits for it.
      if (store.hotRows >= flushRows * hotFlushesMax) await work;
      else await new Promise((resolve) => setImmediate(resolve));
      busyMs += performance.now() - start;
    }
  }
  const waiting = performance.now();
  await work;
  busyMs += performance.now() - waiting;
  endProgress();
  return {
    readings: rows,
    readingsPerSecond: Math.round(rows / (busyMs / 1_000)),
    cpuMicrosecondsPerReading: round(((cpuMs(cpu) - madeCpuMs) * 1_000) / rows, 3),
    commitMs: quantilesMs(commits),
    residentMb: Math.round(process.memoryUsage.rss() / 1e6),
  };
}

function sizes({ manifest }: Bench, kind: "day" | "month"): Report {
  const files = manifest.files().filter((file) => file.kind === kind);
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { files: files.length, rows, bytesPerReading: round(bytes / rows, 3) };
}

function rollUpBytes({ manifest }: Bench): number {
  const files = manifest.files().filter(({ kind }) => kind === "rollup");
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  return round(files.reduce((sum, file) => sum + file.bytes, 0) / rows, 3);
}

/** Beside the clock the mean CPU time, which a busy machine does not stretch as much. */
function timed(times: number, act: (turn: number) => unknown): Report {
  const samples: number[] = [];
  const cpu = process.cpuUsage();
  for (let turn = 0; turn < times; turn += 1) {
    const start = performance.now();
    act(turn);
    samples.push(performance.now() - start);
  }
  return { ...quantilesMs(samples), cpuMsMean: round(cpuMs(cpu) / times, 3) };
}

function reads(bench: Bench, load: Report, layout: string): readonly Report[] {
  const { store, options, startMs } = bench;
  const random = randomOf(7);
  const meter = () => 1 + Math.floor(random() * options.meters);
  const toMs = startMs + options.days * dayMs;
  return [
    { ...load, layout, figure: "last-ms", ...timed(500, () => store.last(meter())) },
    {
      ...load,
      layout,
      figure: "meter-all-days-ms",
      ...timed(300, () => store.range(meter(), startMs, toMs)),
    },
  ];
}

/** All meters at once, while days are in segments of their own. */
function fleetReads(bench: Bench, load: Report): readonly Report[] {
  const { store, options, startMs, calendar } = bench;
  const random = randomOf(11);
  const lastDay = calendar.dayOf(startMs + options.days * dayMs);
  const noon = startMs + (options.days - 0.5) * dayMs;
  const boundary = startMs + options.days * dayMs;
  const wanted = (): readonly number[] => {
    const first = Math.floor(random() * Math.max(1, options.meters - 1_000));
    return Array.from({ length: Math.min(1_000, options.meters) }, (_none, at) => first + at + 1);
  };
  return [
    {
      ...load,
      figure: "registers-at-gas-day-ms",
      meters: store.registersAt(boundary).meterNo.length,
      ...timed(20, () => store.registersAt(boundary)),
    },
    {
      ...load,
      figure: "registers-at-any-instant-ms",
      meters: store.registersAt(noon).meterNo.length,
      ...timed(10, (turn) => store.registersAt(noon + turn)),
    },
    {
      ...load,
      figure: "district-daily-use-ms",
      ...timed(100, () => store.dayUse(wanted(), 0, lastDay)),
    },
    {
      ...load,
      figure: "top-20-peak-flow-ms",
      ...timed(20, () => store.peakFlows(lastDay, 20)),
    },
  ];
}

const intakeSeconds = 5;
const pacedRows = 5_000;
const pacedMs = 100;

/** 50,000 readings/s in batches of 5,000 on the thread that also reads, a flush in the worker in the middle. */
async function readsDuringIntake(bench: Bench): Promise<Report> {
  const { store, db, options, startMs, runner } = bench;
  const fleet = new Fleet({ ...options, startMs: startMs + options.days * dayMs });
  const random = randomOf(13);
  const toMs = startMs + options.days * dayMs;
  const samples: number[] = [];
  let late = 0;
  let flush: Promise<unknown> | undefined;
  const began = performance.now();
  let batches = 0;
  for (let hour = 0; performance.now() - began < intakeSeconds * 1_000; hour += 1) {
    for (const batch of [...fleet.hour(hour, pacedRows)]) {
      batches += 1;
      db.exec("BEGIN IMMEDIATE");
      store.append(batch);
      db.exec("COMMIT");
      store.committed();
      if (batches === 20) flush = store.flush(runner);
      if (performance.now() > began + batches * pacedMs) late += 1;
      while (performance.now() < began + batches * pacedMs) {
        const start = performance.now();
        store.range(1 + Math.floor(random() * options.meters), startMs, toMs);
        samples.push(performance.now() - start);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
  await flush;
  return { ...quantilesMs(samples), batchesBehind: late };
}
