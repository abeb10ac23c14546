/** Values with scaler and unit, in the units of the house. */
import type { VolumeRegister } from "#domain/telegram.ts";
import { scaleDecimal, type Decimal } from "#protocols/codec/decimal.ts";
import {
  exactFromFloat,
  exactFromInteger,
  registerOf,
  type ExactDecimal,
} from "#protocols/codec/exactNumber.ts";
import type { DlmsObject } from "./objects.ts";

/** Units of COSEM that a gas meter uses. @see IEC 62056-6-2, enumerated values for units */
export const units = {
  kelvin: 8,
  celsius: 9,
  cubicMetres: 13,
  correctedCubicMetres: 14,
  cubicMetresPerHour: 15,
  correctedCubicMetresPerHour: 16,
  cubicMetresPerDay: 17,
  correctedCubicMetresPerDay: 18,
  litres: 19,
  volts: 35,
  percent: 56,
  decibelMilliwatts: 70,
} as const;

/** Units as people write them. */
export const unitNames: Readonly<Record<number, string>> = {
  8: "K",
  9: "°C",
  13: "m³",
  14: "m³ (corrected)",
  15: "m³/h",
  16: "m³/h (corrected)",
  17: "m³/d",
  18: "m³/d (corrected)",
  19: "l",
  20: "kg",
  23: "Pa",
  24: "bar",
  25: "J",
  27: "W",
  28: "VA",
  29: "var",
  30: "Wh",
  31: "VAh",
  32: "varh",
  33: "A",
  35: "V",
  56: "%",
  70: "dBm",
};

/** Powers of ten beyond these are no register. */
const scalerMax = 12;

/** The value as it is, of a float the digits that were meant; null when it is no number, or no plausible one. */
function exactOf({ value: { type, value }, scaler }: DlmsObject): ExactDecimal | null {
  const power = scaler ?? 0;
  if (Math.abs(power) > scalerMax) return null;
  if (typeof value === "bigint") return { coefficient: value, exponent: power };
  if (typeof value !== "number") return null;
  const number = isFloat(type)
    ? exactFromFloat(value, type === "float32" ? 4 : 8)
    : exactFromInteger(BigInt(value));
  if (number === undefined) return null;
  const { coefficient, exponent } = number.decimal;
  return { coefficient, exponent: exponent + power };
}

function isFloat(type: string): boolean {
  return type === "float32" || type === "float64";
}

/** The value as a count and a power of ten; null when it is no number, or none that is safe to count with. */
export function decimalOf(object: DlmsObject): Decimal | null {
  const exact = exactOf(object);
  const count = Number(exact?.coefficient);
  return exact === null || !Number.isSafeInteger(count)
    ? null
    : { count, exponent: exact.exponent };
}

/** A volume register; null when the unit is no volume, or there is no such register. */
export function volumeOf(object: DlmsObject): VolumeRegister | null {
  const exact = exactOf(object);
  const shift = volumeShift(object.unit);
  if (exact === null || shift === null) return null;
  const decimal = { ...exact, exponent: exact.exponent + shift };
  return registerOf(decimal) ?? null;
}

function volumeShift(unit: number | null): number | null {
  if (unit === units.litres) return -3;
  return unit === units.cubicMetres || unit === units.correctedCubicMetres ? 0 : null;
}

/** Millilitres an hour. */
export function flowOf(object: DlmsObject): number | null {
  const decimal = decimalOf(object);
  const ml = decimal === null ? undefined : scaleDecimal(decimal, 6);
  if (ml === undefined) return null;
  const { unit } = object;
  if (unit === units.cubicMetresPerHour || unit === units.correctedCubicMetresPerHour) return ml;
  const isPerDay = unit === units.cubicMetresPerDay || unit === units.correctedCubicMetresPerDay;
  return isPerDay ? Math.round(ml / hoursPerDay) : null;
}

const hoursPerDay = 24;
const kelvinOfZeroCelsius = 27_315;

/** Hundredths of a degree Celsius. */
export function temperatureOf(object: DlmsObject): number | null {
  const centi = scaledOf(object, [units.celsius, units.kelvin], 2);
  if (centi === null) return null;
  return object.unit === units.kelvin ? centi - kelvinOfZeroCelsius : centi;
}

/** The value in units of `10^-decimals`, when its unit is one of these. */
export function scaledOf(
  object: DlmsObject,
  wanted: readonly number[],
  decimals: number,
): number | null {
  if (object.unit === null || !wanted.includes(object.unit)) return null;
  const decimal = decimalOf(object);
  return decimal === null ? null : (scaleDecimal(decimal, decimals) ?? null);
}
