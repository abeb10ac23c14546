import { expect, test } from "vitest";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { throughExchange } from "#engine/exchange.ts";

const hourMs = 3_600_000;
const former = { size: "G4", quantumMl: 10_000, registerRangeMl: 100_000_000_000 } as const;

function carriedMl(beforeMl: number, closingMl: number): number {
  const before = { atMs: timestampMs(0), indexMl: volumeMl(beforeMl) };
  const exchange = { atMs: hourMs, closingMl, openingMl: 0, former };
  return throughExchange([exchange], before, 2 * hourMs).carriedMl;
}

test("what the former meter still passed counts, over the end of its register too", () => {
  expect(carriedMl(500_000, 900_000)).toBe(400_000);
  expect(carriedMl(99_999_900_000, 300_000)).toBe(400_000);
});

test("a closing register below a false one that was believed is no round of the register", () => {
  expect(carriedMl(5_400_000, 500_000)).toBe(0);
});
