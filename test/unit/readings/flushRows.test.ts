/** A flush of so many rows that they are dealt out to groups: the same answers as of a plain list. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import { invariant } from "#domain/invariant.ts";
import { CodeRoom } from "#readings/codeRoom.ts";
import { DealtRows } from "#readings/flushRows.ts";
import { HotBatchCodec, openBatch } from "#readings/hotBatch.ts";
import { RowTable } from "#readings/rowTable.ts";
import { readingPlaces, readingSchema } from "#readings/schema.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import { randomOf } from "../../bench/readingsLoad.ts";
import { rowsOf, tableOf, type ReadingValues } from "../../support/readingRows.ts";
import { PlainStore, shanghai, storeRig } from "../../support/readingStore.ts";
import { GasCalendar } from "#readings/gasDay.ts";

const hourMs = 3_600_000;
const calendar = new GasCalendar(shanghai);
const startMs = calendar.startOf(calendar.dayOf(Date.UTC(2026, 9, 29, 12)));

test("numbers that lie far apart, several days, repetitions and versions among thousands of rows", async () => {
  const random = randomOf(5);
  const whole = (below: number): number => Math.floor(random() * below);
  const rig = storeRig({ chunkRows: 512 });
  const plain = new PlainStore();
  for (let batch = 0; batch < 3; batch += 1) {
    const rows = Array.from({ length: 2_500 }, (_none, at): ReadingValues => {
      // Crowded low numbers, and a few as high as there are.
      const meterNo = random() < 0.7 ? 1 + whole(12) : 67_108_863 - whole(12) * 9_000;
      const hour = 1 + whole(60);
      const indexMl = hour * 10_000 + (random() < 0.02 ? 1_000 : 0);
      const batteryMv = random() < 0.3 ? null : 3_500 + (meterNo % 7);
      // A day's last millisecond, or the next one's first.
      const measuredAtMs = startMs + hour * hourMs + whole(2);
      return {
        meterNo,
        measuredAtMs,
        indexMl,
        batteryMv,
        valve: 1,
        receivedAtMs: batch * 1_000 + at,
      };
    });
    rig.append(rows);
    plain.add(rows);
  }
  expect(await rig.store.flush(rig.runner)).toBe(true);
  expect(rig.store.hotRows).toBe(0);
  expect(rig.manifest.files().map(({ kind }) => kind)).toEqual(["day", "day", "day"]);
  let kept = 0;
  for (const meterNo of plain.meterNos) {
    const { readings, damage } = rig.store.range(meterNo, startMs, startMs + 72 * hourMs);
    expect(damage).toEqual([]);
    const versions = readings.map(({ counts, others }) =>
      [counts, ...others].map(({ receivedAtMs, indexMl, batteryMv, valve }) => [
        receivedAtMs,
        indexMl,
        batteryMv,
        valve,
      ]),
    );
    const expected = plain
      .times(meterNo, -Infinity, Infinity)
      .map((atMs) =>
        plain
          .versions(meterNo, atMs)
          .map(({ receivedAtMs, indexMl, batteryMv }) => [
            receivedAtMs,
            indexMl,
            batteryMv,
            "closed",
          ]),
      );
    expect(versions).toEqual(expected);
    kept += expected.flat().length;
  }
  // What came twice is not even written twice.
  expect(rig.manifest.files().reduce((sum, { rows }) => sum + rows, 0)).toBe(kept);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
});

const value = (most: number) => fc.option(fc.integer({ min: 0, max: most }), { freq: 4 });
const batch = fc.array(
  fc.record({
    meterNo: fc.integer({ min: 1, max: 67_108_863 }),
    measuredAtMs: fc.integer({ min: 1_790_000_000_000, max: 1_790_000_000_000 + 2 ** 33 }),
    // Doubles, at and above what four bytes hold, two bytes, one, and the same everywhere.
    indexMl: fc.option(fc.maxSafeInteger()),
    pressurePa: value(2 ** 32 - 1),
    flowMlPerHour: value(2 ** 32 - 3),
    temperatureCentiC: value(60_000),
    batteryMv: value(200),
    valve: fc.constantFrom(null, 1),
    quality: fc.constant(3),
    // In some batches one value, in others both.
    flags: fc.integer({ min: 0, max: 1 }),
  }),
  { minLength: 1, maxLength: 20 },
);

/** Batches of one row each, with these pressures. */
function batchesOf(...pressures: readonly (number | null)[]) {
  const others = { measuredAtMs: 1_790_000_000_000, indexMl: null, valve: null } as const;
  const more = { flowMlPerHour: null, temperatureCentiC: null, batteryMv: null } as const;
  return pressures.map((pressurePa) => [
    { meterNo: 1, quality: 3 as const, flags: 0, pressurePa, ...others, ...more },
  ]);
}

/** The last of four bytes is a missing value, so the second of these needs more. */
const examples: [ReturnType<typeof batchesOf>][] = [
  [batchesOf(0, null, 2 ** 32 - 2)],
  [batchesOf(0, null, 2 ** 32 - 1)],
];

property.prop([fc.array(batch, { minLength: 1, maxLength: 4 })], { examples })(
  "rows come by day, meter and time as their batches held them, whatever their columns need",
  (drawn) => {
    let known = 0;
    // No two at one time, so that none repeats another.
    const batches = drawn.map((rows) =>
      rows.map((row) => {
        known += 1;
        return { ...row, measuredAtMs: Math.floor(row.measuredAtMs / 1_000) * 1_000 + known };
      }),
    );
    const codec = new HotBatchCodec();
    const opened = batches.map((rows, no) => {
      const batch = openBatch(no, codec.encode(no, tableOf(rows)));
      invariant(batch.ok, "a batch that was just made");
      return batch.value;
    });
    const room = new CodeRoom();
    // Kept is what the first turn has shown to be needed; the third finds in it what the second left.
    for (let turn = 0; turn < 3; turn += 1) {
      room.clear();
      const dealt = new DealtRows(opened, calendar, room);
      expect(dealt.count).toBe(known);
      const found = dealt.days.map((dealtDay) => {
        const table = new RowTable(readingSchema.columns.length, 1);
        for (const group of dealt.sorted(dealtDay)) {
          expect(group.meterAt(0)).toBe(group.values(readingPlaces.meterNo)?.[0]);
          group.appendTo(table, 0, 1);
          group.appendTo(table, 1, group.count);
        }
        return [dealtDay.day, rowsOf(table)];
      });
      expect(found).toEqual(byDay(batches.flat()));
    }
  },
);

/** What is said in the rows of each gas day, in order. */
function byDay(
  rows: readonly (ReadingValues & { readonly meterNo: number; readonly measuredAtMs: number })[],
) {
  const days = Map.groupBy(rows, ({ measuredAtMs }) => calendar.dayOf(measuredAtMs));
  return [...days]
    .sort(([one], [other]) => one - other)
    .map(([day, ofDay]) => [
      day,
      ofDay
        .sort((one, other) => one.meterNo - other.meterNo || one.measuredAtMs - other.measuredAtMs)
        .map((row) => Object.fromEntries(Object.entries(row).filter(([, said]) => said !== null))),
    ]);
}
