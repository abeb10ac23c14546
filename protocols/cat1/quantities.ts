/** Quantities of CAT-1 as fields: all high byte first, and a clock without century or zone. */
import { invariant } from "#domain/invariant.ts";
import { formatInstant, hourMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import { calendarOf, instantOf } from "#protocols/codec/calendar.ts";
import { bcdCountLe, hex, u16be, u8, type Field } from "#protocols/codec/field.ts";

const neverCounted = 0xffff_ffff;

/** Litres in four bytes; all FF is a register that was never set. */
export const litres: Field<number | null> = {
  sizeBytes: 4,
  read(bytes, at) {
    const value = u16be.read(bytes, at) ?? 0;
    const count = value * 0x1_0000 + (u16be.read(bytes, at + 2) ?? 0);
    return count === neverCounted ? null : count;
  },
  write(bytes, at, value) {
    const count = value ?? neverCounted;
    invariant(count >= 0 && count <= neverCounted, "litres fit four bytes");
    u16be.write(bytes, at, Math.floor(count / 0x1_0000));
    u16be.write(bytes, at + 2, count % 0x1_0000);
  },
  print: (value) => (value === null ? "missing" : String(value)),
  unitOf: () => "L",
  refusedAs: "unexpectedValue",
};

/** One byte, two's complement. */
export function i8(unit: string): Field<number> {
  return {
    ...u8,
    read(bytes, at) {
      const byte = bytes[at] ?? 0;
      return byte > 0x7f ? byte - 0x100 : byte;
    },
    write: (bytes, at, value) => u8.write(bytes, at, value & 0xff),
    unitOf: () => unit,
  };
}

/** Two bytes with their unit. */
export function count(unit: string): Field<number> {
  return { ...u16be, unitOf: () => unit };
}

/** Meters leave the factory with the clock of China: eight hours east, no summer time. */
export const localOffsetMs = 8 * hourMs;

const century = 2000;
const clockDigits = bcdCountLe(1);

/** YY MM DD hh mm ss in BCD. A clock that was never set, or no date, is null. */
export const clock: Field<TimestampMs | null> = {
  sizeBytes: 6,
  read(bytes, at) {
    const parts = [0, 1, 2, 3, 4, 5].map((i) => clockDigits.read(bytes, at + i));
    if (parts.includes(undefined)) return null;
    const [year = -1, month = -1, day = -1, hour = -1, minute = -1, second = -1] = parts;
    const local = instantOf({ year: century + year, month, day, hour, minute, second });
    return local === undefined ? null : timestampMs(local - localOffsetMs);
  },
  write(bytes, at, value) {
    if (value === null) return;
    const { year, month, day, hour, minute, second } = calendarOf(value, localOffsetMs);
    const parts = [year - century, month, day, hour, minute, second];
    for (const [i, part] of parts.entries()) clockDigits.write(bytes, at + i, part);
  },
  print: (value) => (value === null ? "no date" : formatInstant(value)),
  unitOf: () => null,
  refusedAs: "unexpectedValue",
};

/** Litres of the last digit that moves, by the low bits of the table type. */
const resolutions = [1, 10, 100, 1_000] as const;
const payments = ["prepaid", "prepaid in steps", "postpaid", "heating valve"] as const;

/** How this meter counts, out of its table type code. */
export function tableTypeOf(value: number) {
  return {
    resolutionLitres: resolutions[value & 3] ?? 1,
    valve: (value & 4) === 0 ? "stops at its end" : "has end switches",
    payment: payments[(value >> 4) & 3] ?? "prepaid",
  } as const;
}

/** D1 D0 resolution, D2 valve, D5 D4 payment. A coarse register stands still between its steps. */
export const tableType: Field<number> = {
  ...u16be,
  print(value) {
    const { resolutionLitres, valve, payment } = tableTypeOf(value);
    const digits = value.toString(16).toUpperCase().padStart(4, "0");
    return `${digits}H ${payment}, counts by ${resolutionLitres} L, valve ${valve}`;
  },
};

const everySoOften = 0xc0;
const schedules: Readonly<Record<number, string>> = {
  0xc1: "days",
  0xc2: "hours",
  0xc3: "minutes",
};
const unusedPlace = 0xff;

/** The minutes between two reports; undefined: the meter reports by another plan. */
export function reportIntervalMinutes(mode: string): number | undefined {
  const bytes = Buffer.from(mode, "hex");
  return bytes[0] === everySoOften ? bytes.readUInt16BE(1) : undefined;
}

/** C0 and minutes between reports, or C1 days, C2 hours, C3 minutes at which to report. */
export const reportingMode: Field<string> = {
  ...hex(6),
  print(value) {
    const every = reportIntervalMinutes(value);
    if (every !== undefined) return `every ${every} minutes`;
    const [plan = 0, ...places] = Buffer.from(value, "hex");
    const name = schedules[plan];
    const used = places.filter((place) => place !== unusedPlace).join(" ");
    return name === undefined ? value.toUpperCase() : `${name} ${used}`.trimEnd();
  },
};
