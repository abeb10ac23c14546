/**
 * What births say of metrics, kept as plain lists: the state of an edge node is stored as JSON and handed
 * back after a restart. Names and aliases are the sender's, so they are never keys of an object.
 */
import type { TimestampMs } from "#domain/units.ts";
import type { DataType } from "./dataTypes.ts";
import type { Metric, Payload } from "./payload.ts";
import { valueOf, type MetricValue } from "./values.ts";

/** What is remembered of a metric: its name, its type, and the digits of its alias, where it has one. */
export type BornMetric = readonly [name: string, dataType: DataType, alias: string | null];

/** What a birth said. */
export interface Birth {
  readonly metrics: readonly BornMetric[];
  /** False when a message has been missed since: aliases may have been given anew. */
  readonly isTrusted: boolean;
}

/** A metric with all that its birth said of it. */
export interface KnownMetric {
  readonly name: string;
  readonly dataType: DataType;
  /** Null: the node says that there is none now. */
  readonly value: MetricValue | null;
  readonly atMs: TimestampMs | null;
  /** Out of the node's memory: history, and never the present state. */
  readonly isHistorical: boolean;
  readonly quality: number | null;
}

/** No birth was heard. */
export const noBirth: Birth = { metrics: [], isTrusted: false };

/** The longest name that is remembered; a longer one is heard only where it is written out. */
export const metricNameCharsMax = 256;

/** What a birth leaves behind, `max` metrics at most. */
export function birthOf({ metrics }: Payload, max: number): Birth {
  const born: BornMetric[] = [];
  for (const { name, alias, dataType } of metrics) {
    if (name === null || dataType === null || name.length > metricNameCharsMax) continue;
    if (born.length < max) born.push([name, dataType, alias === null ? null : String(alias)]);
  }
  return { metrics: born, isTrusted: true };
}

interface Lookup {
  readonly byName: ReadonlyMap<string, BornMetric>;
  /** Null: an alias that was given twice explains nothing. */
  readonly byAlias: ReadonlyMap<string, BornMetric | null>;
}

/** A birth is asked for every metric of every message, so its lists are sorted once. */
const lookups = new WeakMap<Birth["metrics"], Lookup>();

function lookupOf({ metrics }: Birth): Lookup {
  const known = lookups.get(metrics);
  if (known !== undefined) return known;
  const byName = new Map<string, BornMetric>();
  const byAlias = new Map<string, BornMetric | null>();
  for (const born of metrics) {
    const [name, , alias] = born;
    byName.set(name, born);
    if (alias !== null) byAlias.set(alias, byAlias.has(alias) ? null : born);
  }
  const lookup = { byName, byAlias };
  lookups.set(metrics, lookup);
  return lookup;
}

/** A metric as its birth explains it; undefined: nothing says what it is. */
export function explained(
  metric: Metric,
  { atMs: sentAtMs }: Payload,
  birth: Birth,
): KnownMetric | undefined {
  const { name, alias, quality, isHistorical, isNull, wire } = metric;
  const { byName, byAlias } = lookupOf(birth);
  const byNumber = birth.isTrusted && alias !== null ? byAlias.get(String(alias)) : undefined;
  const born = name === null ? byNumber : byName.get(name);
  const knownName = name ?? born?.[0];
  const dataType = metric.dataType ?? born?.[1];
  if (knownName === undefined || dataType === undefined) return undefined;
  const value = isNull ? null : valueOf(wire, dataType);
  return { name: knownName, dataType, value, atMs: metric.atMs ?? sentAtMs, isHistorical, quality };
}
