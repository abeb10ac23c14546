/** Order, delay and duplication of a meter's uplinks must not matter (architecture 5.2). */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { hourMs, minuteMs } from "#domain/units.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";

const period = 15 * minuteMs;

/** One step of a meter's true history: what it consumed and what it says. */
const step = fc.record({
  consumedMl: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 300 }).map((litres) => litres * 1_000) },
    { weight: 1, arbitrary: fc.constant(1_700_000) },
    { weight: 1, arbitrary: fc.constant(60_000_000) },
    { weight: 1, arbitrary: fc.constant(-400_000) },
  ),
  status: fc.subarray(
    ["leak", "battery_low", "magnet", "micro_flow", "over_flow", "reverse_flow", "low_pressure"],
    { maxLength: 2 },
  ),
  flowM3h: fc.constantFrom(undefined, undefined, "0.000", "2.400", "6.900"),
  pressureKpa: fc.constantFrom(undefined, undefined, "2.00", "0.70", "0.10"),
  saysStatus: fc.boolean(),
  valve: fc.constantFrom("open", "closed", undefined),
});

const history = fc.array(step, { minLength: 2, maxLength: 24 });

function uplinksOf(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) {
  let index = 1_000_000_000;
  return steps.map((one, place) => {
    index = Math.max(0, index + one.consumedMl);
    return jsonBytes({
      measuredAt: startMs - 12 * hourMs + place * period,
      volumeM3: (index / 1e6).toFixed(3),
      ...(one.saysStatus ? { status: one.status } : {}),
      ...(one.valve === undefined ? {} : { valve: one.valve }),
      ...(one.flowM3h === undefined ? {} : { flowM3h: one.flowM3h }),
      ...(one.pressureKpa === undefined ? {} : { pressureKpa: one.pressureKpa }),
    });
  });
}

/** What the books say, without what may depend on the time of arrival. */
function books(uplinks: readonly Uint8Array[], batchSizes: readonly number[]) {
  const engine = new EngineUnderTest();
  try {
    const meterNo = engine.register("M0001");
    let place = 0;
    for (let turn = 0; place < uplinks.length; turn += 1) {
      const size = batchSizes[turn % batchSizes.length] ?? 1;
      const batch = uplinks.slice(place, place + size).map((bytes) => ({ meterNo, bytes }));
      const report = engine.uplinks(batch);
      expect(report.kind).toBe("committed");
      place += size;
      engine.nowMs += 1_000;
      if (turn % 5 === 4) engine.restart();
    }
    const readings = engine.ledger.readingsAfter(meterNo, 0).map((reading) => ({
      at: reading.measuredAtMs,
      indexMl: reading.indexMl,
      status: reading.status,
      valve: reading.valve,
      quality: reading.quality,
      flags: reading.flags & ~4,
    }));
    const occurrences = engine.ledger
      .occurrencesAfter(meterNo, 0)
      .map(({ rule, raisedAtMs, returnedAtMs, level }) => ({
        rule,
        raisedAtMs,
        returnedAtMs,
        level,
      }))
      .sort(
        (one, other) => one.raisedAtMs - other.raisedAtMs || one.rule.localeCompare(other.rule),
      );
    const sorted = readings.sort(
      (one, other) => one.at - other.at || (one.indexMl ?? 0) - (other.indexMl ?? 0),
    );
    return { readings: sorted, occurrences };
  } finally {
    engine.close();
  }
}

test.prop(
  {
    steps: history,
    order: fc.array(fc.nat(), { minLength: 24, maxLength: 24 }),
    again: fc.array(fc.nat(), { maxLength: 6 }),
    batchSizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }),
  },
  { numRuns: 30 },
)("any order, delay and duplication gives the same registers and alarms", (given) => {
  const inOrder = uplinksOf(given.steps);
  const shuffled = inOrder
    .map((bytes, place) => ({ bytes, key: given.order[place] ?? 0 }))
    .sort((one, other) => one.key - other.key)
    .map(({ bytes }) => bytes);
  const repeated = given.again.flatMap((nat) => inOrder[nat % inOrder.length] ?? []);
  const expected = books(inOrder, [1]);
  const actual = books([...shuffled, ...repeated], given.batchSizes);
  expect(actual).toEqual(expected);
});
