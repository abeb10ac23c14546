/**
 * The whole pack of rules over a fleet's contexts in memory: what a reading costs, and what a meter weighs. Without
 * network, decoding and disk: those are in `smart-meter`, which is this pack end to end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseMeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import { meterSizeNames, type Meter } from "#domain/meter.ts";
import type { Reading } from "#domain/reading.ts";
import { hourMs, timestampMs, volumeMl } from "#domain/units.ts";
import { initialContext, writeContext, type MeterContext } from "#engine/context.ts";
import { foldInstant } from "#engine/fold.ts";
import { loadMemory } from "#engine/memory.ts";
import { inForce } from "#engine/rulesInForce.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { meterDraft } from "../support/engine.ts";
import { chanceOf } from "../support/random.ts";
import { fillLived } from "./livedLedger.ts";
import { startProgress } from "./progress.ts";
import { round } from "./quantiles.ts";
import type { Report } from "./report.ts";

export interface RulesOptions {
  readonly meters: number;
  /** Of the measurement, after the hours that warm the contexts. */
  readonly seconds: number;
}

const warmHours = 30;
const startMs = Date.UTC(2026, 9, 1);
/** Contexts whose text is weighed. */
const weighedMax = 20_000;

interface Site {
  readonly meter: Meter;
  /** Litres in an hour of use; a hundredth of the sites has a small leak besides. */
  readonly use: number;
  readonly leak: number;
  context: MeterContext;
  indexMl: number;
}

export function runRules({ meters, seconds }: RulesOptions): readonly Report[] {
  const engineBytes = engineBytesPerMeter(meters);
  const chance = chanceOf(1);
  const emptyBytes = heapBytes();
  const sites = Array.from({ length: meters }, (_, no) => siteOf(no + 1, chance.next()));
  const registeredBytes = heapBytes();
  const rules = inForce([]);
  let hour = 0;
  const done = { readings: 0 };
  const stopProgress = startProgress("rules", "readings", () => done.readings);
  const oneHour = (): void => {
    for (const site of sites) step(rules, site, hour, chance.next());
    hour += 1;
    done.readings += sites.length;
  };
  for (let warm = 0; warm < warmHours; warm += 1) oneHour();
  const warmBytes = heapBytes();
  const before = done.readings;
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  do oneHour();
  while (performance.now() - startedMs < seconds * 1_000);
  const { user, system } = process.cpuUsage(cpu);
  stopProgress();
  const readings = done.readings - before;
  const every = Math.max(1, Math.floor(meters / weighedMax));
  const weighed = sites.filter((_, place) => place % every === 0);
  const texts = weighed.map(({ context }) => writeContext(context).length);
  const bytes = texts.toSorted((one, other) => one - other);
  const writing = process.cpuUsage();
  for (const { context } of weighed) writeContext(context);
  const written = process.cpuUsage(writing);
  return [
    {
      ...{ scenario: "rules", meters, readings },
      cpuMicrosecondsPerReading: round((user + system) / readings),
      readingsPerSecond: round((1_000 * readings) / (performance.now() - startedMs)),
      contextBytesPerMeter: Math.round((warmBytes - registeredBytes) / meters),
      registryBytesPerMeter: Math.round((registeredBytes - emptyBytes) / meters),
      engineBytesPerMeter: engineBytes,
      storedBytesPerMeter: Math.round(bytes[bytes.length >> 1] ?? 0),
      storedBytesPerMeterMax: bytes.at(-1) ?? 0,
      cpuMicrosecondsPerText: round((written.user + written.system) / weighed.length),
      open: sites.filter(({ context }) => Object.keys(context.head.open).length > 0).length,
    },
  ];
}

function siteOf(no: number, share: number): Site {
  const id = parseMeterId(`B${no}`);
  invariant(id !== undefined, "an id");
  const size = meterSizeNames[no % 3] ?? "G4";
  const meter: Meter = { ...meterDraft("M1"), id, no, size, quantumMl: 10_000, version: 1 };
  const leak = no % 100 === 0 ? 15 : 0;
  return { meter, use: 100 + 900 * share, leak, context: initialContext, indexMl: no * 10_000 };
}

/** One hourly report of one site: nights are quiet, days are not. */
function step(rules: ReturnType<typeof inForce>, site: Site, hour: number, share: number): void {
  const isDay = hour % 24 >= 6 && hour % 24 < 22;
  const litres = site.leak + (isDay && share < 0.4 ? site.use * share : 0);
  site.indexMl += Math.round(litres / 10) * 10_000;
  const atMs = startMs + hour * hourMs + (site.meter.no % 3_600) * 1_000;
  const settings = rules.settingsAt(site.meter, atMs);
  const reading: Reading = {
    measuredAtMs: timestampMs(atMs),
    receivedAtMs: timestampMs(atMs + 5_000),
    deviceAtMs: timestampMs(atMs),
    indexMl: volumeMl(site.indexMl),
    rawCount: site.indexMl,
    rawExponent: 0,
    flowMlPerHour: null,
    temperatureCentiC: null,
    pressurePa: 2_000,
    batteryMv: 3_600,
    batteryPct: null,
    signalDbm: -90,
    valve: "open",
    status: 0,
    quality: "raw",
    flags: 0,
    uplinkSeq: 1,
  };
  const folded = foldInstant({ settings, exchanges: undefined }, site.context.head, [reading]);
  invariant(folded !== undefined, "a reading is folded");
  site.context = { ...site.context, head: folded.state };
}

/**
 * All that the engine holds of a meter, over a fleet as a start reads it from the ledger: its row of the registry and
 * how it is found, and its context after ten days of hourly reports.
 */
function engineBytesPerMeter(meters: number): number {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-rules-"));
  const ledger = openLedger(directory);
  try {
    fillLived(ledger, meters, startMs);
    const before = heapBytes();
    const memory = loadMemory(ledger, { nowMs: () => timestampMs(startMs), monotonicMs: () => 0 });
    return Math.round((heapBytes() - before) / memory.meters.size);
  } finally {
    ledger.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What is in use, once nothing can be thrown away any more. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  invariant(typeof collect === "function", "the collector was just exposed");
  collect();
  return process.memoryUsage().heapUsed;
}
