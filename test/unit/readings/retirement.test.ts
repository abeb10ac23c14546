/** Months that nobody must keep any longer go; what they leave answers as they did, from their end on. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import { GasCalendar, monthOfDay } from "#readings/gasDay.ts";
import { verifyStore } from "#readings/verifyStore.ts";
import type { ReadingValues } from "../../support/readingRows.ts";
import { shanghai, storeRig, type StoreRig } from "../../support/readingStore.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const calendar = new GasCalendar(shanghai);
const { first: firstDay, next: secondMonth } = monthOfDay(calendar.dayOf(Date.UTC(2026, 0, 15)));
const thirdMonth = monthOfDay(secondMonth).next;
const startMs = calendar.startOf(firstDay);
/** Two months and a day after the beginning: the first month is over by more than a month, the second by less. */
const keepMs = 40 * dayMs;
const laterMs = calendar.startOf(thirdMonth) + 35 * dayMs;
const meterNos = [1, 2, 3, 4, 5];

let received = 0;

/** As the engine stores them: with numbers, and a revision where a reading is judged anew. */
type Drawn = typeof reading extends fc.Arbitrary<infer One> ? One : never;
const reading = fc.record({
  meterNo: fc.constantFrom(1, 2, 3, 4),
  // Over three months, four times a month.
  place: fc.integer({ min: 0, max: 11 }),
  indexMl: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 4 }),
  quality: fc.constantFrom(0, 1, 2, 3, 3, 3),
  batteryMv: fc.constantFrom(3_600, 3_500, null),
  isRevised: fc.boolean(),
});

function rowOf({ place, isRevised, ...rest }: Drawn): ReadingValues[] {
  received += 1;
  const row: ReadingValues = {
    ...rest,
    measuredAtMs: startMs + Math.floor(place / 4) * 30 * dayMs + (place % 4) * 7 * dayMs + hourMs,
    receivedAtMs: received,
    seq: received,
    uplinkSeq: received,
    // No two are repetitions of each other: which of those stays depends on when they meet.
    rawCount: received,
  };
  if (!isRevised) return [row];
  return [row, { ...row, quality: (rest.quality + 1) % 4, revision: 1, revisedAtMs: received }];
}

/** Everything that is asked of a store about instants from the end of the retired months on. */
function answers({ store }: StoreRig, fromMs: number): unknown {
  const { reads } = store;
  const instants = [0, 1, 8, 15, 31, 45, 60].map((days) => fromMs + days * dayMs);
  const conditions = [
    () => true,
    (one: { indexMl: number | null; quality: string }) =>
      one.indexMl !== null && one.quality !== "suspect",
    (one: { indexMl: number | null; quality: string }) =>
      one.indexMl !== null && !["suspect", "raw"].includes(one.quality),
  ];
  return {
    last: meterNos.map((no) => reads.last(no)),
    newest: instants.map((atMs) =>
      meterNos.map((no) => conditions.map((is) => reads.newest(no, atMs, 1, is))),
    ),
    registers: instants.map((atMs) => store.registersAt(atMs)),
    ranges: meterNos.map((no) => store.range(no, fromMs, Infinity)),
    onward: meterNos.map((no) =>
      reads.onward(no, { atMs: fromMs + 1, afterSeq: -1 }, Infinity, 100),
    ),
    uses: [0, 1, 7, 28, 35].map((days) => {
      const day = calendar.dayOf(fromMs + 1) + days;
      return [store.dayUse(meterNos, day, day), store.peakFlows(day, 3)];
    }),
  };
}

