/** Quantities of CJ/T 188 as fields: registers with their unit code, flow, and the clock. */
import { formatInstant, hourMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import { calendarOf, instantOf } from "#protocols/codec/calendar.ts";
import { printDecimal, type Decimal } from "#protocols/codec/decimal.ts";
import { bcdCountLe, optional, u8, type Field } from "#protocols/codec/field.ts";

/** A count of eight digits and the code of its unit. `count` is null where the digits are none. */
export interface UnitCount {
  readonly count: number | null;
  readonly unit: number;
}

/**
 * Weight of the last digit as a power of ten of a cubic metre, by unit code. The tables name the unit
 * of a value with two implied decimals: 2CH is m³, so its last digit is 0.01 m³.
 * @see CJ/T 188-2004 unit table; the reference's section 1.6
 */
const volumeExponents: Readonly<Record<number, number>> = {
  0x29: -5,
  0x2a: -4,
  0x2b: -3,
  0x2c: -2,
  0x2d: -1,
  0x2e: 0,
};

/** The same for flow in m³/h: the table of the NB-IoT document, the only frame with a flow. */
const flowExponents: Readonly<Record<number, number>> = {
  0x32: -7,
  0x33: -6,
  0x34: -5,
  0x35: -4,
  0x36: -3,
  0x37: -2,
};

/** A frame without unit bytes counts in 0.01 m³: "XXXXXX.XX". */
export const unitOfShortFrame = 0x2c;
const registerDigits = 8;

/** The weight of the last digit of a register; undefined: not a unit of volume. */
export function volumeExponent(unit: number): number | undefined {
  return volumeExponents[unit];
}

/** The weight of the last digit of a flow; undefined: not a unit of flow. */
export function flowExponent(unit: number): number | undefined {
  return flowExponents[unit];
}

/** A register as a meter of this protocol shows it; it goes round after eight digits. */
export function unitCountOf({ count, exponent }: Decimal): UnitCount | undefined {
  const code = Object.entries(volumeExponents).find(([, weight]) => weight === exponent)?.[0];
  return code === undefined ? undefined : { count: roundRegister(count), unit: Number(code) };
}

/** A flow in the finest unit that holds it. */
export function flowCountOf(flowMlPerHour: number | null): UnitCount {
  for (const [code, exponent] of Object.entries(flowExponents)) {
    const count = Math.round((flowMlPerHour ?? 0) / 10 ** (exponent + 6));
    if (count < 10 ** registerDigits) return { count, unit: Number(code) };
  }
  return { count: null, unit: 0x37 };
}

/** The register after it went round. */
export function roundRegister(count: number): number {
  return count % 10 ** registerDigits;
}

/** A register whose digits must be digits. */
export function register(unitAt: "before" | "after"): Field<UnitCount> {
  const volume = unitCount(unitAt, "m³", volumeExponents);
  const isRead = (value: UnitCount | undefined) => value !== undefined && value.count !== null;
  return {
    ...volume,
    read(bytes, at) {
      const value = volume.read(bytes, at);
      return isRead(value) ? value : undefined;
    },
  };
}

/** A register that may be missing: before calibration, or because the meter has none. */
export function optionalRegister(unitAt: "before" | "after"): Field<UnitCount> {
  return unitCount(unitAt, "m³", volumeExponents);
}

/** A flow, unit first. */
export const flow = unitCount("before", "m³/h", flowExponents);

function unitCount(
  unitAt: "before" | "after",
  quantity: string,
  exponents: Readonly<Record<number, number>>,
): Field<UnitCount> {
  const digits = optional(bcdCountLe(registerDigits / 2));
  const unitOffset = unitAt === "before" ? 0 : digits.sizeBytes;
  const digitsOffset = unitAt === "before" ? 1 : 0;
  return {
    sizeBytes: digits.sizeBytes + 1,
    read(bytes, at) {
      const count = digits.read(bytes, at + digitsOffset) ?? null;
      return { count, unit: bytes[at + unitOffset] ?? 0 };
    },
    write(bytes, at, { count, unit }) {
      u8.write(bytes, at + unitOffset, unit);
      digits.write(bytes, at + digitsOffset, count);
    },
    print({ count, unit }) {
      const exponent = exponents[unit];
      return count === null ? "missing" : printDecimal({ count, exponent: exponent ?? 0 });
    },
    unitOf({ unit }) {
      const isKnown = exponents[unit] !== undefined;
      return isKnown ? quantity : `unit code ${unit.toString(16).toUpperCase()}H`;
    },
    refusedAs: "notBcd",
  };
}

/** Clocks are local time of China: eight hours east, no summer time. */
export const localOffsetMs = 8 * hourMs;

const clockDigits = bcdCountLe(1);

/** ss mm hh DD MM YY CC in BCD. A clock that was never set, or no date, is null. */
export const clock: Field<TimestampMs | null> = {
  sizeBytes: 7,
  read(bytes, at) {
    const parts = [0, 1, 2, 3, 4, 5, 6].map((i) => clockDigits.read(bytes, at + i));
    const [second = -1, minute = -1, hour = -1, day = -1, month = -1, year = -1, century = -1] =
      parts;
    if (parts.includes(undefined)) return null;
    const local = instantOf({ year: century * 100 + year, month, day, hour, minute, second });
    return local === undefined ? null : timestampMs(local - localOffsetMs);
  },
  write(bytes, at, value) {
    if (value === null) return;
    const { year, month, day, hour, minute, second } = calendarOf(value, localOffsetMs);
    const parts = [second, minute, hour, day, month, year % 100, Math.trunc(year / 100)];
    for (const [i, part] of parts.entries()) clockDigits.write(bytes, at + i, part);
  },
  print: (value) => (value === null ? "no date" : formatInstant(value)),
  unitOf: () => null,
  refusedAs: "unexpectedValue",
};
