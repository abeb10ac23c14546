/** Versions of one reading that lie in several files of a day: a roll-up takes the one that a read takes. */
import { expect, test } from "vitest";
import { GasCalendar } from "#readings/gasDay.ts";
import { shanghai, storeRig } from "../../support/readingStore.ts";

const dayMs = 86_400_000;
const calendar = new GasCalendar(shanghai);
const startMs = calendar.startOf(calendar.dayOf(Date.UTC(2026, 9, 29, 12)));

test("a roll-up asks whatever decides between versions, also what goes into none", async () => {
  const rig = storeRig({ plan: { lateDayShareMax: 1 } });
  const atMs = startMs + 1_000;
  const version = (meterNo: number, indexMl: number, receivedAtMs: number) => ({
    meterNo,
    indexMl,
    receivedAtMs,
    measuredAtMs: atMs,
    quality: 2,
  });
  // The latest received counts: of meter 1 the lower register, of meter 2 the higher one.
  rig.append([version(1, 700, atMs + 9), version(2, 700, atMs + 1), version(3, 500, atMs)]);
  await rig.store.flush(rig.runner);
  rig.append([version(1, 900, atMs + 5), version(2, 900, atMs + 5)]);
  await rig.store.flush(rig.runner);
  await rig.store.maintain(rig.runner, startMs + 3 * dayMs);
  expect(rig.manifest.files().map(({ kind }) => kind)).toEqual(["day", "day", "rollup"]);

  const { indexMl, conflict } = rig.store.registersAt(startMs + dayMs);
  expect([...indexMl]).toEqual([700, 900, 500]);
  expect([...conflict]).toEqual([1, 1, 0]);
  for (const [place, meterNo] of [1, 2, 3].entries()) {
    const [reading] = rig.store.range(meterNo, startMs, startMs + dayMs).readings;
    expect(reading?.counts.indexMl).toBe(indexMl[place]);
  }
});
