/** The whole store against a plain list, whatever comes in whatever order, and whatever is done in between. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import { GasCalendar } from "#readings/gasDay.ts";
import { columnsOf } from "#readings/readingWords.ts";
import type { ReadingVersion } from "#ports/readingStore.ts";
import { RowTable } from "#readings/rowTable.ts";
import { rollUpPlaces, rollUpSchema } from "#readings/schema.ts";
import { SegmentReader } from "#readings/segmentReader.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import type { ReadingValues } from "../../support/readingRows.ts";
import { PlainStore, shanghai, storeRig, type StoreRig } from "../../support/readingStore.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const calendar = new GasCalendar(shanghai);
const firstDay = calendar.dayOf(Date.UTC(2026, 9, 29, 12));
const startMs = calendar.startOf(firstDay);

interface Drawn {
  readonly meterNo: number;
  readonly hour: number;
  readonly indexMl: number | null;
  readonly quality: number;
  readonly batteryMv: number | null;
  readonly flowMlPerHour: number | null;
}

/** Few meters, times and values, so that the same ones meet often. */
const drawn: fc.Arbitrary<Drawn> = fc.record({
  meterNo: fc.integer({ min: 1, max: 4 }),
  // Four days around the end of a month, on the boundary of gas days every 24th.
  hour: fc.integer({ min: 1, max: 96 }),
  indexMl: fc.option(
    fc.integer({ min: 1, max: 3 }).map((n) => n * 1_000),
    { freq: 5 },
  ),
  quality: fc.constantFrom(0, 1, 2, 2, 2, 3, 4, 5),
  batteryMv: fc.constantFrom(3_600, 3_500, null),
  flowMlPerHour: fc.constantFrom(null, 0, 1_000, 2_000, 3_000, 4_000),
});
type Step = "append" | "flush" | "maintain" | "reopen";
const steps = fc.array(
  fc.tuple(
    fc.constantFrom<Step>("append", "append", "flush", "maintain", "reopen"),
    fc.array(drawn, { minLength: 1, maxLength: 12 }),
    fc.nat({ max: 50 }),
  ),
  { minLength: 1, maxLength: 14 },
);

let received = 0;

function rowOf({ hour, ...rest }: Drawn): ReadingValues {
  received += 1;
  // An index that rises with the hour, or one that contradicts.
  const indexMl = rest.indexMl === null ? null : hour * 10_000 + rest.indexMl;
  return { ...rest, indexMl, measuredAtMs: startMs + hour * hourMs, receivedAtMs: received };
}

function expectSame(rig: StoreRig, plain: PlainStore): void {
  for (const meterNo of [1, 2, 3, 4]) {
    for (const [fromMs, toMs] of [
      [startMs, startMs + 4 * dayMs],
      [startMs + dayMs, startMs + 2 * dayMs],
    ] as const) {
      const { readings, damage } = rig.store.range(meterNo, fromMs, toMs);
      expect(damage).toEqual([]);
      expect(readings.map(({ counts }) => counts.measuredAtMs)).toEqual(
        plain.times(meterNo, fromMs, toMs),
      );
      for (const { counts, others, conflict } of readings) {
        const versions = plain.versions(meterNo, counts.measuredAtMs);
        expect([counts, ...others].map(({ receivedAtMs }) => receivedAtMs)).toEqual(
          versions.map(({ receivedAtMs }) => receivedAtMs),
        );
        expect(counts.indexMl).toBe(versions[0]?.indexMl ?? null);
        expect(conflict).toBe(plain.isConflict(versions));
      }
    }
    const newest = plain.times(meterNo, -Infinity, Infinity).at(-1);
    expect(rig.store.last(meterNo).readings.map(({ counts }) => counts.measuredAtMs)).toEqual(
      newest === undefined ? [] : [newest],
    );
  }
  for (const hour of [0, 13, 24, 36, 48, 72, 90, 96, 500]) {
    const atMs = startMs + hour * hourMs;
    const found = rig.store.registersAt(atMs);
    const got = Array.from(found.meterNo, (meterNo, row) => [
      meterNo,
      {
        atMs: found.measuredAtMs[row],
        indexMl: found.indexMl[row],
        quality: found.quality[row],
        conflict: found.conflict[row],
      },
    ]);
    const expected = plain.meterNos
      .map((meterNo) => [meterNo, plain.registerAt(meterNo, atMs)] as const)
      .filter(([, register]) => register !== undefined);
    expect(got).toEqual(expected);
  }
}

