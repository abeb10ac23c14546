/** What the checks on use are given: stretches between registers, and for how long a valve was open. */
import { expect, test } from "vitest";
import { registerChain } from "#billing/registerChain.ts";
import { intervalsOf, notShutMs, usedIn } from "#billing/useOf.ts";
import type { RegisterReading } from "#domain/billing.ts";
import { readingFlags } from "#domain/reading.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import { dayMs, hourMs, timestampMs, volumeMl } from "#domain/units.ts";

const small = { size: "G4", quantumMl: 1_000, registerRangeMl: 10_000_000_000 } as const;
const large = { ...small, size: "G25" } as const;

function reading(hour: number, litres: number, flags = 0): RegisterReading {
  const measuredAtMs = timestampMs(hour * hourMs);
  const indexMl = volumeMl(litres * 1_000);
  return { measuredAtMs, receivedAtMs: measuredAtMs, indexMl, quality: "validated", flags };
}

const words = { formerSerial: null, serial: null, reason: "age", by: "Wang", enteredAtMs: 0 };
const chain = registerChain({
  kind: large,
  sinceMs: 0,
  untilMs: Infinity,
  readings: [
    reading(0, 5_000),
    reading(1, 5_100),
    // A clock without a date: when it was read is not known.
    reading(1.1, 5_300, readingFlags.TIME_INVALID),
    reading(2, 5_300),
    reading(4, 600),
  ],
  exchanges: [{ atMs: 3 * hourMs, closingMl: 5_400_000, openingMl: 0, former: small, ...words }],
  decisions: [],
  billed: new Map(),
});

test("stretches have the size of the meter of that time, and none begins where the time is ours", () => {
  const found = intervalsOf(chain, { fromMs: 1.5 * hourMs, toMs: 4 * hourMs });
  expect(
    found.map(({ fromMs, toMs, ml, qmaxMlPerHour }) => [fromMs, toMs, ml, qmaxMlPerHour]),
  ).toEqual([
    [hourMs, 2 * hourMs, 200_000, 6_000_000],
    [2 * hourMs, 3 * hourMs, 100_000, 6_000_000],
    [3 * hourMs, 4 * hourMs, 600_000, 40_000_000],
  ]);
});

test("what was used goes over an exchange, and is not known where an end is not", () => {
  const used = (from: number, to: number) =>
    usedIn(chain, { fromMs: from * hourMs, toMs: to * hourMs }, 2 * dayMs);
  expect([used(0, 4), used(1, 3), used(-1, 4), used(0, 52), used(0, 53)]).toEqual([
    1_000_000,
    300_000,
    null,
    1_000_000,
    null,
  ]);
});

test.each<readonly [string, readonly (readonly [number, ValvePosition | null])[], number]>([
  ["never heard of", [], 10],
  [
    "heard open",
    [
      [0, "open"],
      [5, "open"],
    ],
    10,
  ],
  ["shut from the beginning", [[-1, "closed"]], 0],
  [
    "shut on the way, and open again",
    [
      [0, "open"],
      [4, null],
      [5, "closed"],
      [8, "open"],
    ],
    7,
  ],
  ["shut behind the end", [[11, "closed"]], 10],
])("%s", (_name, reports, hours) => {
  const rows = reports.map(([hour, valve]) => ({ measuredAtMs: hour * hourMs, valve }));
  expect(notShutMs(rows, { fromMs: 0, toMs: 10 * hourMs })).toBe(hours * hourMs);
});