property.prop([fc.array(reading, { minLength: 1, maxLength: 30 }), fc.array(reading)], {
  numRuns: 8,
})(
  "a retired month's end and all behind it answer as they did, and late readings of it too",
  async (drawn, late) => {
    const [keeping, retiring] = [storeRig(), storeRig({ plan: { keepMs } })];
    const counts = { all: 0 };
    for (const [rows, nowMs] of [
      [drawn.flatMap(rowOf), laterMs],
      [late.flatMap(rowOf), laterMs],
      // A month later the second month goes as well.
      [[], laterMs + 31 * dayMs],
    ] as const) {
      counts.all += rows.length;
      for (const rig of [keeping, retiring]) {
        if (rows.length > 0) rig.append(rows);
        await rig.store.maintain(rig.runner, nowMs);
      }
      const keptDay = monthOfDay(calendar.dayOf(nowMs - keepMs)).first;
      const fromMs = calendar.startOf(keptDay);
      expect(answers(retiring, fromMs)).toEqual(answers(keeping, fromMs));
      const files = retiring.manifest.files();
      const old = files.filter(({ kind, toDay }) => kind !== "last" && toDay <= keptDay);
      // Of what was retired one roll-up says how it ended.
      expect(old.filter(({ kind }) => kind !== "rollup")).toEqual([]);
      expect(old.length).toBeLessThanOrEqual(1);
      expect(files.every(({ stale }) => stale === 0)).toBe(true);
      expect(verifyStore(retiring.store, retiring.manifest)).toEqual([]);
      retiring.reopen();
      expect(retiring.store.report.unlisted).toEqual([]);
      expect(answers(retiring, fromMs)).toEqual(answers(keeping, fromMs));
    }
  },
  240_000,
);

/** A meter's register every ten days over three months, and the only one of another meter. */
function threeMonths(): ReadingValues[] {
  const rows: ReadingValues[] = [];
  for (let day = 0; day < 85; day += 10) {
    for (const meterNo of day === 0 ? [1, 2] : [1]) {
      const measuredAtMs = startMs + day * dayMs + hourMs;
      const seq = rows.length + 1;
      rows.push({
        meterNo,
        measuredAtMs,
        receivedAtMs: measuredAtMs,
        seq,
        indexMl: day,
        quality: 3,
      });
    }
  }
  return rows;
}

test("a month is retired when it is old enough, with when and why; its rows are accounted for", async () => {
  const rig = storeRig({ plan: { keepMs } });
  rig.append(threeMonths());
  const dueMs = calendar.startOf(secondMonth) + keepMs;
  const recorded = () =>
    rig.db
      .prepare(
        "SELECT kind, row_count AS rows, retired_at AS atMs, replaced_reason AS reason FROM reading_file WHERE retired_at > 0 AND kind <> 'rollup'",
      )
      .all();
  await rig.store.maintain(rig.runner, dueMs);
  expect(recorded()).toEqual([]);
  expect(rig.store.reads.retiredToMs).toBe(-Infinity);
  await rig.store.maintain(rig.runner, dueMs + 1);
  expect(recorded()).toEqual([
    { kind: "month", rows: 5, atMs: dueMs + 1, reason: "readings are kept for 40 days" },
  ]);
  expect(rig.store.reads.retiredToMs).toBe(calendar.startOf(secondMonth));
  // The silent meter's register is still the one it had.
  expect(rig.store.last(2).readings[0]?.counts.indexMl).toBe(0);
  expect([...rig.store.registersAt(calendar.startOf(secondMonth)).indexMl]).toEqual([30, 0]);
  expect(rig.manifest.retiredRows).toBe(5);
  const said = rig.audit.map(({ atMs, subject, detailJson }) => [
    ...[atMs, subject],
    JSON.parse(detailJson) as unknown,
  ]);
  expect(said).toMatchObject([[dueMs + 1, "readings", { months: ["2026-01"], readings: 5 }]]);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
  // Beside the months that count only the two rows and their roll-up are on the disk.
  const listed = rig.manifest.files().map(({ name }) => name);
  expect([...rig.disk.list("/readings")].sort()).toEqual([...listed].sort());
  expect(rig.manifest.files().find(({ kind }) => kind === "last")?.rows).toBe(2);
});

