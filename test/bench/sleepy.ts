/** What NB-IoT meters do: whole cycles a second from connecting to leaving, each with a day's upload. */
import { performance } from "node:perf_hooks";
import { dayMs } from "#domain/units.ts";
import { startMeter } from "./load.ts";
import { memoryMb } from "./processStats.ts";
import { startProgress } from "./progress.ts";
import { quantilesMs } from "./quantiles.ts";
import type { Report } from "./report.ts";
import { callApi, registerMeters, withService, type Service } from "./service.ts";
import { daysBack, SleepyMeter } from "./sleepyMeter.ts";
import { storedRows } from "./storedRows.ts";

export interface SleepyOptions {
  readonly meters: number;
  /** Connections at a time. */
  readonly concurrency: number;
  readonly seconds: number;
  /** Percent of the meters for which an operator's close waits. */
  readonly commands: number;
}

/** One line: cycles, their latencies and cost, and what the ledger holds in the end. */
export async function runSleepy(options: SleepyOptions): Promise<readonly Report[]> {
  return withService(async (service) => [await measure(service, options)]);
}

async function measure(service: Service, options: SleepyOptions): Promise<Report> {
  const ids = Array.from({ length: options.meters }, (_, no) => `S${no}`);
  const credentials = await registerMeters(service, ids);
  const firstDayMs = Date.now() - daysBack * dayMs;
  const meters = credentials.map(
    (one, no) => new SleepyMeter(one, firstDayMs, no / credentials.length),
  );
  const commandsWaiting = Math.round((options.meters * options.commands) / 100);
  await orderCloses(service, ids.slice(0, commandsWaiting));
  const run = await wakeAll(service, meters, options);
  const memory = memoryMb(service.pid);
  const exitCode = await service.stop();
  const told = meters.reduce((sum, meter) => sum + meter.instantsTold, 0);
  const stored = storedRows(service.dataDir);
  return {
    scenario: "sleepy",
    ...options,
    cyclesPerSecond: run.perSecond,
    cycles: run.cycleMs.length,
    readingsPerSecond: Math.round(told / run.seconds),
    cycleMs: quantilesMs(run.cycleMs),
    pubackMs: quantilesMs(run.pubackMs),
    cpuMicrosPerCycle: run.cpuMicros,
    commandsWaiting,
    commandsDelivered: run.commands,
    failed: run.failed,
    readingsTold: told,
    storedReadings: stored.readings,
    lost: Math.max(0, told - stored.readings, run.cycleMs.length - stored.uplinks),
    memoryMb: memory,
    exitCode,
  };
}

/** By an operator, as it must be: the administrator's key makes keys and moves no valve. */
async function orderCloses(service: Service, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const made = await callApi(service, "POST", "/v1/keys", { role: "operator", label: "bench" });
  const { key } = made as { readonly key: string };
  for (const id of ids) {
    const body = { reason: "moved out", expiresInSeconds: 900 };
    await callApi({ api: service.api, key }, "POST", `/v1/meters/${id}/valve/close`, body);
  }
}

/** The meters one after the other, so many at a time; a meter whose year is over sleeps on. */
async function wakeAll(service: Service, meters: readonly SleepyMeter[], options: SleepyOptions) {
  const asleep = [...meters];
  const cycleMs: number[] = [];
  const pubackMs: number[] = [];
  let commands = 0;
  let failed = 0;
  const stopProgress = startProgress("sleepy", "cycles", () => cycleMs.length);
  const read = startMeter(service.pid);
  const untilMs = performance.now() + options.seconds * 1_000;
  const worker = async (): Promise<void> => {
    for (let meter = asleep.shift(); meter !== undefined; meter = asleep.shift()) {
      if (performance.now() >= untilMs) return;
      const cycle = await meter.wake(service.mqttPort);
      commands += cycle.commands;
      if (cycle.pubackMs === null) failed += 1;
      else {
        cycleMs.push(cycle.cycleMs);
        pubackMs.push(cycle.pubackMs);
      }
      if (meter.days < daysBack) asleep.push(meter);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  stopProgress();
  return { ...read(cycleMs.length), cycleMs, pubackMs, commands, failed };
}
