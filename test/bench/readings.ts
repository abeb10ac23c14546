/** The reading store alone, without network and decoding: durable intake, bytes, and the reads that people wait for. */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import { planSettings } from "#readings/planWork.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import { ColdFiles } from "./coldFiles.ts";
import { startProgress } from "./progress.ts";
import { quantilesMs, round } from "./quantiles.ts";
import { commitsBesideWork, readyAfterKill } from "./readingsBeside.ts";
import { Fleet, randomOf } from "./readingsLoad.ts";
import {
  calendar,
  commitBatch,
  segmentsIn,
  startMs,
  withReadings,
  type ReadingsRig,
} from "./readingsRig.ts";
import type { Report } from "./report.ts";

export interface ReadingsOptions {
  /** All, or the durable intake and nothing after it. */
  readonly figures: "all" | "intake";
  readonly meters: number;
  readonly days: number;
  readonly withOrigin: boolean;
  readonly uploads: "hourly" | "daily";
  /** Segments under a key. */
  readonly isEncrypted: boolean;
  /** Of the paced measurements. */
  readonly seconds: number;
}

const dayMs = 86_400_000;
const batchRows = 10_000;
/** Intake waits when so many times a flush's rows are hot. */
const hotFlushesMax = 2;

interface Bench extends ReadingsRig {
  readonly options: ReadingsOptions;
  readonly flushRows: number;
  readonly coldFiles: ColdFiles;
}

export async function runReadings(options: ReadingsOptions): Promise<readonly Report[]> {
  const flushRows = Math.min(2_400_000, Math.max(100_000, options.meters * 24));
  const load = { scenario: "readings", ...options, cores: availableParallelism() };
  const keys = options.isEncrypted ? [randomBytes(32)] : null;
  const coldFiles = new ColdFiles();
  const alone = await withReadings({ flushRows }, keys, (rig) =>
    measure({ ...rig, options, flushRows, coldFiles }),
  ).finally(() => coldFiles.close());
  const beside =
    options.figures === "intake"
      ? []
      : [...(await commitsBesideWork(options.seconds)), await readyAfterKill()];
  return [...alone, ...beside].map((report) => ({ ...load, ...report }));
}

async function measure(bench: Bench): Promise<readonly Report[]> {
  const { options, store, manifest, runner } = bench;
  const reports: Report[] = [{ figure: "intake", ...(await intake(bench)) }];
  if (options.figures === "intake") return reports;
  const closed = performance.now();
  const cpu = process.cpuUsage();
  const endMs = startMs + options.days * dayMs;
  await store.maintain(runner, endMs + planSettings.settleMs);
  reports.push({
    figure: "day-segments",
    ...sizes(bench, "day"),
    rollUpBytesPerMeterDay: rollUpBytes(bench),
    afterIntakeMs: round(performance.now() - closed),
    afterIntakeCpuMs: cpuMs(cpu),
  });
  reports.push(...(await reads(bench, "day")), ...fleetReads(bench));
  reports.push(await readsDuringIntake(bench));
  const merging = performance.now();
  await store.flush(runner);
  await store.maintain(runner, endMs + 40 * dayMs);
  const mergeMs = round(performance.now() - merging);
  reports.push({ figure: "month-segment", ...sizes(bench, "month"), mergeMs });
  reports.push(...(await reads(bench, "month")));
  const verifying = performance.now();
  const failed = verifyStore(store, manifest).length;
  reports.push({ figure: "verify", failed, ms: round(performance.now() - verifying) });
  return reports;
}

function cpuMs(since: NodeJS.CpuUsage): number {
  return round(sumUs(process.cpuUsage(since)) / 1_000);
}

