/**
 * From a leak status in to the order to close at the meter's socket, beside a steady load. Nothing is switched off:
 * each leak is in an area of its own, and the service's clock runs fast, so that the breaker lets each of them go.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { dayMs } from "#domain/units.ts";
import { SimClock } from "#simulators/clock.ts";
import { openMeters } from "./leakLatency.ts";
import { measureLoad, settled, startLoad, warmUp } from "./load.ts";
import { quantilesMs } from "./quantiles.ts";
import { emptyCounts, RawMeter, type LoadCounts } from "./rawMeter.ts";
import type { Report } from "./report.ts";
import { importMeters, registerMeters, withService, type Service } from "./service.ts";
import { storedRows } from "./storedRows.ts";

export interface LeakCloseOptions {
  readonly connections: number;
  readonly rate: number;
  /** How many times faster than real time clocks run. */
  readonly factor: number;
  readonly seconds: number;
}

/** So large a fleet may close twenty a day by itself. */
const fleetMeters = 20_000;
/** A day, twenty closes, and a little patience. */
const leakEveryMs = (dayMs / 20) * 1.02;
const arriveWithinMs = 5_000;

/** One line. */
export async function runLeakClose(options: LeakCloseOptions): Promise<readonly Report[]> {
  const clock = new SimClock({ baseMs: Date.now(), factor: options.factor });
  return withService(async (service) => [await measure(service, clock, options)], {
    MERCAPTAN_CLOCK_FACTOR: String(options.factor),
    MERCAPTAN_CLOCK_BASE_MS: String(clock.lapse.baseMs),
  });
}

async function measure(service: Service, clock: SimClock, options: LeakCloseOptions) {
  const { connections, rate, factor, seconds } = options;
  const nowMs = () => clock.nowMs();
  const leakEveryRealMs = leakEveryMs / factor;
  const leaks = Math.floor((seconds * 1_000) / leakEveryRealMs);
  await importMeters(service, names("F", fleetMeters));
  const steady = await openMeters(service, "B", connections, null, nowMs);
  const probes = await openProbes(service, leaks, nowMs);
  const stopLoad = startLoad(steady.meters, { inFlight: 1, rate });
  await warmUp(seconds, () => steady.counts.acknowledged > 0);
  for (const { meter } of probes.list) meter.send();
  await settled(probes.counts);
  const leaking = leakInTurn(probes.list, leakEveryRealMs);
  const target = { name: "leak-close", pid: service.pid };
  const { uplinksPerSecond, pubackMs } = await measureLoad(target, steady.counts, seconds);
  const latencies = await leaking;
  stopLoad();
  await settled(steady.counts);
  for (const meter of steady.meters) meter.close();
  for (const { meter } of probes.list) meter.close();
  const exitCode = await service.stop();
  const stored = storedRows(service.dataDir);
  const acknowledged = steady.counts.acknowledged + probes.counts.acknowledged;
  return {
    scenario: "leak-close",
    ...options,
    leakToOrderMs: { ...quantilesMs(latencies), missed: leaks - latencies.length },
    uplinksPerSecond,
    pubackMs,
    lost: Math.max(0, acknowledged - stored.uplinks),
    exitCode,
  };
}

function names(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, no) => `${prefix}${no}`);
}

interface Probe {
  readonly meter: RawMeter;
  arrivedAtMs: number | null;
}

/** Connected and listening, as a meter is in the seconds after its report. */
async function openProbes(service: Service, count: number, nowMs: () => number) {
  const counts: LoadCounts = emptyCounts();
  const list: Probe[] = [];
  for (const id of names("P", count)) {
    const [credential] = await registerMeters(service, [id], { area: `area of ${id}` });
    if (credential === undefined) continue;
    const probe: Probe = {
      meter: new RawMeter(credential, counts, null, nowMs),
      arrivedAtMs: null,
    };
    probe.meter.onOrder = () => {
      probe.arrivedAtMs ??= performance.now();
    };
    await probe.meter.open(service.mqttPort);
    await probe.meter.listen();
    list.push(probe);
  }
  return { counts, list };
}

/** One leak after the other; how long each waited for its order. What never came is missing. */
async function leakInTurn(probes: readonly Probe[], everyMs: number): Promise<readonly number[]> {
  const startedMs = performance.now();
  const sentAtMs = new Map<Probe, number>();
  for (const [no, probe] of probes.entries()) {
    await pause(Math.max(0, startedMs + no * everyMs - performance.now()));
    sentAtMs.set(probe, performance.now());
    probe.meter.send(true);
  }
  const untilMs = performance.now() + arriveWithinMs;
  const isWaiting = () => probes.some(({ arrivedAtMs }) => arrivedAtMs === null);
  while (isWaiting() && performance.now() < untilMs) await pause(10);
  return probes.flatMap((probe) =>
    probe.arrivedAtMs === null ? [] : [probe.arrivedAtMs - (sentAtMs.get(probe) ?? 0)],
  );
}
