/** From a leak status in to its event on the live feed, at a steady rate, and again while meters catch up. */
import { dayMs, minuteMs } from "#domain/units.ts";
import { LeakProbe, probeIds } from "./leakProbe.ts";
import { measureLoad, settled, startLoad, warmUp } from "./load.ts";
import { round } from "./quantiles.ts";
import { emptyCounts, RawMeter, type BackFill, type LoadCounts } from "./rawMeter.ts";
import type { Report } from "./report.ts";
import { registerMeters, withService, type Service } from "./service.ts";
import { storedRows } from "./storedRows.ts";

export interface LeakLatencyOptions {
  readonly connections: number;
  readonly rate: number;
  readonly seconds: number;
  /** Old values beside the newest of each flooding uplink; 0: one value an uplink. */
  readonly history: number;
}

/** Uplinks in flight on each flooding connection: as fast as they are acknowledged. */
const floodInFlight = 20;

/** Two lines: without and with the flood. */
export async function runLeakLatency(options: LeakLatencyOptions): Promise<readonly Report[]> {
  return withService((service) => measure(service, options));
}

async function measure(service: Service, options: LeakLatencyOptions): Promise<readonly Report[]> {
  const { connections, rate, seconds, history } = options;
  const steady = await openMeters(service, "B", connections, null);
  const backFill: BackFill = {
    fromMs: Date.now() - 300 * dayMs,
    stepMs: minuteMs,
    historyEntries: history,
  };
  const flood = await openMeters(service, "F", connections, backFill);
  const probe = new LeakProbe(service, await registerMeters(service, probeIds));
  await probe.open();
  const common = { scenario: "leak-latency", connections, rate, seconds };

  const stopSteady = startLoad(steady.meters, { inFlight: 1, rate });
  await warmUp(seconds, () => steady.counts.acknowledged > 0);
  const calm = await measureLeaks(service, probe, steady.counts, seconds);

  const stopFlood = startLoad(flood.meters, { inFlight: floodInFlight, rate: 0 });
  await warmUp(seconds, () => flood.counts.acknowledged > 0);
  const before = flood.counts.acknowledged;
  const flooded = await measureLeaks(service, probe, steady.counts, seconds);
  const floodPerSecond = Math.round((flood.counts.acknowledged - before) / seconds);
  stopFlood();
  stopSteady();
  await settled(flood.counts);
  await settled(steady.counts);
  for (const meter of [...steady.meters, ...flood.meters]) meter.close();
  probe.close();
  const exitCode = await service.stop();
  const acknowledged = [steady, flood, probe].reduce(
    (sum, { counts }) => sum + counts.acknowledged,
    0,
  );
  const stored = storedRows(service.dataDir);
  const lost = Math.max(0, acknowledged - stored.uplinks);
  return [
    { ...common, flood: "none", ...calm, lost, exitCode },
    {
      ...common,
      flood: `old data, ${1 + history} values an uplink, ${floodInFlight} in flight`,
      floodUplinksPerSecond: floodPerSecond,
      floodReadingsPerSecond: floodPerSecond * (1 + history),
      floodFactor: round((floodPerSecond * (1 + history)) / rate),
      ...flooded,
      lost,
      exitCode,
    },
  ];
}

/** Registers so many meters and logs them in. */
export async function openMeters(
  service: Service,
  prefix: string,
  connections: number,
  backFill: BackFill | null,
  nowMs?: () => number,
  shared: Readonly<Record<string, unknown>> = {},
) {
  const ids = Array.from({ length: connections }, (_, no) => `${prefix}${no}`);
  const counts = emptyCounts();
  const credentials = await registerMeters(service, ids, shared);
  const meters = credentials.map((one) => new RawMeter(one, counts, backFill, nowMs));
  for (const meter of meters) await meter.open(service.mqttPort);
  return { meters, counts };
}

async function measureLeaks(
  service: Service,
  probe: LeakProbe,
  counts: LoadCounts,
  seconds: number,
) {
  probe.start();
  const target = { name: "leak-latency", pid: service.pid };
  const { uplinksPerSecond, pubackMs } = await measureLoad(target, counts, seconds);
  return { leakToLiveMs: await probe.stop(), uplinksPerSecond, pubackMs };
}