/** The two highest flows of spans that begin and end within a gas day. */
function expectPeaks(rig: StoreRig, plain: PlainStore): void {
  for (const fromHour of [0, 7, 30, 55]) {
    const [fromMs, toMs] = [startMs + fromHour * hourMs, startMs + (fromHour + 24) * hourMs];
    const peaks = plain.meterNos.flatMap((meterNo) => {
      const flows = plain.times(meterNo, fromMs, toMs).map((measuredAtMs) => ({
        measuredAtMs,
        flow: plain.versions(meterNo, measuredAtMs)[0]?.flowMlPerHour ?? -1,
      }));
      const [peak] = flows.sort((one, other) => other.flow - one.flow);
      if (peak === undefined || peak.flow < 0) return [];
      return [{ meterNo, measuredAtMs: peak.measuredAtMs, peakFlowMlPerHour: peak.flow }];
    });
    peaks.sort((one, other) => other.peakFlowMlPerHour - one.peakFlowMlPerHour);
    expect(rig.store.peakFlowsWithin(fromMs, toMs, 2)).toEqual({
      peaks: peaks.slice(0, 2),
      damage: [],
    });
  }
}

/** A roll-up of a day says what a list of its readings says. */
function expectRollUps(rig: StoreRig, plain: PlainStore): void {
  for (let day = firstDay; day < firstDay + 4; day += 1) {
    const [fromMs, toMs] = [calendar.startOf(day), calendar.startOf(day + 1)];
    for (const use of rig.store.dayUse([1, 2, 3, 4], day, day).uses) {
      expect(use.readings).toBe(plain.times(use.meterNo, fromMs, toMs).length);
      const opening = plain.registerAt(use.meterNo, fromMs);
      const closing = plain.registerAt(use.meterNo, toMs);
      const isKnown = opening && closing && closing.atMs > fromMs;
      const volume = isKnown ? closing.indexMl - opening.indexMl : NaN;
      expect(use.volumeMl).toBe(volume >= 0 ? volume : null);
    }
  }
}

property.prop([steps], { numRuns: 40 })(
  "whatever is appended, flushed, merged and opened again in any order: the same answers",
  async (course) => {
    const rig = storeRig({
      plan: { openDayFilesMax: 3, lateDayFilesMax: 1, lateDayShareMax: 0.3, lateFilesMax: 1 },
      chunkRows: 16,
    });
    const plain = new PlainStore();
    for (const [step, values, hours] of course) {
      const rows = values.map((value) => rowOf(value));
      if (step === "append") {
        rig.append(rows);
        plain.add(rows);
      }
      if (step === "flush") await rig.store.flush(rig.runner);
      if (step === "maintain") {
        await rig.store.maintain(rig.runner, startMs + hours * 3 * hourMs);
      }
      if (step === "reopen") rig.reopen();
    }
    expectSame(rig, plain);
    expectPeaks(rig, plain);
    await rig.store.maintain(rig.runner, startMs + 40 * dayMs);
    expectSame(rig, plain);
    expectPeaks(rig, plain);
    expectRollUps(rig, plain);
    expect(rig.store.hotRows).toBe(0);
    // October and November, a roll-up for each day; beside each month the one late file that is allowed.
    const kinds = rig.manifest.files().map(({ kind, fromDay }) => `${kind} ${fromDay}`);
    expect(new Set(kinds).size).toBe(kinds.length);
    expect(kinds.filter((kind) => kind.startsWith("day")).length).toBeLessThanOrEqual(2);
    expect(rig.manifest.files().every(({ stale }) => stale === 0)).toBe(true);
    rig.reopen();
    expectSame(rig, plain);
    expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
  },
  60_000,
);

