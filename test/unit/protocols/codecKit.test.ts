/** The codec kit: one table both ways, and faults that name field and byte. */
import { describe, expect, test } from "vitest";
import { instantOf, believableInstant, calendarOf } from "#protocols/codec/calendar.ts";
import {
  bcdBe,
  bcdCountLe,
  bcdLe,
  fixed,
  hex,
  i16be,
  oneOf,
  optional,
  times,
  u16be,
  u16le,
  u8,
} from "#protocols/codec/field.ts";
import { layout, sum8 } from "#protocols/codec/layout.ts";
import type { FieldTrace } from "#protocols/contract.ts";
import { bytesOfHex } from "./cards.ts";

const sample = layout("sample.header", {
  start: fixed(0x68),
  identification: bcdLe(4),
  serial: bcdBe(2),
  version: u8,
  low: u16le,
  high: u16be,
  temperature: i16be("°C"),
  medium: oneOf({ 0x03: "gas", 0x07: "water" }),
  count: optional(bcdCountLe(3)),
  rest: hex(2),
  list: times(2, u8),
});
const wire = "68 78563412 0815 2a 0102 0102 fffe 03 563412 beef 0709".replaceAll(" ", "");
const values = {
  start: 0x68,
  identification: "12345678",
  serial: "0815",
  version: 42,
  low: 0x0201,
  high: 0x0102,
  temperature: -2,
  medium: "gas",
  count: 123_456,
  rest: "beef",
  list: [7, 9],
} as const;

test("one table decodes and encodes", () => {
  expect(sample.sizeBytes).toBe(wire.length / 2);
  expect(sample.decode(bytesOfHex(wire), 0, null)).toEqual({ ok: true, value: values });
  expect(sample.encode(values)).toEqual(bytesOfHex(wire));
});

test("and explains: each field with its bytes, without a gap", () => {
  const trace: FieldTrace[] = [];
  sample.decode(bytesOfHex(`ffff${wire}`), 2, trace);
  expect(trace.map(({ name }) => name)).toEqual(Object.keys(values));
  expect(trace.at(-1)?.to).toBe(2 + sample.sizeBytes);
  for (const [i, { to }] of trace.entries()) expect(trace[i + 1]?.from ?? to).toBe(to);
  expect(trace.find(({ name }) => name === "temperature")).toMatchObject({
    value: "-2",
    unit: "°C",
  });
});

describe("faults", () => {
  test.each([
    ["unexpectedValue", "sample.header.start", 0, 0x67],
    ["notBcd", "sample.header.identification", 1, 0x7a],
    ["notBcd", "sample.header.serial", 5, 0xa0],
    ["unexpectedValue", "sample.header.medium", 14, 0x04],
  ] as const)("%s: %s", (kind, field, atByte, byte) => {
    const bytes = bytesOfHex(wire);
    bytes[atByte] = byte;
    expect(sample.decode(bytes, 0, null)).toEqual({ ok: false, fault: { kind, field, atByte } });
  });

  test("too few bytes say how many are needed, and what came before is explained", () => {
    const trace: FieldTrace[] = [];
    const fault = { kind: "truncated", neededBytes: sample.sizeBytes, availableBytes: 6 };
    expect(sample.decode(bytesOfHex(wire).slice(0, 6), 0, trace)).toEqual({ ok: false, fault });
    expect(trace.map(({ name }) => name)).toEqual(["start", "identification"]);
  });
});

test("digits that are none are missing, never 0, where a field may be missing", () => {
  const field = optional(bcdCountLe(2));
  for (const bytes of ["ffff", "001a", "a000"]) expect(field.read(bytesOfHex(bytes), 0)).toBeNull();
  expect(field.read(bytesOfHex("0000"), 0)).toBe(0);
  const written = new Uint8Array(2);
  field.write(written, 0, null);
  expect(written).toEqual(bytesOfHex("ffff"));
});

test("a value that does not fit its bytes is our mistake", () => {
  expect(() => sample.encode({ ...values, version: 256 })).toThrow("fits");
  expect(() => sample.encode({ ...values, count: 1_000_000 })).toThrow("fits");
  expect(() => sample.encode({ ...values, list: [1] })).toThrow("length");
});

test("sum-8 wraps at 256", () => {
  expect(sum8(Uint8Array.of(0xff, 0x02, 0x10), 0, 2)).toBe(1);
});

describe("calendar", () => {
  test("agrees with the calendar of the language on every day of 40 years", () => {
    for (let day = 0; day < 14_610; day += 1) {
      const atMs = Date.UTC(2020, 0, 1 + day, 23, 59, 59);
      expect(instantOf(calendarOf(atMs))).toBe(atMs);
    }
  });

  test("2100 is no leap year; 2106 is no year", () => {
    const noon = { hour: 12, minute: 0, second: 0 };
    expect(instantOf({ year: 2100, month: 2, day: 29, ...noon })).toBeUndefined();
    expect(instantOf({ year: 2000, month: 2, day: 29, ...noon })).toBe(Date.UTC(2000, 1, 29, 12));
    expect(instantOf({ year: 2106, month: 1, day: 1, ...noon })).toBeUndefined();
    expect(believableInstant(Date.UTC(2106, 0, 1))).toBeUndefined();
    expect(believableInstant(-1)).toBeUndefined();
  });
});
