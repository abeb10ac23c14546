/** A batch as bytes: every value comes back, whatever its width, and no bytes whatever do harm. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { HotBatchCodec } from "#readings/hotBatch.ts";
import { RowTable } from "#readings/rowTable.ts";
import { readingSchema } from "#readings/schema.ts";
import { rowsOf, tableOf, type ReadingValues } from "../../support/readingRows.ts";

const codec = new HotBatchCodec();
const value = (most: number) => fc.option(fc.integer({ min: 0, max: most }), { freq: 6 });
const batch = fc.array(
  fc.record({
    meterNo: fc.integer({ min: 1, max: 67_108_863 }),
    measuredAtMs: fc.integer({ min: 1_790_000_000_000, max: 1_790_000_000_000 + 2 ** 33 }),
    // A byte with and without room for the mark of a missing value, two bytes, four, and doubles.
    indexMl: fc.option(fc.maxSafeInteger().map((integer) => integer + 0)),
    flowMlPerHour: value(255),
    temperatureCentiC: value(254),
    pressurePa: value(65_535),
    batteryMv: value(2 ** 32 - 1),
    valve: fc.constant(1),
  }),
  { minLength: 1, maxLength: 60 },
);

function present(rows: readonly ReadingValues[]): readonly ReadingValues[] {
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, entry]) => entry !== null)),
  );
}

property.prop([batch, batch])("batches come back one behind the other", (one, other) => {
  const table = new RowTable(readingSchema.columns.length, 1);
  expect(codec.append(7, codec.encode(7, tableOf(one)), table)).toBeUndefined();
  expect(codec.append(8, codec.encode(8, tableOf(other)), table)).toBeUndefined();
  expect(rowsOf(table).map((row) => ({ ...row }))).toEqual(present([...one, ...other]));
});

property.prop([batch, fc.nat(), fc.integer({ min: 1, max: 255 })])(
  "a truncation or a changed byte under a right checksum is a fault or a batch, and the table stays whole",
  (rows, place, change) => {
    const whole = codec.encode(7, tableOf(rows));
    const changed = whole.slice();
    const at = place % (changed.length - 4);
    changed[at] = (changed[at] ?? 0) ^ change;
    for (const bytes of [sealed(changed), sealed(whole.slice(0, 4 + at))]) {
      const table = tableOf([{ meterNo: 3, measuredAtMs: 4 }]);
      const fault = codec.append(7, bytes, table);
      if (fault !== undefined) expect(rowsOf(table)).toEqual([{ meterNo: 3, measuredAtMs: 4 }]);
    }
  },
);

function sealed(bytes: Uint8Array): Uint8Array {
  const crcAt = bytes.length - 4;
  new DataView(bytes.buffer).setUint32(crcAt, crc32(bytes.subarray(0, crcAt)), true);
  return bytes;
}

test("a value that is no integer is our own mistake", () => {
  expect(() => codec.encode(1, tableOf([{ meterNo: 1, measuredAtMs: 1.5 }]))).toThrow(
    "measuredAtMs is a safe integer or missing",
  );
});
