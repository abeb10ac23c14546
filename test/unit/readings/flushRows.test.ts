/** A flush of so many rows that they are dealt out to groups: the same answers as of a plain list. */
import { expect, test } from "vitest";
import { verifyStore } from "#readings/verifyStore.ts";
import { randomOf } from "../../bench/readingsLoad.ts";
import type { ReadingValues } from "../../support/readingRows.ts";
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
    const rows = Array.from({ length: 1_000 }, (_none, at): ReadingValues => {
      // Crowded low numbers, and a few as high as there are.
      const meterNo = random() < 0.7 ? 1 + whole(12) : 67_108_863 - whole(12) * 9_000;
      const hour = 1 + whole(60);
      const indexMl = hour * 10_000 + (random() < 0.02 ? 1_000 : 0);
      const batteryMv = random() < 0.3 ? null : 3_500 + (meterNo % 7);
      const measuredAtMs = startMs + hour * hourMs;
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
  }
  expect(verifyStore(rig.store, rig.manifest)).toEqual([]);
});
