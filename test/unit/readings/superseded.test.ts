/** Former versions of revised readings, in the hot part, in segments and in roll-ups. */
import { expect, test } from "vitest";
import { GasCalendar } from "#readings/gasDay.ts";
import { shanghai, storeRig } from "../../support/readingStore.ts";

const dayMs = 86_400_000;
const calendar = new GasCalendar(shanghai);
const startMs = calendar.startOf(calendar.dayOf(Date.UTC(2026, 9, 29, 12)));

test("what a revised reading said before is no conflict, in whatever part of the store it lies", async () => {
  const rig = storeRig();
  const row = { measuredAtMs: startMs, indexMl: 500, seq: 1, receivedAtMs: startMs, quality: 2 };
  const revised = { revision: 5, revisedAtMs: startMs + 1 };
  rig.append([
    { ...row, meterNo: 1 },
    { ...row, meterNo: 1, indexMl: 700, ...revised },
    // Beside it another reading of the same time, which nobody revised: that one is a conflict.
    { ...row, meterNo: 2, seq: 2 },
    { ...row, meterNo: 2, seq: 2, indexMl: 700, ...revised },
    { ...row, meterNo: 2, seq: 3, indexMl: 900, receivedAtMs: startMs - 1 },
    // Two readings that differ, without any revision.
    { ...row, meterNo: 3, seq: 4 },
    { ...row, meterNo: 3, seq: 5, indexMl: 700 },
  ]);
  const atMs = startMs + dayMs;
  const seen = () => {
    const { indexMl, conflict } = rig.store.registersAt(atMs);
    return { registers: [...indexMl], conflicts: [...conflict] };
  };
  const truth = [1, 2, 3].map(
    (meterNo) => rig.store.range(meterNo, startMs - 1, startMs).readings[0],
  );
  const expected = {
    registers: truth.map((reading) => reading?.counts.indexMl),
    conflicts: truth.map((reading) => (reading?.conflict === true ? 1 : 0)),
  };
  expect(expected.conflicts).toEqual([0, 1, 1]);
  expect(seen()).toEqual(expected);
  await rig.store.flush(rig.runner);
  expect(seen()).toEqual(expected);
  // A roll-up of the day answers now.
  await rig.store.maintain(rig.runner, startMs + 3 * dayMs);
  expect(rig.manifest.files().some(({ kind }) => kind === "rollup")).toBe(true);
  expect(seen()).toEqual(expected);
});
