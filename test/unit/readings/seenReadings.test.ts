/** A walk over the whole fleet sees of each meter what a look-up by meter sees. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SeenReading, StoredReading } from "#domain/reading.ts";
import { dayMs, hourMs } from "#domain/units.ts";
import { memoryDisk, type ReadingValues } from "../../support/readingRows.ts";
import { storeRig, type StoreRig } from "../../support/readingStore.ts";

const startMs = Date.UTC(2026, 9, 29, 16);
const meterNos = [1, 2, 3, 5, 9] as const;

/** Few meters and hours, so that late, repeated and revised readings meet. */
const drawn = fc.record({
  meterNo: fc.constantFrom(...meterNos),
  hour: fc.integer({ min: 1, max: 96 }),
  indexMl: fc.option(
    fc.integer({ min: 1, max: 9 }).map((n) => n * 1_000),
    { freq: 5 },
  ),
  status: fc.constantFrom(null, 0, 1),
  valve: fc.constantFrom(null, 0, 1),
  pressurePa: fc.constantFrom(null, 2_000),
  isRevision: fc.boolean(),
});
const steps = fc.array(
  fc.tuple(
    fc.constantFrom("append", "append", "flush", "maintain" as const),
    fc.array(drawn, { minLength: 1, maxLength: 30 }),
  ),
  { minLength: 2, maxLength: 12 },
);
const spans = [
  [startMs, startMs + 5 * dayMs],
  [startMs + dayMs, startMs + 2 * dayMs],
  [startMs + 9 * dayMs, startMs + 10 * dayMs],
] as const;

function expectSame({ store }: StoreRig): void {
  for (const [fromMs, toMs] of spans) {
    const seen = store.reads.seen(fromMs, toMs);
    // The walk passes over some meters without looking.
    for (const meterNo of [1, 3, 4, 5, 9, 12]) {
      expect(seen(meterNo)).toEqual(store.reads.inForce(meterNo, fromMs, toMs).map(asSeen));
    }
  }
}

function asSeen(reading: StoredReading): SeenReading {
  const { measuredAtMs, receivedAtMs, deviceAtMs, indexMl, flowMlPerHour, flags } = reading;
  const { pressurePa, batteryMv, batteryPct, valve, status } = reading;
  return {
    ...{ measuredAtMs, receivedAtMs, deviceAtMs, indexMl, flowMlPerHour, flags },
    ...{ pressurePa, batteryMv, batteryPct, valve, status },
  };
}

property.prop([steps], { numRuns: 25 })(
  "hot, flushed and merged, late and revised: as by meter",
  async (course) => {
    const rig = storeRig({ chunkRows: 8 });
    let seq = 0;
    for (const [step, readings] of course) {
      const rows = readings.map(({ hour, isRevision, ...said }): ReadingValues => {
        seq += isRevision && seq > 0 ? 0 : 1;
        const measuredAtMs = startMs + hour * hourMs;
        const revision = isRevision ? seq * 100 + hour : null;
        return { ...said, seq, revision, measuredAtMs, receivedAtMs: measuredAtMs + seq, flags: 4 };
      });
      if (step === "append") rig.append(rows);
      if (step === "flush") await rig.store.flush(rig.runner);
      if (step === "maintain") await rig.store.maintain(rig.runner, startMs + 40 * dayMs);
    }
    expectSame(rig);
    rig.store.close();
    rig.db.close();
  },
  60_000,
);

test("a damaged chunk costs what it holds, and is told", async () => {
  const { disk, files } = memoryDisk();
  const rig = storeRig({ disk, chunkRows: 8 });
  rig.append(
    Array.from({ length: 60 }, (_none, place) => ({
      ...{ meterNo: 1 + (place % 3), measuredAtMs: startMs + (1 + (place % 20)) * hourMs },
      ...{ indexMl: place * 1_000, seq: place + 1, receivedAtMs: startMs + place },
    })),
  );
  await rig.store.flush(rig.runner);
  for (const content of files.values()) content[200] = (content[200] ?? 0) ^ 0xff;
  rig.reopen();
  const seen = rig.store.reads.seen(startMs, startMs + dayMs);
  const counts = [1, 2, 3].map((meterNo) => seen(meterNo).length);
  const byMeter = [1, 2, 3].map(
    (meterNo) => rig.store.reads.inForce(meterNo, startMs, startMs + dayMs).length,
  );
  expect(counts).toEqual(byMeter);
  expect(counts.reduce((sum, count) => sum + count)).toBeLessThan(60);
  expect(rig.store.damage().length).toBeGreaterThan(0);
  rig.store.close();
  rig.db.close();
});
