/** Columns of integers as bytes: everything comes back, and no bytes whatever do harm. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteWriter } from "#readings/byteWriter.ts";
import { ColumnCodec } from "#readings/columnCodec.ts";
import { ColumnRows } from "#readings/columnRows.ts";
import { form, noReference } from "#readings/columnForm.ts";
import type { Shape } from "#readings/residuals.ts";
import { Runs } from "#readings/runs.ts";

const codec = new ColumnCodec();
const shapes: readonly Shape[] = ["plain", "delta", "deltaOfDelta"];

/** A meter begins at the first row and wherever a mark is 1. */
function runsOf(marks: Uint8Array): Runs {
  const runs = new Runs();
  runs.clear();
  for (const [row, mark] of marks.entries()) if (mark === 1) runs.end(row);
  runs.end(marks.length);
  return runs;
}

function encoded(values: Float64Array, marks: Uint8Array, shape: Shape): Uint8Array {
  const writer = new ByteWriter();
  codec.encode(writer, values, runsOf(marks), values.length, { shape, ...noReference });
  return writer.written.slice();
}

function roundTrip(values: readonly (number | null)[], starts: readonly number[], shape: Shape) {
  const column = Float64Array.from(values, (value) => value ?? NaN);
  const marks = Uint8Array.from(values, (_value, row) => starts[row] ?? 0);
  const out = new Float64Array(column.length).fill(-1);
  const decoded = codec.decode(encoded(column, marks, shape), runsOf(marks), column.length, out);
  expect(decoded).toEqual({ ok: true, value: noReference });
  return Array.from(out, (value) => (Number.isNaN(value) ? null : value));
}

// A register never holds -0, and the codec gives 0 for it.
const int53 = fc.maxSafeInteger().map((value) => value + 0);
const values = fc.array(fc.option(int53, { freq: 4 }), { minLength: 1, maxLength: 300 });
const starts = fc.array(fc.nat({ max: 1 }), { maxLength: 300 });

property.prop([values, starts, fc.constantFrom(...shapes)])(
  "any integers of 53 bits come back, whatever is missing among them",
  (column, marks, shape) => {
    expect(roundTrip(column, marks, shape)).toEqual(column);
  },
);

property.prop([
  fc.array(fc.tuple(fc.nat({ max: 5_000 }), fc.boolean()), { minLength: 1, maxLength: 500 }),
  fc.constantFrom(1, 10, 1_000, 3_600_000),
  fc.constantFrom(...shapes),
])("registers that rise in steps of a quantum come back", (steps, quantum, shape) => {
  let index = 0;
  const column = steps.map(([step]) => (index += step * quantum));
  const marks = steps.map(([, isStart]) => (isStart ? 1 : 0));
  expect(roundTrip(column, marks, shape)).toEqual(column);
});

const min4 = Array<number>(4).fill(Number.MIN_SAFE_INTEGER);
const max4 = Array<number>(4).fill(Number.MAX_SAFE_INTEGER);

test.each([
  ["all missing", [null, null, null]],
  ["one value", [Number.MIN_SAFE_INTEGER]],
  ["both ends", [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0, Number.MAX_SAFE_INTEGER]],
  ["no change", [7, 7, 7, 7]],
  ["both ends, each for long", [...min4, ...max4, ...min4]],
  ["missing at both ends", [null, 1, 2, null]],
  ["missing in a long run", [...max4, ...max4, null, null, ...max4, ...max4]],
  ["missing where a meter begins", [null, 7, 5, 1, 6]],
])("%s", (_title, column) => {
  for (const shape of shapes) expect(roundTrip(column, [1], shape)).toEqual(column);
});

test.each([
  ["delta", 1],
  ["delta", -1],
  ["deltaOfDelta", 1],
] as const)("a sum that leaves the safe integers is a fault (%s, %s)", (shape, sign) => {
  const writer = new ByteWriter();
  writer.u8(shapes.indexOf(shape) << form.shapeShift);
  writer.integer(sign * (Number.MAX_SAFE_INTEGER - 2));
  // All residuals are the least, one quantum of 1; no byte for any of them.
  writer.integer(1);
  writer.integer(sign);
  writer.u8(0);
  const [fits, tooMany] = shape === "delta" ? [3, 4] : [2, 3];
  const decode = (rows: number) =>
    codec.decode(writer.written, runsOf(new Uint8Array(rows)), rows, new Float64Array(rows));
  expect(decode(fits).ok).toBe(true);
  expect(decode(tooMany)).toMatchObject({ ok: false, fault: { kind: "outOfRange" } });
});

test("a register's hour costs the bytes of its change in quanta", () => {
  // A day in whole litres, 137 l an hour: base 5 bytes, quantum 3, one residual of 2 bytes an hour.
  const column = Float64Array.from({ length: 24 }, (_none, hour) => 900_000_000 + hour * 137_000);
  column[23] = 900_000_000 + 22 * 137_000 + 1_000;
  const bytes = encoded(column, Uint8Array.of(1, ...Array<number>(23).fill(0)), "delta");
  expect(bytes.length).toBeLessThanOrEqual(1 + 5 + 3 + 22 * 2 + 1);
});

property.prop([fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 400 })])(
  "hostile bytes are a fault or a column, never a throw, also where some rows are read",
  (bytes, count) => {
    const out = new Float64Array(count);
    const decoded = codec.decode(bytes, runsOf(new Uint8Array(count)), count, out);
    const span = { from: count >> 2, to: count - (count >> 2) };
    const some = new Float64Array(count);
    const runs = runsOf(new Uint8Array(count));
    const rows = new ColumnRows();
    const opened = rows.open(bytes, runs, count);
    const fault = opened.ok ? rows.read(opened.value, span, { out: some, at: span.from }) : opened;
    if (decoded.ok) {
      expect(opened).toMatchObject({ value: { reference: decoded.value } });
      expect(fault).toBeUndefined();
      expect(some.subarray(span.from, span.to)).toEqual(out.subarray(span.from, span.to));
    }
    if (!decoded.ok) expect(decoded.fault.kind).not.toBe("");
    else
      for (const value of out)
        expect(Number.isNaN(value) || Number.isSafeInteger(value)).toBe(true);
  },
);

property.prop([values, fc.constantFrom(...shapes), fc.nat(), fc.integer({ min: 1, max: 255 })])(
  "every truncation is a fault; a changed byte is never a throw",
  (column, shape, place, change) => {
    const whole = encoded(
      Float64Array.from(column, (value) => value ?? NaN),
      new Uint8Array(column.length),
      shape,
    );
    const marks = runsOf(new Uint8Array(column.length));
    const out = new Float64Array(column.length);
    for (let length = 0; length < whole.length; length += 1) {
      expect(codec.decode(whole.subarray(0, length), marks, column.length, out).ok).toBe(false);
    }
    const changed = whole.slice();
    changed[place % changed.length] = (changed[place % changed.length] ?? 0) ^ change;
    codec.decode(changed, marks, column.length, out);
  },
);
