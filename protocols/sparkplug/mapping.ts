/** From metrics to readings by a table of a meter's model: names and units are each integrator's own. */
import { statusBits, type StatusFlags, type StatusName } from "#domain/status.ts";
import {
  emptyReading,
  type DecodedReading,
  type ValvePosition,
  type Telegram,
} from "#domain/telegram.ts";
import { registerOf, scaleExact } from "#protocols/codec/exactNumber.ts";
import type { MetricWrite } from "./downlink.ts";
import type { KnownMetric } from "./edgeNode.ts";
import type { MetricValue } from "./values.ts";

/** Numbers of a reading that are no register. */
type Quantity =
  "flowMlPerHour" | "temperatureCentiC" | "pressurePa" | "batteryMv" | "batteryPct" | "signalDbm";

/** What one metric means. `exponent`: one of the metric's units is `10^exponent` of the reading's. */
export type MetricMeaning =
  | { readonly to: "volumeM3" | Quantity; readonly exponent: number }
  /** By the metric's value as text; another value is unknown, never open. */
  | { readonly to: "valve"; readonly positions: Readonly<Record<string, ValvePosition>> }
  /** A truth, or a number that is not 0. */
  | { readonly to: "status"; readonly flag: StatusName }
  /** Bits from the lowest; null has no meaning for us. */
  | { readonly to: "statusBits"; readonly bits: readonly (StatusName | null)[] };

/** What the metrics of a meter mean, and how its valve is closed. */
export interface MetricMapping {
  readonly metrics: ReadonlyMap<string, MetricMeaning>;
  readonly close: MetricWrite | null;
}

/** Sparkplug B 3.0, 6.4.12: what is said of a value's worth. Without a word it is good. */
const qualityGood = 192;

/** The readings of metrics, one for each time; metrics without a meaning are passed over. */
export function telegramOf(metrics: readonly KnownMetric[], mapping: MetricMapping): Telegram {
  const byTime = new Map<number | null, DecodedReading>();
  for (const { name, value, atMs, quality } of metrics) {
    const meaning = mapping.metrics.get(name);
    const isWorthReading = quality === null || quality === qualityGood;
    if (meaning === undefined || value === null || !isWorthReading) continue;
    const reading = byTime.get(atMs) ?? { ...emptyReading, measuredAtMs: atMs };
    const part = meaningOf(meaning, value, reading);
    if (part !== null) byTime.set(atMs, { ...reading, ...part });
  }
  return { address: null, frameId: null, readings: [...byTime.values()], replies: [] };
}

/** The part of a reading that a value is; null when it says nothing of the kind. */
function meaningOf(
  meaning: MetricMeaning,
  value: MetricValue,
  { status }: DecodedReading,
): Partial<DecodedReading> | null {
  if (meaning.to === "valve") return { valve: positionOf(value, meaning.positions) };
  if (meaning.to !== "status" && meaning.to !== "statusBits") {
    return numberPart(meaning.to, meaning.exponent, value);
  }
  const flags =
    meaning.to === "status" ? flagOf(value, meaning.flag) : flagsOf(value, meaning.bits);
  return flags === null ? null : { status: (status ?? 0) | flags };
}

/** Millilitres per hour and the like are whole numbers of their own unit. */
function numberPart(
  to: "volumeM3" | Quantity,
  power: number,
  value: MetricValue,
): Partial<DecodedReading> | null {
  if (value.kind !== "number") return null;
  const { coefficient, exponent } = value.decimal;
  const decimal = { coefficient, exponent: exponent + power };
  if (to === "volumeM3") {
    const volume = registerOf(decimal);
    return volume === undefined ? null : { volume };
  }
  const count = scaleExact(decimal, 0);
  return count === undefined ? null : { [to]: count };
}

function positionOf(
  value: MetricValue,
  positions: Readonly<Record<string, ValvePosition>>,
): ValvePosition {
  const text = value.kind === "unread" ? "" : String(value.value);
  return Object.hasOwn(positions, text) ? (positions[text] ?? "unknown") : "unknown";
}

function flagOf(value: MetricValue, flag: StatusName): StatusFlags | null {
  if (value.kind === "boolean") return value.value ? statusBits[flag] : 0;
  if (value.kind !== "number") return null;
  return value.decimal.coefficient === 0n ? 0 : statusBits[flag];
}

function flagsOf(value: MetricValue, bits: readonly (StatusName | null)[]): StatusFlags | null {
  if (value.kind !== "number") return null;
  let flags = 0;
  for (const [bit, name] of bits.entries()) {
    const isSet = (value.decimal.coefficient & (1n << BigInt(bit))) !== 0n;
    if (name !== null && isSet) flags |= statusBits[name];
  }
  return flags;
}
