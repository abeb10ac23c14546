/** From metrics to readings by a table of a meter's model: names and units are each integrator's own. */
import {
  metricScale,
  type EdgeTable,
  type EdgeMeaning,
  type EdgeQuantity,
} from "#domain/edgeTable.ts";
import { statusBits, type StatusFlags, type StatusName } from "#domain/status.ts";
import {
  emptyReading,
  type DecodedReading,
  type ValvePosition,
  type Telegram,
} from "#domain/telegram.ts";
import { registerOf, scaleExact, type ExactDecimal } from "#protocols/codec/exactNumber.ts";
import type { KnownMetric } from "./births.ts";
import type { MetricValue } from "./values.ts";

/** Sparkplug B 3.0, 6.4.12: what is said of a value's worth. Without a word it is good. */
const qualityGood = 192;

/**
 * The readings of metrics, one for each time; metrics without a meaning are passed over. History makes
 * registers and quantities at its own time: a status or a valve position is of the present, and what a
 * node remembers must not ring. A status that is set counts whatever the value's quality: a leak that is
 * heard badly is heard.
 */
export function telegramOf(metrics: readonly KnownMetric[], mapping: EdgeTable): Telegram {
  const byTime = new Map<number | null, DecodedReading>();
  for (const metric of metrics) {
    const { name, value, atMs } = metric;
    const meaning = Object.hasOwn(mapping.metrics, name) ? mapping.metrics[name] : undefined;
    if (meaning === undefined || value === null) continue;
    const reading = byTime.get(atMs) ?? { ...emptyReading, measuredAtMs: atMs };
    const part = partOf(metric, meaning, value, reading);
    if (part !== null) byTime.set(atMs, { ...reading, ...part });
  }
  return { address: null, frameId: null, readings: [...byTime.values()], replies: [] };
}

/** The part of a reading that a value is; null when it says nothing of the kind, or is not worth it. */
function partOf(
  { quality, isHistorical, atMs }: KnownMetric,
  meaning: EdgeMeaning,
  value: MetricValue,
  { status }: DecodedReading,
): Partial<DecodedReading> | null {
  const flags = saidStatus({ quality, isHistorical }, meaning, value);
  if (flags !== undefined) return flags === null ? null : { status: (status ?? 0) | flags };
  const isGood = quality === null || quality === qualityGood;
  if (!isGood || (isHistorical && atMs === null)) return null;
  if (meaning.to === "valve") {
    return isHistorical ? null : { valve: positionOf(value, meaning.positions) };
  }
  return "unit" in meaning ? numberPart(meaning, value) : null;
}

/** The status that a value says now; null: it says none. Undefined: the meaning is no status. */
export function saidStatus(
  { quality, isHistorical }: Pick<KnownMetric, "quality" | "isHistorical">,
  meaning: EdgeMeaning,
  value: MetricValue,
): StatusFlags | null | undefined {
  const flags = flagsOf(meaning, value);
  const isGood = quality === null || quality === qualityGood;
  if (flags === undefined || flags === null) return flags;
  return !isHistorical && (isGood || flags !== 0) ? flags : null;
}

interface NumberMeaning {
  readonly to: EdgeQuantity;
  readonly unit: string;
  readonly exponent?: number | undefined;
}

/** Millilitres per hour and the like are whole numbers of their own unit. */
function numberPart(
  { to, unit, exponent: power = 0 }: NumberMeaning,
  value: MetricValue,
): Partial<DecodedReading> | null {
  const scale = metricScale(to, unit);
  if (value.kind !== "number" || scale === undefined) return null;
  const { coefficient, exponent } = value.decimal;
  const { times = 1, plus = 0 } = scale;
  const decimal: ExactDecimal = {
    coefficient: coefficient * BigInt(times),
    exponent: exponent + power + scale.exponent,
  };
  if (to === "volume") {
    const volume = registerOf(decimal);
    return volume === undefined ? null : { volume };
  }
  const count = scaleExact(decimal, 0);
  return count === undefined ? null : { [to]: count + plus };
}

function positionOf(
  value: MetricValue,
  positions: Readonly<Record<string, ValvePosition>>,
): ValvePosition {
  const text = textOf(value);
  return Object.hasOwn(positions, text) ? (positions[text] ?? "unknown") : "unknown";
}

function textOf(value: MetricValue): string {
  return value.kind === "unread" ? "" : String(value.value);
}

/** Undefined: the meaning is no status. Null: the value says nothing of one. */
function flagsOf(meaning: EdgeMeaning, value: MetricValue): StatusFlags | null | undefined {
  if (meaning.to === "status") return flagOf(value, meaning.flag);
  if (meaning.to === "statusBits") return bitsOf(value, meaning.bits);
  return meaning.to === "statusWords" ? wordsOf(textOf(value), meaning.words) : undefined;
}

function flagOf(value: MetricValue, flag: StatusName): StatusFlags | null {
  if (value.kind === "boolean") return value.value ? statusBits[flag] : 0;
  if (value.kind !== "number") return null;
  return value.decimal.coefficient === 0n ? 0 : statusBits[flag];
}

function bitsOf(value: MetricValue, bits: readonly (StatusName | null)[]): StatusFlags | null {
  if (value.kind !== "number" || value.decimal.exponent !== 0) return null;
  let flags = 0;
  for (const [bit, name] of bits.entries()) {
    const isSet = (value.decimal.coefficient & (1n << BigInt(bit))) !== 0n;
    if (name !== null && isSet) flags |= statusBits[name];
  }
  return flags;
}

function wordsOf(
  text: string,
  words: Readonly<Record<string, readonly StatusName[]>>,
): StatusFlags | null {
  const names = Object.hasOwn(words, text) ? words[text] : undefined;
  return names === undefined ? null : names.reduce((all, name) => all | statusBits[name], 0);
}