test("readings go in and come out as their words", async () => {
  const rig = storeRig();
  const reading: ReadingVersion = {
    meterNo: 9,
    measuredAtMs: (startMs + hourMs) as ReadingVersion["measuredAtMs"],
    receivedAtMs: (startMs + hourMs + 7) as ReadingVersion["receivedAtMs"],
    deviceAtMs: null,
    indexMl: 1_234_567 as ReadingVersion["indexMl"],
    rawCount: 1_234_567,
    rawExponent: -6,
    flowMlPerHour: 0,
    temperatureCentiC: -512,
    pressurePa: null,
    batteryMv: 3_600,
    batteryPct: null,
    signalDbm: -97,
    valve: "closed",
    status: 5,
    quality: "validated",
    flags: 4,
    reasonNo: null,
    seq: 77,
    uplinkSeq: 70,
    revision: 2,
    revisedAtMs: (startMs + hourMs + 9) as ReadingVersion["measuredAtMs"],
  };
  const edited: ReadingVersion = {
    ...reading,
    quality: "edited",
    indexMl: 1_234_000 as ReadingVersion["indexMl"],
    reasonNo: rig.manifest.reasonNo("read by a person on site"),
  };
  for (const version of [reading, reading, edited]) {
    rig.db.exec("BEGIN");
    rig.store.append(columnsOf([version]));
    rig.db.exec("COMMIT");
    rig.store.committed();
    const { readings } = rig.store.range(9, startMs, startMs + dayMs);
    expect(readings[0]?.counts).toEqual(version);
  }
  await rig.store.flush(rig.runner);
  const { readings } = rig.store.last(9);
  expect(readings).toEqual([{ counts: edited, others: [reading], conflict: false }]);
  expect(rig.manifest.reason(readings[0]?.counts.reasonNo ?? 0)).toBe("read by a person on site");
});

test("what was rolled back never was", () => {
  const rig = storeRig();
  rig.db.exec("BEGIN");
  rig.store.append({
    count: 1,
    columns: { meterNo: Float64Array.of(1), measuredAtMs: Float64Array.of(startMs + 1) },
  });
  expect(rig.store.last(1).readings).toEqual([]);
  rig.db.exec("ROLLBACK");
  rig.store.rolledBack();
  rig.store.committed();
  expect(rig.store.last(1).readings).toEqual([]);
  expect(() => rig.store.append({ count: 1, columns: {} })).toThrow("within a transaction");
});

test("a day's roll-up: registers at both ends, volume, peak, night, battery", async () => {
  const rig = storeRig();
  // The night is 01:00 to 05:00, the first day has no opening register.
  const flows = [9, 5, 7, 4, 6, 8, 30, 2].map((litres) => litres * 1_000);
  for (const day of [0, 1]) {
    rig.append(
      flows.map((flowMlPerHour, place) => ({
        meterNo: 7,
        measuredAtMs: startMs + day * dayMs + (place + 1) * hourMs,
        receivedAtMs: startMs + day * dayMs + (place + 1) * hourMs + 900,
        indexMl: 50_000 + day * 80_000 + place * 10_000,
        quality: 3,
        flowMlPerHour,
        ...(place === 2 ? { batteryMv: 3_600 - day, temperatureCentiC: 1_950 } : {}),
      })),
    );
  }
  rig.append([{ meterNo: 8, measuredAtMs: startMs + 3 * hourMs, indexMl: 5_000, quality: 1 }]);
  await rig.store.maintain(rig.runner, startMs + 3 * dayMs);
  const [first, second] = [firstDay, firstDay + 1];
  expect(rig.store.dayUse([8, 7, 7, 99], first, second)).toEqual({
    damage: [],
    uses: [
      { day: first, meterNo: 7, volumeMl: null, peakFlowMlPerHour: 30_000, readings: 8 },
      { day: first, meterNo: 8, volumeMl: null, peakFlowMlPerHour: null, readings: 1 },
      { day: second, meterNo: 7, volumeMl: 80_000, peakFlowMlPerHour: 30_000, readings: 8 },
      { day: second, meterNo: 8, volumeMl: null, peakFlowMlPerHour: null, readings: 0 },
    ],
  });
  expect(rig.store.peakFlows(second, 1).uses.map(({ meterNo }) => meterNo)).toEqual([7]);
  const file = rig.manifest
    .files()
    .find((known) => known.kind === "rollup" && known.fromDay === second);
  const reader = new SegmentReader(rig.disk, `/readings/${file?.name}`, rollUpSchema);
  const table = new RowTable(rollUpSchema.columns.length, 4);
  const [entry] = reader.chunks;
  expect(entry && reader.readChunk(entry, table, null)).toBeUndefined();
  expect(
    Object.entries(rollUpPlaces).map(([name, place]) => [name, table.value(place, 0)]),
  ).toEqual([
    ["meterNo", 7],
    ["closingAtMs", startMs + dayMs + 8 * hourMs],
    ["closingIndexMl", 200_000],
    ["closingQuality", 3],
    ["closingConflict", 0],
    ["openingAtMs", startMs + 8 * hourMs],
    ["openingIndexMl", 120_000],
    ["openingQuality", 3],
    ["volumeMl", 80_000],
    ["peakFlowMlPerHour", 30_000],
    ["nightFlowMlPerHour", 4_000],
    ["readings", 8],
    ["batteryMv", 3_599],
    ["temperatureCentiC", 1_950],
  ]);
});

