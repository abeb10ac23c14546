/** Uplinks at the pace of their acknowledgements or of a clock, and what they cost the process that takes them. */
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { cpuBetween, memoryMb, threadCpu, type CpuShares } from "./processStats.ts";
import { startProgress } from "./progress.ts";
import { quantilesMs, round } from "./quantiles.ts";
import type { LoadCounts, RawMeter } from "./rawMeter.ts";

export interface LoadOptions {
  readonly inFlight: number;
  /** Uplinks a second for all; 0: as fast as they are acknowledged. */
  readonly rate: number;
}

const warmUpMsMax = 3_000;
const settleMsMax = 30_000;
const paceMs = 2;
const lookMs = 20;

/** Each connection keeps its messages in flight; with a rate, all together keep to it. */
export function startLoad(meters: readonly RawMeter[], options: LoadOptions): () => void {
  return options.rate > 0
    ? startPaced(meters, options.rate)
    : startAnswered(meters, options.inFlight);
}

function startPaced(meters: readonly RawMeter[], rate: number): () => void {
  const startedMs = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) * rate) / 1_000);
    for (; sent < due; sent += 1) meters[sent % meters.length]?.send();
  }, paceMs);
  return () => clearInterval(timer);
}

function startAnswered(meters: readonly RawMeter[], inFlight: number): () => void {
  let isRunning = true;
  for (const meter of meters) {
    let owed = inFlight;
    let isScheduled = false;
    const sendOwed = (): void => {
      isScheduled = false;
      if (!isRunning) return;
      meter.cork(() => {
        for (; owed > 0; owed -= 1) meter.send();
      });
    };
    // What one chunk acknowledges is answered with one write.
    meter.onAck = () => {
      owed += 1;
      if (isScheduled) return;
      isScheduled = true;
      queueMicrotask(sendOwed);
    };
    sendOwed();
  }
  return () => {
    isRunning = false;
  };
}

/** Long enough for the machine code to be made; short in a short run. */
export async function warmUp(seconds: number, isAlive: () => boolean): Promise<void> {
  const untilMs = performance.now() + Math.min(warmUpMsMax, seconds * 1_000);
  while (performance.now() < untilMs || !isAlive()) await pause(lookMs);
}

/** Everything in flight has been answered. */
export async function settled(counts: LoadCounts): Promise<void> {
  const untilMs = performance.now() + settleMsMax;
  while (counts.acknowledged < counts.sent && performance.now() < untilMs) await pause(lookMs);
}

/** CPU of the process and of this generator, per uplink or cycle, in microseconds. */
export type CpuMicros = CpuShares & { readonly generator: number };

/** Starts to measure; the result says how long it was, and what each of `count` things cost. */
export function startMeter(pid: number): (count: number) => {
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpuMicros: CpuMicros;
} {
  const before = threadCpu(pid);
  const ownBefore = process.cpuUsage();
  const startedMs = performance.now();
  return (count) => {
    const seconds = (performance.now() - startedMs) / 1_000;
    const cpu = cpuBetween(pid, before, threadCpu(pid));
    const own = process.cpuUsage(ownBefore);
    const micros = (value: number): number => round((value * 1e6) / count);
    return {
      seconds,
      perSecond: Math.round(count / seconds),
      cpuMicros: {
        main: micros(cpu.main),
        engine: micros(cpu.engine),
        others: micros(cpu.others),
        generator: round((own.user + own.system) / count),
      },
    };
  };
}

/** Lets the load run for the time; the figures of what was acknowledged meanwhile. */
export async function measureLoad(
  target: { readonly name: string; readonly pid: number },
  counts: LoadCounts,
  seconds: number,
) {
  const before = counts.acknowledged;
  const stopProgress = startProgress(target.name, "uplinks", () => counts.acknowledged - before);
  const latenciesBefore = counts.latencyMs.length;
  const read = startMeter(target.pid);
  await pause(seconds * 1_000);
  const { perSecond, cpuMicros } = read(counts.acknowledged - before);
  stopProgress();
  return {
    uplinksPerSecond: perSecond,
    pubackMs: quantilesMs(counts.latencyMs.slice(latenciesBefore)),
    cpuMicrosPerUplink: cpuMicros,
    memoryMb: memoryMb(target.pid),
  };
}
