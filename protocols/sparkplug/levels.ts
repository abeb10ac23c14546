/**
 * Status metrics as levels. A node reports only what changes, so a message that speaks of the battery does not say that
 * the leak is over: what each status metric said last still holds, and a reading with any status has all of it.
 */
import type { StatusLevels } from "#domain/meterFile.ts";
import type { EdgeTable } from "#domain/edgeTable.ts";
import type { StatusFlags } from "#domain/status.ts";
import type { DecodedReading } from "#domain/telegram.ts";
import { hourMs } from "#domain/units.ts";
import type { KnownMetric } from "./births.ts";
import { saidStatus } from "./mapping.ts";

/** A status of a birth that is older speaks of now without a time that could be believed. */
const freshForMs = hourMs / 2;

/**
 * A birth says what holds now, however long ago it changed. A leak that began while nobody listened must ring; as it
 * has no present time of its own it is judged at its receipt, and so it moves no valve by itself.
 */
export function presentStatus(
  metrics: readonly KnownMetric[],
  mapping: EdgeTable,
  nowMs: number,
): readonly KnownMetric[] {
  return metrics.map((metric) => {
    const { name, value, atMs } = metric;
    if (atMs === null || nowMs - atMs <= freshForMs || value === null) return metric;
    const meaning = Object.hasOwn(mapping.metrics, name) ? mapping.metrics[name] : undefined;
    const flags = meaning === undefined ? undefined : saidStatus(metric, meaning, value);
    return flags === undefined || flags === null ? metric : { ...metric, atMs: null };
  });
}

/** What each status metric says after these; an older word does not replace a newer one. */
export function levelsAfter(
  before: StatusLevels,
  metrics: readonly KnownMetric[],
  mapping: EdgeTable,
): StatusLevels {
  const levels = new Map(Object.entries(before));
  for (const metric of metrics) {
    const { name, value, atMs } = metric;
    const meaning = Object.hasOwn(mapping.metrics, name) ? mapping.metrics[name] : undefined;
    if (meaning === undefined || value === null) continue;
    const flags = saidStatus(metric, meaning, value);
    const known = levels.get(name);
    if (flags === undefined || flags === null) continue;
    if (known === undefined || atMs === null || atMs >= known.atMs) {
      levels.set(name, { flags, atMs: atMs ?? known?.atMs ?? 0 });
    }
  }
  return Object.fromEntries(levels);
}

/** Readings that speak of a status, with what the metrics that they do not speak of said before. */
export function withLevels(
  readings: readonly DecodedReading[],
  metrics: readonly KnownMetric[],
  levels: StatusLevels,
): readonly DecodedReading[] {
  return readings.map((reading) => {
    if (reading.status === null) return reading;
    const own = metrics.filter(({ atMs }) => atMs === reading.measuredAtMs);
    const spoken = new Set(own.map(({ name }) => name));
    return { ...reading, status: reading.status | othersOf(levels, spoken) };
  });
}

function othersOf(levels: StatusLevels, spoken: ReadonlySet<string>): StatusFlags {
  let flags = 0;
  for (const [name, level] of Object.entries(levels)) if (!spoken.has(name)) flags |= level.flags;
  return flags;
}
