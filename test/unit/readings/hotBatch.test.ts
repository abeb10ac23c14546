/** A batch as bytes: every value comes back, whatever its width, and no bytes whatever do harm. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { batchRowsMax, HotBatchCodec } from "#readings/hotBatch.ts";
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

test.each([
  [1.5],
  [1.5, 2.5],
  [0, 1_000, 1_500.5, 3_000],
  // In a difference to the least of them the fraction is lost.
  [-(2 ** 31), 1e-10, 5],
  [0, 2 ** 40, 0.5],
  [2 ** 53],
  [-Infinity, 1],
])("a value that is no safe integer is our own mistake: %s, %s, %s", (...values) => {
  const rows = values.map((indexMl) => ({ meterNo: 1, indexMl }));
  expect(() => codec.encode(1, tableOf(rows))).toThrow("indexMl is a safe integer or missing");
});

/** What a column of whole litres, seconds or tenths holds, and one in which some values keep to nothing. */
const counted = fc
  .record({
    quantum: fc.constantFrom(1, 7, 10, 500, 1_000, 60_000),
    least: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
    codes: fc.oneof(
      ...[1, 254, 255, 256, 65_534, 65_535, 2 ** 24 - 2, 2 ** 24 - 1, 2 ** 31].map((max) =>
        fc.array(fc.option(fc.oneof(fc.integer({ min: 0, max }), fc.constant(max)), { freq: 9 }), {
          minLength: 1,
          maxLength: 120,
        }),
      ),
    ),
    odd: fc.option(fc.nat(200)),
  })
  .map(({ quantum, least, codes, odd }) =>
    codes.map((code, at) => (code === null ? null : least + code * quantum + (at === odd ? 1 : 0))),
  );

property.prop([counted])("whatever its values are counted in, a column comes back", (values) => {
  const rows = values.map((indexMl, at) => ({ meterNo: at + 1, measuredAtMs: 5, indexMl }));
  const decoded = codec.decode(7, codec.encode(7, tableOf(rows)));
  expect(decoded.ok && rowsOf(decoded.value)).toEqual(present(rows));
});

/** A clock's time beside that of the reading: the same, always as far off, or another or none in one row. */
const followed = fc.record({
  values: counted.filter((values) => values.some((value) => value !== null)),
  apart: fc.constantFrom(0, 1_000, 7),
  at: fc.nat(150),
  there: fc.constantFrom("same", "another", "missing"),
});

property.prop([followed, fc.nat()])(
  "a column that has the codes of another comes back, and damage to the two does no harm",
  ({ values, apart, at: oddAt, there }, place) => {
    const rows = values.map((measuredAtMs, at) => {
      const isOdd = at === oddAt && there !== "same";
      const odd = there === "another" && measuredAtMs !== null ? measuredAtMs + 1 : null;
      const same = measuredAtMs === null ? null : measuredAtMs + apart;
      return { meterNo: 1, measuredAtMs, deviceAtMs: isOdd ? odd : same };
    });
    const bytes = codec.encode(7, tableOf(rows));
    const decoded = codec.decode(7, bytes);
    expect(decoded.ok && rowsOf(decoded.value)).toEqual(present(rows));
    const changed = bytes.slice();
    changed[16 + (place % (changed.length - 20))] = place >>> 8;
    codec.decode(7, sealed(changed));
  },
);

test("what has the codes of another column takes a head", () => {
  const rows = Array.from({ length: 800 }, (_none, at) => ({
    meterNo: 1,
    measuredAtMs: 1_790_000_000_000 + at * 1_000,
    indexMl: at * 7_000,
  }));
  const alone = codec.encode(7, tableOf(rows)).length;
  const beside = rows.map((row) => ({
    ...row,
    deviceAtMs: row.measuredAtMs + 3,
    rawCount: row.indexMl / 1_000 + 5,
  }));
  const bytes = codec.encode(7, tableOf(beside));
  expect(bytes.length).toBe(alone + 2 * 16);
  const decoded = codec.decode(7, bytes);
  expect(decoded.ok && rowsOf(decoded.value)).toEqual(beside);
});

