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

type Quantity = "volume" | "flow" | "energy" | "power";

/** What a count in some unit is: `count * 10^exponent` of `unit`. */
interface UnitCode {
  readonly quantity: Quantity;
  readonly unit: string;
  readonly exponent: number;
}

const of = (quantity: Quantity, unit: string, exponent: number): UnitCode => ({
  quantity,
  unit,
  exponent,
});

/**
 * Weight of the last digit by unit code. The tables name the unit of a value with two implied decimals
 * (flows: four): 2CH is m³, so its last digit is 0.01 m³; 29H is L, so its last digit is 0.01 L.
 * @see CJ/T 188-2004 unit table; for flows the NB-IoT document, 4.1 and 4.2
 */
const unitCodes: Readonly<Record<number, UnitCode>> = {
  0x01: of("energy", "J", -2),
  0x02: of("energy", "Wh", -2),
  0x03: of("energy", "Wh", -1),
  0x04: of("energy", "Wh", 0),
  0x05: of("energy", "kWh", -2),
  0x06: of("energy", "kWh", -1),
  0x07: of("energy", "kWh", 0),
  0x08: of("energy", "MWh", -2),
  0x09: of("energy", "MWh", -1),
  0x0a: of("energy", "MWh", 0),
  0x0b: of("energy", "kJ", -2),
  0x0c: of("energy", "kJ", -1),
  0x0d: of("energy", "kJ", 0),
  0x0e: of("energy", "MJ", -2),
  0x0f: of("energy", "MJ", -1),
  0x10: of("energy", "MJ", 0),
  0x11: of("energy", "GJ", -2),
  0x12: of("energy", "GJ", -1),
  0x13: of("energy", "GJ", 0),
  0x14: of("power", "W", -2),
  0x15: of("power", "W", -1),
  0x16: of("power", "W", 0),
  0x17: of("power", "kW", -2),
  0x18: of("power", "kW", -1),
  0x19: of("power", "kW", 0),
  0x1a: of("power", "MW", -2),
  0x1b: of("power", "MW", -1),
  0x1c: of("power", "MW", 0),
  0x29: of("volume", "m³", -5),
  0x2a: of("volume", "m³", -4),
  0x2b: of("volume", "m³", -3),
  0x2c: of("volume", "m³", -2),
  0x2d: of("volume", "m³", -1),
  0x2e: of("volume", "m³", 0),
  0x32: of("flow", "m³/h", -7),
  0x33: of("flow", "m³/h", -6),
  0x34: of("flow", "m³/h", -5),
  0x35: of("flow", "m³/h", -4),
  0x36: of("flow", "m³/h", -3),
  0x37: of("flow", "m³/h", -2),
};

/** A frame without unit bytes counts in 0.01 m³: "XXXXXX.XX". */
export const unitOfShortFrame = 0x2c;
const registerDigits = 8;

/** The weight of the last digit of a register in m³; undefined: not a unit of volume. */
export function volumeExponent(unit: number): number | undefined {
  return exponentOf(unit, "volume");
}

/** The weight of the last digit of a flow in m³/h; undefined: not a unit of flow. */
export function flowExponent(unit: number): number | undefined {
  return exponentOf(unit, "flow");
}

function exponentOf(unit: number, quantity: Quantity): number | undefined {
  const code = unitCodes[unit];
  return code?.quantity === quantity ? code.exponent : undefined;
}

/** The unit codes of a quantity, finest first. */
function codesOf(wanted: Quantity): readonly (readonly [code: number, exponent: number])[] {
  return Object.entries(unitCodes)
    .filter(([, { quantity }]) => quantity === wanted)
    .map(([code, { exponent }]) => [Number(code), exponent] as const);
}

/** A register as a meter of this protocol shows it; it goes round after eight digits. */
export function unitCountOf({ count, exponent }: Decimal): UnitCount | undefined {
  const unit = codesOf("volume").find(([, weight]) => weight === exponent)?.[0];
  return unit === undefined ? undefined : { count: roundRegister(count), unit };
}

/** A flow in the finest unit that holds it. */
export function flowCountOf(flowMlPerHour: number | null): UnitCount {
  for (const [unit, exponent] of codesOf("flow")) {
    const count = Math.round((flowMlPerHour ?? 0) / 10 ** (exponent + 6));
    if (count < 10 ** registerDigits) return { count, unit };
  }
  return { count: null, unit: 0x37 };
}

/** The register after it went round. */
export function roundRegister(count: number): number {
  return count % 10 ** registerDigits;
}

/** A register whose digits must be digits. */
export function register(unitAt: UnitAt): Field<UnitCount> {
  const volume = counted(unitAt, "volume");
  const isRead = (value: UnitCount | undefined) => value !== undefined && value.count !== null;
  return {
    ...volume,
    read(bytes, at) {
      const value = volume.read(bytes, at);
      return isRead(value) ? value : undefined;
    },
  };
}

type UnitAt = "before" | "after";

/**
 * Eight digits with their unit; they may be missing: before calibration, or because the meter has none.
 * A code of another quantity is printed as the code that it is.
 */
export function counted(unitAt: UnitAt, quantity: Quantity): Field<UnitCount> {
  const digits = optional(bcdCountLe(registerDigits / 2));
  const unitOffset = unitAt === "before" ? 0 : digits.sizeBytes;
  const digitsOffset = unitAt === "before" ? 1 : 0;
  const codeOf = (unit: number) => {
    const code = unitCodes[unit];
    return code?.quantity === quantity ? code : undefined;
  };
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
      const exponent = codeOf(unit)?.exponent ?? 0;
      return count === null ? "missing" : printDecimal({ count, exponent });
    },
    unitOf: ({ unit }) =>
      codeOf(unit)?.unit ?? `unit code ${unit.toString(16).toUpperCase().padStart(2, "0")}H`,
    refusedAs: "notBcd",
  };
}

/** Digits with implied decimals; missing where they are no digits. */
export function quantity(
  sizeBytes: number,
  decimals: number,
  unit: string | null,
): Field<number | null> {
  const digits = optional(bcdCountLe(sizeBytes));
  return {
    ...digits,
    print: (count) => (count === null ? "missing" : printDecimal({ count, exponent: -decimals })),
    unitOf: () => unit,
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
