/** Values with scaler and unit, in the units of the house. */
import type { VolumeRegister } from "#domain/telegram.ts";
import { volumeFromCount } from "#domain/units.ts";
import { scaleDecimal, type Decimal } from "#protocols/codec/decimal.ts";
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

/** The value as a count and a power of ten; null when it is no number, or no plausible one. */
export function decimalOf({ value, scaler }: DlmsObject): Decimal | null {
  const exponent = scaler ?? 0;
  if (Math.abs(exponent) > scalerMax || typeof value.value !== "number") return null;
  if (Number.isSafeInteger(value.value)) return { count: value.value, exponent };
  return floatOf(value.value, exponent);
}

/** A floating-point value by its shortest digits, which are what the meter meant. */
function floatOf(value: number, exponent: number): Decimal | null {
  const [, whole = "", fraction = ""] = /^(-?\d+)\.(\d+)$/.exec(String(value)) ?? [];
  const count = Number(whole + fraction);
  if (whole === "" || !Number.isSafeInteger(count)) return null;
  return { count, exponent: exponent - fraction.length };
}

/** A volume register; null when the unit is no volume or the number is not exact. */
export function volumeOf(object: DlmsObject): VolumeRegister | null {
  const decimal = decimalOf(object);
  const shift = volumeShift(object.unit);
  if (decimal === null || shift === null) return null;
  const register = { count: decimal.count, exponent: decimal.exponent + shift };
  const ml = volumeFromCount(register.count, register.exponent);
  return ml === undefined ? null : { ml, ...register };
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
