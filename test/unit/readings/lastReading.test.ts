import { expect, test } from "vitest";
import { GasCalendar } from "#readings/gasDay.ts";
import { memoryDisk } from "../../support/readingRows.ts";
import { shanghai, storeRig } from "../../support/readingStore.ts";

const dayMs = 86_400_000;
const startMs = new GasCalendar(shanghai).startOf(20_727);

test("the last reading is told with the damage that may hide a newer one", async () => {
  const { disk, files } = memoryDisk();
  const rig = storeRig({ disk });
  const row = (day: number) => ({ meterNo: 1, measuredAtMs: startMs + day * dayMs, indexMl: day });
  for (const day of [1, 3]) {
    rig.append([row(day)]);
    await rig.store.flush(rig.runner);
  }
  const lastOf = () => {
    rig.reopen();
    const { readings, damage } = rig.store.last(1);
    return [readings.map(({ counts }) => counts.indexMl), damage.length];
  };
  expect(lastOf()).toEqual([[3], 0]);
  const [older = "", newer = ""] = [...files.keys()].sort();
  const kept = files.get(newer) ?? [];
  files.delete(newer);
  expect(lastOf()).toEqual([[1], 1]);
  files.set(newer, kept);
  files.delete(older);
  expect(lastOf()).toEqual([[3], 0]);
});
