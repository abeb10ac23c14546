/** The newest readings at an instant are found from there back, and are those of a look at all of the past. */
import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect } from "vitest";
import type { StoredReading } from "#domain/reading.ts";
import type { ReadingValues } from "../../support/readingRows.ts";
import { storeRig } from "../../support/readingStore.ts";

const minuteMs = 60_000;
const yearMinutes = 525_600;
const endMs = Date.UTC(2026, 10, 28);
const meterNos = [1, 2, 3];

/** Minutes or years back, as often the one as the other, and where one look ends and the next begins. */
const agoMs = fc
  .oneof(
    fc.constantFrom(0, 180, 180 + 720, 180 + 720 + 2_880),
    fc
      .tuple(fc.integer({ min: 0, max: 22 }), fc.integer({ min: 0, max: 3 }))
      .map(([power, part]) => Math.min(5 * yearMinutes, 2 ** power + part)),
  )
  .map((minutes) => minutes * minuteMs);

const drawn = fc.record({
  meterNo: fc.constantFrom(1, 2),
  agoMs,
  indexMl: fc.option(fc.integer({ min: 1, max: 9 }), { freq: 4 }),
  quality: fc.constantFrom(0, 2, 3, 3),
  isRevised: fc.boolean(),
});

type Drawn = typeof drawn extends fc.Arbitrary<infer One> ? One : never;

function rowsOf({ agoMs: ago, isRevised, ...rest }: Drawn, seq: number): readonly ReadingValues[] {
  const row = { ...rest, measuredAtMs: endMs - ago, receivedAtMs: seq, seq, uplinkSeq: seq };
  if (!isRevised) return [row];
  return [row, { ...row, quality: (rest.quality + 1) % 4, revision: 1, revisedAtMs: seq }];
}

const conditions: readonly ((reading: StoredReading) => boolean)[] = [
  () => true,
  ({ indexMl, quality }) => indexMl !== null && quality !== "suspect",
  ({ flags }) => flags > 0,
];

property.prop(
  [
    fc.array(
      fc.tuple(fc.constantFrom("hot", "flush", "merge"), fc.array(drawn, { minLength: 1 })),
      {
        minLength: 1,
        maxLength: 5,
      },
    ),
    fc.array(agoMs, { minLength: 1, maxLength: 6 }),
  ],
  { numRuns: 30 },
)("the newest of a look back are the newest of all", async (parts, asked) => {
  const rig = storeRig();
  let seq = 0;
  for (const [then, readings] of parts) {
    rig.append(
      readings.flatMap((one) => {
        seq += 1;
        return rowsOf(one, seq);
      }),
    );
    if (then !== "hot") await rig.store.flush(rig.runner);
    if (then === "merge") await rig.store.maintain(rig.runner, endMs);
  }
  const { reads } = rig.store;
  for (const meterNo of meterNos) {
    for (const atMs of [...asked.map((ago) => endMs - ago), Infinity]) {
      const all = reads.inForce(meterNo, -Infinity, atMs).toReversed();
      for (const isWanted of conditions) {
        for (const count of [1, 3, 50]) {
          const found = reads.newest(meterNo, atMs, count, isWanted);
          expect(found).toEqual(all.filter(isWanted).slice(0, count));
        }
      }
    }
  }
});