test("a late register makes the roll-ups again that it concerns, and keeps the former file's reason", async () => {
  const rig = storeRig();
  // Within a month that is not closed.
  const fromMs = startMs - 10 * dayMs;
  for (const day of [0, 1, 2]) {
    rig.append([
      {
        meterNo: 1,
        measuredAtMs: fromMs + day * dayMs + hourMs,
        indexMl: day * 1_000,
        quality: 2,
      },
    ]);
  }
  await rig.store.maintain(rig.runner, fromMs + 4 * dayMs);
  const made = (): readonly number[] =>
    rig.manifest.files().flatMap(({ kind, no }) => (kind === "rollup" ? [no] : []));
  const before = made();
  expect(before.length).toBe(3);
  // Between two readings: the first day ends as it did.
  rig.append([{ meterNo: 1, measuredAtMs: fromMs + hourMs / 2, indexMl: 0, quality: 2 }]);
  await rig.store.maintain(rig.runner, fromMs + 4 * dayMs);
  expect(made().slice(1)).toEqual(before.slice(1));
  expect(made()[0]).not.toBe(before[0]);
  // At its end: the second day begins otherwise, the third as it did.
  rig.append([{ meterNo: 1, measuredAtMs: fromMs + dayMs, indexMl: 400, quality: 2 }]);
  expect(rig.store.registersAt(fromMs + dayMs).indexMl).toEqual(Float64Array.of(400));
  await rig.store.maintain(rig.runner, fromMs + 4 * dayMs);
  expect(made()[2]).toBe(before[2]);
  expect(made()[1]).not.toBe(before[1]);
  expect(rig.store.dayUse([1], firstDay - 9, firstDay - 9).uses[0]?.volumeMl).toBe(600);
  expect(rig.store.registersAt(fromMs + dayMs).indexMl).toEqual(Float64Array.of(400));
  const reasons = rig.db
    .prepare(
      "SELECT DISTINCT replaced_reason AS reason FROM reading_file WHERE kind = 'day' AND replaced_by <> 0",
    )
    .all();
  expect(reasons).toEqual([{ reason: "late" }]);
});

test("late readings wait for one another, and what is much does not wait", async () => {
  const rig = storeRig({ plan: { flushEveryMs: hourMs, flushBatches: 3 } });
  const late = { meterNo: 1, indexMl: 1 };
  const nowMs = startMs + 10 * dayMs;
  rig.append([{ ...late, measuredAtMs: startMs }]);
  await rig.store.maintain(rig.runner, nowMs);
  expect(rig.store.hotRows).toBe(0);
  rig.append([{ ...late, measuredAtMs: startMs + 1 }]);
  await rig.store.maintain(rig.runner, nowMs + hourMs - 1);
  expect(rig.store.hotRows).toBe(1);
  await rig.store.maintain(rig.runner, nowMs + hourMs);
  expect(rig.store.hotRows).toBe(0);
  for (const atMs of [2, 3, 4]) rig.append([{ ...late, measuredAtMs: startMs + atMs }]);
  expect(rig.store.isFull).toBe(true);
  await rig.store.maintain(rig.runner, nowMs + hourMs + 1);
  expect(rig.store.hotRows).toBe(0);
});

test("of a revised reading the last version counts, whatever its rank, and the others stay", async () => {
  const rig = storeRig();
  const row = { meterNo: 1, measuredAtMs: startMs, indexMl: 500, seq: 1, receivedAtMs: startMs };
  rig.append([{ ...row, quality: 2 }]);
  rig.append([{ ...row, quality: 0, revision: 5, revisedAtMs: startMs + 1 }]);
  const seen = () => rig.store.range(1, startMs - 1, startMs).readings;
  expect(seen()).toMatchObject([{ counts: { quality: "suspect" }, others: [{ quality: "raw" }] }]);
  await rig.store.flush(rig.runner);
  // Back to what it was at first: no repetition of the first version, but a third one.
  rig.append([{ ...row, quality: 2, revision: 9, revisedAtMs: startMs + 2 }]);
  expect(seen()).toMatchObject([{ counts: { quality: "raw", revision: 9 }, conflict: false }]);
  expect(rig.store.registersAt(startMs).quality).toEqual(Float64Array.of(2));
  await rig.store.flush(rig.runner);
  await rig.store.maintain(rig.runner, startMs + 60 * dayMs);
  rig.reopen();
  expect(seen()[0]?.others).toHaveLength(2);
  expect(rig.store.registersAt(startMs).quality).toEqual(Float64Array.of(2));
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
});
