/** From metrics to readings by a table of a meter's model: names and units are each integrator's own. */
import { statusBits, type StatusFlags, type StatusName } from "#domain/status.ts";
import {
  emptyReading,
  type DecodedReading,
  type ValvePosition,
  type Telegram,
} from "#domain/telegram.ts";
import { registerOf, scaleExact, type ExactDecimal } from "#protocols/codec/exactNumber.ts";
import type { KnownMetric } from "./births.ts";
import type { MetricWrite } from "./downlink.ts";
import type { MetricValue } from "./values.ts";

/** How a unit counts in the reading's own: `value * times * 10^exponent + plus`. */
interface Scale {
  readonly exponent: number;
  readonly times?: number;
  readonly plus?: number;
}

/** Quantities of a reading and the units that metrics may have, by the names that a table uses. */
export const metricUnits = {
  /** In cubic metres. */
  volume: { m3: { exponent: 0 }, l: { exponent: -3 }, dm3: { exponent: -3 }, ml: { exponent: -6 } },
  flowMlPerHour: {
    "m3/h": { exponent: 6 },
    "m3/s": { exponent: 6, times: 3_600 },
    "l/h": { exponent: 3 },
    "l/min": { exponent: 3, times: 60 },
    "ml/h": { exponent: 0 },
  },
  temperatureCentiC: { degC: { exponent: 2 }, K: { exponent: 2, plus: -27_315 } },
  pressurePa: {
    Pa: { exponent: 0 },
    hPa: { exponent: 2 },
    mbar: { exponent: 2 },
    kPa: { exponent: 3 },
    bar: { exponent: 5 },
    MPa: { exponent: 6 },
  },
  batteryMv: { mV: { exponent: 0 }, V: { exponent: 3 } },
  batteryPct: { "%": { exponent: 0 } },
  signalDbm: { dBm: { exponent: 0 } },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Scale>>>>;

/** A quantity that a metric may mean. */
export type MetricQuantity = keyof typeof metricUnits;

/** What one metric means; plain data, as a profile writes it. */
export type MetricMeaning =
  | {
      readonly to: MetricQuantity;
      /** One of `metricUnits`. */
      readonly unit: string;
      /** The metric counts in `10^exponent` of its unit: pulses of ten litres are l and 1. */
      readonly exponent?: number;
    }
  /** By the metric's value as text; another value is unknown, never open. */
  | { readonly to: "valve"; readonly positions: Readonly<Record<string, ValvePosition>> }
  /** A truth, or a number that is not 0. */
  | { readonly to: "status"; readonly flag: StatusName }
  /** Bits from the lowest; null has no meaning for us. */
  | { readonly to: "statusBits"; readonly bits: readonly (StatusName | null)[] }
  /** By the metric's value as text; another value says nothing. */
  | {
      readonly to: "statusWords";
      readonly words: Readonly<Record<string, readonly StatusName[]>>;
    };

/** What the metrics of a meter mean, by their names, and how its valve is closed. */
export interface MetricMapping {
  readonly metrics: Readonly<Record<string, MetricMeaning>>;
  readonly close: MetricWrite | null;
}

/** Sparkplug B 3.0, 6.4.12: what is said of a value's worth. Without a word it is good. */
const qualityGood = 192;

/**
 * The readings of metrics, one for each time; metrics without a meaning are passed over. History makes
 * registers and quantities at its own time: a status or a valve position is of the present, and what a
 * node remembers must not ring. A status that is set counts whatever the value's quality: a leak that is
 * heard badly is heard.
 */
export function telegramOf(metrics: readonly KnownMetric[], mapping: MetricMapping): Telegram {
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
  meaning: MetricMeaning,
  value: MetricValue,
  { status }: DecodedReading,
): Partial<DecodedReading> | null {
  const isGood = quality === null || quality === qualityGood;
  const flags = flagsOf(meaning, value);
  if (flags !== undefined) {
    const isSaid = flags !== null && !isHistorical && (isGood || flags !== 0);
    return isSaid ? { status: (status ?? 0) | flags } : null;
  }
  if (!isGood || (isHistorical && atMs === null)) return null;
  if (meaning.to === "valve") {
    return isHistorical ? null : { valve: positionOf(value, meaning.positions) };
  }
  return "unit" in meaning ? numberPart(meaning, value) : null;
}

interface NumberMeaning {
  readonly to: MetricQuantity;
  readonly unit: string;
  readonly exponent?: number;
}

/** Millilitres per hour and the like are whole numbers of their own unit. */
function numberPart(
  { to, unit, exponent: power = 0 }: NumberMeaning,
  value: MetricValue,
): Partial<DecodedReading> | null {
  const scale = scaleOf(to, unit);
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

/** Undefined: not a unit of this quantity, so its values are no numbers of ours. */
function scaleOf(to: MetricQuantity, unit: string): Scale | undefined {
  const units: Readonly<Record<string, Scale>> = metricUnits[to];
  return Object.hasOwn(units, unit) ? units[unit] : undefined;
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
function flagsOf(meaning: MetricMeaning, value: MetricValue): StatusFlags | null | undefined {
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
