/** What the named metrics of a gateway mean for a meter, as data: names and units are each integrator's own. */
import type { StatusName } from "./status.ts";
import type { ValvePosition } from "./telegram.ts";

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
export type EdgeQuantity = keyof typeof metricUnits;
export const metricQuantities = Object.keys(metricUnits) as readonly EdgeQuantity[];

/** The scale of a unit; undefined: not a unit of this quantity. */
export function metricScale(to: EdgeQuantity, unit: string): Scale | undefined {
  const units: Readonly<Record<string, Scale>> = metricUnits[to];
  return Object.hasOwn(units, unit) ? units[unit] : undefined;
}

/** What one metric means; plain data, as a profile writes it. */
export type EdgeMeaning =
  | {
      readonly to: EdgeQuantity;
      /** One of `metricUnits`. */
      readonly unit: string;
      /** The metric counts in `10^exponent` of its unit: pulses of ten litres are l and 1. */
      readonly exponent?: number | undefined;
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

/** Kinds of value that an order may write. */
export const writtenTypes = [
  "Boolean",
  "Int8",
  "Int16",
  "Int32",
  "UInt8",
  "UInt16",
  "UInt32",
  "String",
  "Text",
] as const;
type WrittenType = (typeof writtenTypes)[number];

/** A metric and the value that closes the valve when it is written. */
export interface EdgeClose {
  readonly metric: string;
  readonly dataType: WrittenType;
  readonly value: number | boolean | string;
}

/** What the metrics of a meter mean, by their names, and how its valve is closed. */
export interface EdgeTable {
  readonly metrics: Readonly<Record<string, EdgeMeaning>>;
  readonly close: EdgeClose | null;
}

/** Whole numbers that fit each type. */
const integerRanges: Partial<Record<WrittenType, readonly [least: number, most: number]>> = {
  Int8: [-128, 127],
  Int16: [-32_768, 32_767],
  Int32: [-2_147_483_648, 2_147_483_647],
  UInt8: [0, 255],
  UInt16: [0, 65_535],
  UInt32: [0, 4_294_967_295],
};

const openWords = /open|release|unlock|unshut|permit|restore|reconnect|开|恢复/i;
const closeWords = /clos|shut|关|切断/i;

/** Why writing this could move a valve the wrong way, or could not be written; null: it closes. */
export function closeMetricFault(
  { metric, dataType, value }: EdgeClose,
  metrics: Readonly<Record<string, EdgeMeaning>>,
): string | null {
  if (!fits(dataType, value)) return `the value is no ${dataType}`;
  const meaning = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
  if (meaning !== undefined) {
    const text = String(value);
    const isClosed = meaning.to === "valve" && Object.hasOwn(meaning.positions, text);
    // What the table reads from it must be the closed position, whatever the names say.
    return isClosed && meaning.positions[text] === "closed"
      ? null
      : "this metric is read, and the value is not its closed position";
  }
  if (typeof value === "string" && openWords.test(value)) return "the value is a word for opening";
  const isOff = value === false || value === 0;
  if (openWords.test(metric) && !(isOff && !closeWords.test(metric))) {
    return "the metric is named for opening";
  }
  return isOff && closeWords.test(metric) ? "a close that is off may open" : null;
}

function fits(dataType: WrittenType, value: EdgeClose["value"]): boolean {
  if (dataType === "Boolean") return typeof value === "boolean";
  if (dataType === "String" || dataType === "Text") return typeof value === "string";
  const [least, most] = integerRanges[dataType] ?? [0, -1];
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}