function sumUs({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}

/**
 * Every batch is one transaction with one fsync; what is due meanwhile, flushes, merges and roll-ups, is done by the
 * worker and counts, also the last flush. The CPU time of making the load does not, and it leaves nothing behind that
 * other threads would have to collect while the store is measured.
 */
async function intake(bench: Bench): Promise<Report> {
  const { options, store, runner, flushRows } = bench;
  const fleet = new Fleet({ ...options, startMs, isInPlace: true });
  const commits: number[] = [];
  let rows = 0;
  const made = { user: 0, system: 0 };
  let work: Promise<unknown> | undefined;
  const cpu = process.cpuUsage();
  const engineThread = process.threadCpuUsage();
  const began = performance.now();
  const endProgress = startProgress("readings", "readings", () => rows);
  for (let hour = 0; hour < options.days * 24; hour += 1) {
    const making = process.threadCpuUsage();
    const batches = [...fleet.hour(hour, batchRows)];
    const { user, system } = process.threadCpuUsage(making);
    made.user += user;
    made.system += system;
    for (const batch of batches) {
      const start = performance.now();
      commitBatch(bench, batch);
      commits.push(performance.now() - start);
      rows += batch.count;
      const nowMs = startMs + hour * 3_600_000;
      if (work === undefined && store.hotRows >= flushRows) {
        work = store.maintain(runner, nowMs).finally(() => {
          work = undefined;
        });
      }
      // The worker's answer is taken between batches; too much hot and intake waits for it.
      if (store.hotRows >= flushRows * hotFlushesMax) await work;
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await work;
  await store.flush(runner);
  const busyMs = performance.now() - began - sumUs(made) / 1_000;
  const used = process.cpuUsage(cpu);
  const usedHere = process.threadCpuUsage(engineThread);
  const eachUs = (us: number): number => round(us / rows, 3);
  endProgress();
  return {
    readings: rows,
    readingsPerSecond: Math.round(rows / (busyMs / 1_000)),
    cpuMicrosecondsPerReading: eachUs(sumUs(used) - sumUs(made)),
    systemMicrosecondsPerReading: eachUs(used.system - made.system),
    engineThreadMicrosecondsPerReading: eachUs(sumUs(usedHere) - sumUs(made)),
    commitMs: quantilesMs(commits),
    residentMb: Math.round(process.memoryUsage.rss() / 1e6),
  };
}

function sizes({ manifest }: Bench, kind: "day" | "month"): Report {
  const ofKind = manifest.files().filter((file) => file.kind === kind);
  // Of months the load's own: beside it lies what was read during intake.
  const largest = ofKind.toSorted((one, other) => other.rows - one.rows).slice(0, 1);
  const files = kind === "month" ? largest : ofKind;
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { files: ofKind.length, rows, bytesPerReading: round(bytes / rows, 3) };
}

function rollUpBytes({ manifest }: Bench): number {
  const files = manifest.files().filter(({ kind }) => kind === "rollup");
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  return round(files.reduce((sum, file) => sum + file.bytes, 0) / rows, 3);
}

const rounds = 3;

/**
 * The round with the median p99 of three, behind one that is not counted: in that one the code is compiled, on the same
 * core. Beside the clock the mean CPU time, which a busy machine does not stretch as much.
 */
function timed(times: number, act: (turn: number) => unknown): Report {
  for (let turn = 0; turn < times; turn += 1) act(turn);
  const reports = Array.from({ length: rounds }, () => timedRound(times, act));
  const [, median = {}] = reports.toSorted(
    (one, other) => Number(one["p99"]) - Number(other["p99"]),
  );
  return { rounds, ...median };
}

function timedRound(times: number, act: (turn: number) => unknown): Report {
  const samples: number[] = [];
  const cpu = process.cpuUsage();
  for (let turn = 0; turn < times; turn += 1) {
    const start = performance.now();
    act(turn);
    samples.push(performance.now() - start);
  }
  return { ...quantilesMs(samples), cpuMsMean: round(cpuMs(cpu) / times, 3) };
}

async function reads(bench: Bench, layout: string): Promise<readonly Report[]> {
  const { store, options } = bench;
  const random = randomOf(7);
  const meter = () => 1 + Math.floor(random() * options.meters);
  const toMs = startMs + options.days * dayMs;
  const cold = await timedCold(bench, () => store.range(meter(), startMs, toMs));
  return [
    { layout, figure: "last-ms", ...timed(2_000, () => store.last(meter())) },
    {
      layout,
      figure: "meter-all-days-ms",
      ...timed(300, () => store.range(meter(), startMs, toMs)),
    },
    { layout, figure: "meter-all-days-cold-ms", ...cold },
  ];
}

const coldReadsMax = 30;

/** From the medium: only the reads are timed, not how the pages were dropped. */
async function timedCold({ folder, coldFiles }: Bench, read: () => unknown): Promise<Report> {
  const samples: number[] = [];
  for (let turn = 0; turn < coldReadsMax; turn += 1) {
    const isForgotten = await coldFiles.forget(segmentsIn(folder));
    if (!isForgotten) return { skipped: "no dd to drop pages with" };
    const start = performance.now();
    read();
    samples.push(performance.now() - start);
  }
  return { ...quantilesMs(samples) };
}

/** All meters at once, while days are in segments of their own. */
function fleetReads({ store, options }: Bench): readonly Report[] {
  const random = randomOf(11);
  const boundary = startMs + options.days * dayMs;
  const lastDay = calendar.dayOf(boundary);
  const noon = boundary - dayMs / 2;
  const wanted = (): readonly number[] => {
    const first = Math.floor(random() * Math.max(1, options.meters - 1_000));
    return Array.from({ length: Math.min(1_000, options.meters) }, (_none, at) => first + at + 1);
  };
  return [
    {
      figure: "registers-at-gas-day-ms",
      registers: store.registersAt(boundary).meterNo.length,
      ...timed(20, () => store.registersAt(boundary)),
    },
    {
      figure: "registers-at-any-instant-ms",
      registers: store.registersAt(noon).meterNo.length,
      ...timed(10, (turn) => store.registersAt(noon + turn)),
    },
    {
      figure: "district-daily-use-ms",
      ...timed(300, () => store.dayUse(wanted(), 0, lastDay)),
    },
    {
      figure: "top-20-peak-flow-ms",
      ...timed(20, (turn) => store.peakFlowsWithin(noon - dayMs + turn, noon + turn, 20)),
    },
    {
      figure: "top-20-peak-flow-of-a-gas-day-ms",
      ...timed(20, () => store.peakFlows(lastDay, 20)),
    },
  ];
}

const pacedRows = 5_000;
const pacedMs = 100;

/** 50,000 readings/s in batches of 5,000 on the thread that also reads, a flush in the worker every few seconds. */
async function readsDuringIntake(bench: Bench): Promise<Report> {
  const { store, options, runner } = bench;
  const fleet = new Fleet({ ...options, startMs: startMs + options.days * dayMs });
  const random = randomOf(13);
  const toMs = startMs + options.days * dayMs;
  const samples: number[] = [];
  let late = 0;
  let flush: Promise<unknown> | undefined;
  let flushes = 0;
  const began = performance.now();
  let batches = 0;
  for (let hour = 0; performance.now() - began < options.seconds * 1_000; hour += 1) {
    for (const batch of [...fleet.hour(hour, pacedRows)]) {
      batches += 1;
      commitBatch(bench, batch);
      if (flush === undefined && store.hotRows >= 100_000) {
        flushes += 1;
        flush = store.flush(runner).finally(() => {
          flush = undefined;
        });
      }
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
  const figure = "meter-all-days-during-intake-ms";
  return { figure, ...quantilesMs(samples), flushes, batchesBehind: late };
}
