/** What VIFEs add to a quantity: direction, conditions, limits, factors. EN 13757-3, clause 6.4.5. */

/** What one VIFE does to the value beside giving it another meaning. */
export type ModifierEffect =
  | { readonly kind: "none" }
  | { readonly kind: "multiply"; readonly exponent: number }
  | { readonly kind: "add"; readonly exponent: number }
  /** The value is not of the quantity but a time of, a duration in seconds of, or how often. */
  | { readonly kind: "timeOf" }
  | { readonly kind: "durationOf"; readonly factor: number }
  | { readonly kind: "countOf" }
  /** Binary data are read in another way than the quantity has by itself. */
  | { readonly kind: "codedAs"; readonly coding: "unsigned" | "bits" }
  /** The meter says why there is no value. */
  | { readonly kind: "recordError" };

export interface Modifier {
  readonly name: string;
  readonly effect: ModifierEffect;
}

const none: ModifierEffect = { kind: "none" };
const error: ModifierEffect = { kind: "recordError" };
const time: ModifierEffect = { kind: "timeOf" };
const secondsOf = [1, 60, 3_600, 86_400];

const errors: Readonly<Record<number, string>> = {
  0x01: "too many DIFEs",
  0x02: "storage number not implemented",
  0x03: "unit number not implemented",
  0x04: "tariff number not implemented",
  0x05: "function not implemented",
  0x06: "data class not implemented",
  0x07: "data size not implemented",
  0x0b: "too many VIFEs",
  0x0c: "illegal VIF group",
  0x0d: "illegal VIF exponent",
  0x0e: "VIF and DIF do not match",
  0x0f: "action not implemented",
  0x15: "no data available",
  0x16: "data overflow",
  0x17: "data underflow",
  0x18: "data error",
  0x1c: "premature end of record",
};

/** The meter says that nothing is wrong with the value. */
const noError = "no error";

const names: Readonly<Record<number, string>> = {
  0x00: noError,
  0x12: "average",
  0x13: "inverse compact profile",
  0x14: "relative deviation",
  0x1d: "standard conform data content",
  0x1e: "compact profile with register numbers",
  0x1f: "compact profile",
  0x20: "per second",
  0x21: "per minute",
  0x22: "per hour",
  0x23: "per day",
  0x24: "per week",
  0x25: "per month",
  0x26: "per year",
  0x27: "per revolution",
  0x28: "increment per input pulse, channel 0",
  0x29: "increment per input pulse, channel 1",
  0x2a: "increment per output pulse, channel 0",
  0x2b: "increment per output pulse, channel 1",
  0x2c: "per litre",
  0x2d: "per m³",
  0x2e: "per kg",
  0x2f: "per K",
  0x30: "per kWh",
  0x31: "per GJ",
  0x32: "per kW",
  0x33: "per K·l",
  0x34: "per V",
  0x35: "per A",
  0x36: "multiplied by s",
  0x37: "multiplied by s/V",
  0x38: "multiplied by s/A",
  0x3a: "uncorrected",
  0x3b: "only positive contributions",
  0x3c: "only negative contributions",
  0x3d: "non-metric units",
  0x3e: "at base conditions",
  0x3f: "OBIS declaration",
  0x40: "lower limit",
  0x48: "upper limit",
  0x68: "value during lower limit exceeded",
  0x69: "leakage",
  0x6c: "value during upper limit exceeded",
  0x6d: "overflow",
  0x7e: "future value",
};

/** VIFE 7C and its own table. */
export const extensionVife = 0x7c;
/** VIFE 7F: the rest of the block is the manufacturer's. */
export const manufacturerVife = 0x7f;

const extensions: Readonly<Record<number, string>> = {
  0x01: "phase L1",
  0x02: "phase L2",
  0x03: "phase L3",
  0x04: "neutral",
  0x05: "L1 to L2",
  0x06: "L2 to L3",
  0x07: "L3 to L1",
  0x08: "quadrant 1",
  0x09: "quadrant 2",
  0x0a: "quadrant 3",
  0x0b: "quadrant 4",
  0x0c: "import less export",
  0x10: "accumulation of absolute value",
  0x14: "towards the meter",
  0x15: "from the meter",
};

/** A VIFE behind which binary data are of another type than the quantity has by itself. */
const codings: Readonly<Record<number, Modifier>> = {
  0x11: { name: "data of type C", effect: { kind: "codedAs", coding: "unsigned" } },
  0x12: { name: "data of type D", effect: { kind: "codedAs", coding: "bits" } },
};

/** A VIFE of the common table, bits 6 to 0. */
export function modifierOf(code: number): Modifier {
  const problem = errors[code];
  if (problem !== undefined) return { name: problem, effect: error };
  const name = names[code];
  if (name !== undefined) return { name, effect: none };
  return limitModifier(code) ?? arithmeticModifier(code) ?? unknownModifier(code);
}

/** A VIFE of the table behind 7C. */
export function extensionModifier(code: number): Modifier {
  const name = extensions[code] ?? `unknown VIFE 7C ${hexByte(code)}`;
  return codings[code] ?? { name, effect: none };
}

function unknownModifier(code: number): Modifier {
  return { name: `unknown VIFE ${hexByte(code)}`, effect: none };
}

/** Exceeded limits, their dates and their durations: bits choose limit, first or last, begin or end. */
function limitModifier(code: number): Modifier | undefined {
  const isUpper = (code & 0x08) !== 0;
  const limit = `${isUpper ? "upper" : "lower"} limit exceeded`;
  const which = (code & 0x04) === 0 ? "first" : "last";
  const edge = (code & 0x01) === 0 ? "begin" : "end";
  const factor = secondsOf[code & 0x03] ?? 1;
  if (code === 0x39) return { name: "start of", effect: time };
  if ((code & 0x77) === 0x41) return { name: `times ${limit}`, effect: { kind: "countOf" } };
  if ((code & 0x72) === 0x42) return { name: `${edge} of ${which} ${limit}`, effect: time };
  if ((code & 0x70) === 0x50) {
    return { name: `duration of ${which} ${limit}`, effect: { kind: "durationOf", factor } };
  }
  if ((code & 0x78) === 0x60) {
    return { name: `duration of ${which}`, effect: { kind: "durationOf", factor } };
  }
  if ((code & 0x7a) === 0x6a) return { name: `${edge} of ${which}`, effect: time };
  return undefined;
}

function arithmeticModifier(code: number): Modifier | undefined {
  if ((code & 0x78) === 0x70) {
    const exponent = (code & 0x07) - 6;
    return { name: `multiplied by 10^${exponent}`, effect: { kind: "multiply", exponent } };
  }
  if ((code & 0x7c) === 0x78) {
    const exponent = (code & 0x03) - 3;
    return { name: `10^${exponent} added`, effect: { kind: "add", exponent } };
  }
  if (code === 0x7d) {
    return { name: "multiplied by 1000", effect: { kind: "multiply", exponent: 3 } };
  }
  return undefined;
}

/** What modifiers say of a value beyond factors, which are in it already, and that it is without error. */
export function meaningful(modifiers: readonly string[]): readonly string[] {
  return modifiers.filter((one) => one !== noError && !one.startsWith("multiplied by 1"));
}

export function hexByte(value: number): string {
  return `${value.toString(16).toUpperCase().padStart(2, "0")}H`;
}
