/** Two readings for one instant: which came first must not matter. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { flagNames, type Reading } from "#domain/reading.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { oneOf, settleVersion } from "#screening/versions.ts";

const blank: Reading = {
  measuredAtMs: timestampMs(1_000),
  receivedAtMs: timestampMs(2_000),
  deviceAtMs: timestampMs(1_000),
  indexMl: null,
  rawCount: null,
  rawExponent: null,
  flowMlPerHour: null,
  temperatureCentiC: null,
  pressurePa: null,
  batteryMv: null,
  batteryPct: null,
  signalDbm: null,
  valve: null,
  status: null,
  quality: "raw",
  flags: 0,
  uplinkSeq: 1,
};

const withIndex = (ml: number): Reading => ({ ...blank, indexMl: volumeMl(ml) });

test("the first is new, the same is a duplicate, less is a duplicate too", () => {
  const known = { ...withIndex(5_000), batteryMv: 3_600 };
  expect(settleVersion([], known)).toEqual({ kind: "new" });
  expect(settleVersion([known], { ...known, uplinkSeq: 2 })).toEqual({ kind: "duplicate" });
  expect(settleVersion([known], withIndex(5_000))).toEqual({ kind: "duplicate" });
});

test("what the record lacked is completed", () => {
  const settled = settleVersion([withIndex(5_000)], { ...blank, batteryMv: 3_600 });
  expect(settled).toMatchObject({
    kind: "completes",
    merged: { indexMl: 5_000, batteryMv: 3_600 },
  });
});

test("another register is a conflict: neither is trusted", () => {
  expect(settleVersion([withIndex(5_000)], withIndex(6_000))).toEqual({ kind: "conflicts" });
  const seen = oneOf([withIndex(5_000), withIndex(6_000)]);
  expect(seen?.indexMl).toBeNull();
  expect(flagNames(seen?.flags ?? 0)).toEqual(["CONFLICT"]);
});

test("of two positions for one instant neither counts as closed", () => {
  const settled = settleVersion([{ ...withIndex(5_000), valve: "open" }], {
    ...withIndex(5_000),
    valve: "closed",
  });
  expect(settled).toMatchObject({ kind: "completes", merged: { valve: "unknown" } });
});

const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const anyReading = fc
  .record({
    indexMl: maybe(fc.constantFrom(volumeMl(5_000), volumeMl(6_000))),
    batteryMv: maybe(fc.integer({ min: 3_000, max: 3_700 })),
    valve: maybe(fc.constantFrom("open", "closed", "fault", "unknown")),
    status: maybe(fc.integer({ min: 0, max: 7 })),
  })
  .map((said): Reading => ({ ...blank, ...said }));

test.prop([fc.array(anyReading, { minLength: 1, maxLength: 5 }), fc.infiniteStream(fc.nat())])(
  "what the rules see of one instant does not depend on the order",
  (versions, order) => {
    const shuffled = versions
      .map((version) => ({ version, rank: order.next().value ?? 0 }))
      .sort((one, other) => one.rank - other.rank)
      .map(({ version }) => version);
    expect(oneOf(shuffled)).toEqual(oneOf(versions));
  },
);
