/** Hot rows in blocks that others had: nothing of theirs is seen again. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HotBatchCodec, spansOf } from "#readings/hotBatch.ts";
import { HotRows } from "#readings/hotRows.ts";
import { RowTable } from "#readings/rowTable.ts";
import { readingSchema } from "#readings/schema.ts";
import { rowsOf, tableOf, type ReadingValues } from "../../support/readingRows.ts";
import { columnsFrom, storeRig } from "../../support/readingStore.ts";

const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 9, 29, 12);
const codec = new HotBatchCodec();

function filled(hot: HotRows, rows: readonly ReadingValues[]): HotRows {
  expect(hot.add(1, codec.encode(1, tableOf(rows)))).toBeUndefined();
  return hot;
}

function collected(hot: HotRows, meterNo: number): readonly ReadingValues[] {
  const into = new RowTable(readingSchema.columns.length, 1);
  hot.collect(meterNo, 0, Infinity, into);
  return rowsOf(into);
}

const value = (max: number) => fc.option(fc.integer({ min: 0, max }), { freq: 5 });
const batch = fc.array(
  fc.record({
    meterNo: fc.integer({ min: 1, max: 3_000 }),
    measuredAtMs: fc.integer({ min: startMs, max: startMs + 40 * hourMs }),
    indexMl: fc.option(fc.maxSafeInteger(), { freq: 9 }),
    flowMlPerHour: value(9),
    batteryMv: fc.constant(null),
    valve: value(0),
    quality: fc.constant(3),
  }),
  { minLength: 1, maxLength: 20 },
);

property.prop([fc.array(batch, { minLength: 1, maxLength: 5 }), fc.boolean()])(
  "what is put as columns is as if it were added as it was stored",
  (batches, isUsedAgain) => {
    const former = filled(new HotRows(), [{ meterNo: 4_000, measuredAtMs: 1, pressurePa: 7 }]);
    const put = isUsedAgain ? new HotRows(former.release()) : new HotRows();
    const added = new HotRows();
    for (const [at, rows] of batches.entries()) {
      // A table has room behind its rows, with what was there before.
      const columns = tableOf([...rows, { meterNo: 9, measuredAtMs: 9, flowMlPerHour: 999 }]);
      columns.count = rows.length;
      put.put(at + 1, columns, spansOf(columns));
      expect(added.add(at + 1, codec.encode(at + 1, columns))).toBeUndefined();
    }
    const facts = ({ count, batchNo, firstMs, lastMs }: HotRows) => [
      count,
      batchNo,
      firstMs,
      lastMs,
    ];
    expect(facts(put)).toEqual(facts(added));
    expect(put.tables.map(rowsOf)).toEqual(added.tables.map(rowsOf));
    for (const { meterNo } of batches.flat()) {
      const own = batches.flat().filter((row) => row.meterNo === meterNo);
      expect(collected(put, meterNo)).toEqual(rowsOf(tableOf(own)));
      expect(collected(added, meterNo)).toEqual(rowsOf(tableOf(own)));
    }
    expect(put.batches.map(({ no, from, to }) => [no, from, to])).toEqual(
      added.batches.map(({ no, from, to }) => [no, from, to]),
    );
  },
);

test("blocks that were given away are used again, without what was in them", () => {
  const former = filled(new HotRows(), [
    { meterNo: 1, measuredAtMs: 10, indexMl: 5, batteryMv: 3_600 },
    { meterNo: 2, measuredAtMs: 11, indexMl: 6, batteryMv: 3_601 },
    { meterNo: 1, measuredAtMs: 12, indexMl: 7, batteryMv: 3_602 },
  ]);
  const [table] = former.tables;
  const spare = former.release();
  expect([former.count, former.tables, former.batches]).toEqual([0, [], []]);
  expect(collected(former, 1)).toEqual([]);

  const hot = filled(new HotRows(spare), [{ meterNo: 1, measuredAtMs: 20, indexMl: 9 }]);
  expect(spare).toEqual([]);
  expect(hot.tables).toEqual([table]);
  expect(hot.tables.map(rowsOf)).toEqual([[{ meterNo: 1, measuredAtMs: 20, indexMl: 9 }]]);
  expect(collected(hot, 1)).toEqual([{ meterNo: 1, measuredAtMs: 20, indexMl: 9 }]);
  expect(collected(hot, 2)).toEqual([]);
});

test("a batch is written into the room that it is given, and nothing of what was there is left", () => {
  const rows = [1, 2, 3].map((meterNo) => ({ meterNo, measuredAtMs: 70_000 * meterNo }));
  const room = new Uint8Array(4_096).fill(0xff).buffer;
  const written = codec.encode(1, tableOf(rows), room);
  expect(written.buffer).toBe(room);
  expect(written).toEqual(codec.encode(1, tableOf(rows)));
  expect(codec.encode(1, tableOf(rows), new ArrayBuffer(written.length - 1))).toEqual(written);
});

test("several batches of one transaction after another one are all there", () => {
  const rig = storeRig();
  const rowsAt = (hour: number): ReadingValues => ({
    meterNo: 1,
    measuredAtMs: startMs + hour * hourMs,
    indexMl: hour * 1_000,
  });
  rig.append([rowsAt(1), rowsAt(2)]);
  rig.db.exec("BEGIN IMMEDIATE");
  for (const hour of [3, 4, 5]) rig.store.append(columnsFrom([rowsAt(hour)]));
  rig.db.exec("COMMIT");
  rig.store.committed();
  const { readings } = rig.store.range(1, startMs, startMs + 9 * hourMs);
  expect(readings.map(({ counts }) => counts.indexMl)).toEqual(
    [1, 2, 3, 4, 5].map((l) => l * 1_000),
  );
});