test("of a silent meter the newest reading of each worth stays", async () => {
  const rig = storeRig({ plan: { keepMs } });
  // Validated, raw, suspect, and one without a register: whoever looks back looks for one of these.
  const values = [
    { quality: 3, indexMl: 1, batteryMv: 3_600 },
    { quality: 3, indexMl: 2 },
    { quality: 2, indexMl: 3 },
    { quality: 0, indexMl: 4 },
    { quality: 3, indexMl: null },
  ];
  rig.append(
    values.map((value, day) => {
      const measuredAtMs = startMs + day * dayMs + hourMs;
      return { ...value, meterNo: 1, measuredAtMs, receivedAtMs: measuredAtMs, seq: day + 1 };
    }),
  );
  await rig.store.maintain(rig.runner, laterMs);
  expect(rig.store.reads.retiredToMs).toBe(calendar.startOf(secondMonth));
  const kept = rig.store.range(1, 0, Infinity).readings;
  expect(kept.map(({ counts }) => counts.measuredAtMs)).toEqual(
    [0, 1, 2, 3, 4].map((day) => startMs + day * dayMs + hourMs),
  );
  // With newer ones of each kind the old ones need not stay.
  rig.append(
    values.slice(0, 2).map((value, place) => {
      const measuredAtMs = startMs + (20 + place) * dayMs;
      return { ...value, meterNo: 1, measuredAtMs, receivedAtMs: laterMs, seq: 10 + place };
    }),
  );
  await rig.store.maintain(rig.runner, laterMs + 2 * hourMs);
  expect(rig.store.range(1, 0, Infinity).readings.map(({ counts }) => counts.seq)).toEqual([
    10, 11,
  ]);
});

test("rows that go without being written down as retired are found missing", async () => {
  const rig = storeRig({ plan: { keepMs } });
  rig.append(threeMonths());
  await rig.store.maintain(rig.runner, laterMs);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
  rig.db.exec("UPDATE reading_file SET retired_at = 0");
  expect(verifyStore(rig.store, rig.manifest).map(({ fault }) => fault.what)).toEqual([
    expect.stringMatching(/^rows: \d+, not \d+$/),
  ]);
});

test("a crash between listing and removing: the files go at the next start, the answers stay", async () => {
  const rig = storeRig({ plan: { keepMs } });
  rig.append(threeMonths());
  await rig.store.maintain(rig.runner, calendar.startOf(secondMonth) + keepMs);
  const remove = rig.disk.remove.bind(rig.disk);
  const month = rig.manifest.files().find(({ kind }) => kind === "month")?.name ?? "";
  Object.assign(rig.disk, {
    remove(path: string) {
      if (path.endsWith(month)) throw new TypeError("killed");
      remove(path);
    },
  });
  const retired = rig.store.maintain(rig.runner, laterMs);
  await expect(retired).rejects.toThrow("killed");
  expect(rig.disk.list("/readings")).toContain(month);
  Object.assign(rig.disk, { remove });
  rig.reopen();
  expect(rig.disk.list("/readings")).not.toContain(month);
  expect(rig.store.report.unlisted).toEqual([]);
  await rig.store.maintain(rig.runner, laterMs);
  expect(rig.store.last(2).readings[0]?.counts.indexMl).toBe(0);
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
});

test("a damaged month is not retired, and told", async () => {
  const rig = storeRig({ plan: { keepMs } });
  rig.append(threeMonths());
  await rig.store.maintain(rig.runner, calendar.startOf(secondMonth) + keepMs);
  const month = rig.manifest.files().find(({ kind }) => kind === "month")?.name ?? "";
  const file = rig.disk.open(`/readings/${month}`);
  const bytes = new Uint8Array(file.sizeBytes());
  file.read(bytes, 0);
  bytes[150] = (bytes[150] ?? 0) ^ 1;
  rig.disk.create(`/readings/${month}`).write(bytes);
  rig.reopen();
  await rig.store.maintain(rig.runner, laterMs);
  expect(rig.store.reads.retiredToMs).toBe(-Infinity);
  expect(rig.disk.list("/readings")).toContain(month);
  expect(rig.store.damage()).toMatchObject([{ fault: { kind: "checksumMismatch" } }]);
});