test("codes of another width are not the same, though their bytes are", () => {
  const times = [5, 261, 5, 5];
  const rows = [9, 9, 9, 10].map((deviceAtMs, at) => ({
    meterNo: 1,
    measuredAtMs: times[at] ?? NaN,
    deviceAtMs,
  }));
  const decoded = codec.decode(7, codec.encode(7, tableOf(rows)));
  expect(decoded.ok && rowsOf(decoded.value)).toEqual(rows);
});

test("registers in whole litres take three bytes, times in whole seconds two, also with one that is missing", () => {
  const rows = (oddMl: number): readonly ReadingValues[] =>
    Array.from({ length: batchRowsMax }, (_none, at) => ({
      meterNo: 1,
      measuredAtMs: 1_790_000_000_000 + at * 1_000,
      indexMl: at === 4_567 ? null : at * 100_000 + (at === 9_876 ? oddMl : 0),
    }));
  const heads = 16 + 3 * 16 + 4;
  expect(codec.encode(7, tableOf(rows(1_000))).length).toBe(heads + 5 * batchRowsMax);
  // One that keeps to nothing, and everything is as exact.
  const odd = codec.encode(7, tableOf(rows(1)));
  expect(odd.length).toBe(heads + 6 * batchRowsMax);
  const decoded = codec.decode(7, odd);
  expect(decoded.ok && rowsOf(decoded.value)).toEqual(present(rows(1)));
});

test("one value among many that are the same comes back", () => {
  for (let odd = 0; odd < 100; odd += 1) {
    const rows = Array.from({ length: 100 }, (_none, at) => ({
      meterNo: 1,
      indexMl: at === odd ? 6 : 5,
    }));
    const decoded = codec.decode(7, codec.encode(7, tableOf(rows)));
    expect(decoded.ok && rowsOf(decoded.value)).toEqual(rows);
  }
});

/** Three rows as a ledger of before has them: every width, with and without missing values. */
const former = Buffer.from(
  `
  484f54420700000003000000090000000000000002000000000000000000f03f2b010100000000000100000002000000
  0000c006450c7a42000060ea0100000002000000880000000000000000000000ffffffffffff3f4300000000000014c0
  000000000000f87f030000000000000000000000000008400900000084000000000000000000000070110100ffffffff
  00000000000000000a0000000200000000000000007097c00000b80bdc0500000b0000008400000000000000d0bcf840
  00000000fffffffffeffffff000000000c00000081000000000000000020ac4000ff0100000000000f00000081000000
  0000000000000000ff0100000000000065624bd2
`.replace(/\s/g, ""),
  "hex",
);
const formerRows: readonly ReadingValues[] = [
  {
    ...{ meterNo: 300, measuredAtMs: 1_790_000_000_000, indexMl: Number.MAX_SAFE_INTEGER },
    ...{ quality: 3, flowMlPerHour: 70_000, temperatureCentiC: -1_500, pressurePa: 101_325 },
    batteryMv: 3_600,
  },
  {
    ...{ meterNo: 2, measuredAtMs: 1_790_000_060_000, indexMl: -5, quality: 3 },
    ...{ temperatureCentiC: 1_500, valve: 1 },
  },
  {
    ...{ meterNo: 1, measuredAtMs: 1_790_000_000_001, quality: 3, flowMlPerHour: 0 },
    ...{ temperatureCentiC: 0, pressurePa: 4_295_068_619, batteryMv: 3_601, valve: 0 },
  },
];

test("a batch of the former format is read as it is", () => {
  const decoded = codec.decode(7, former);
  expect(decoded.ok && rowsOf(decoded.value)).toEqual(formerRows);
});

property.prop([fc.nat(former.length - 5), fc.integer({ min: 1, max: 255 })])(
  "nor does one of the former format do harm, whatever is changed in it",
  (at, change) => {
    const changed = Uint8Array.from(former);
    changed[at] = (changed[at] ?? 0) ^ change;
    const table = tableOf([{ meterNo: 3, measuredAtMs: 4 }]);
    const fault = codec.append(7, sealed(changed), table);
    if (fault !== undefined) expect(rowsOf(table)).toEqual([{ meterNo: 3, measuredAtMs: 4 }]);
    else expect(table.count).toBeGreaterThan(1);
  },
);
