/** The register decision table, a line a register value. */
import { describe, expect, test } from "vitest";
import { flagNames } from "#domain/reading.ts";
import { hourMs, timestampMs, volumeMl } from "#domain/units.ts";
import { judgeRegister, type RegisterState } from "#screening/judgeRegister.ts";

/** G4 with a quantum of 10 l and five digits: 7.2 m³ may pass in an hour. */
const settings = {
  qmaxMlPerHour: 6_000_000,
  quantumMl: 10_000,
  registerRangeMl: 100_000_000_000,
};

/** Hour, register in litres, flags, consumption in litres. */
type Line = readonly [number, number, readonly string[], number | null];

function expectVerdicts(lines: readonly Line[]): void {
  let state: RegisterState = null;
  for (const [hour, litres, flags, consumed] of lines) {
    const atMs = timestampMs(hour * hourMs);
    const verdict = judgeRegister(settings, state, atMs, volumeMl(litres * 1_000));
    const seen = [hour, litres, flagNames(verdict.flags), verdict.consumedMl];
    expect(seen).toEqual([hour, litres, flags, consumed === null ? null : consumed * 1_000]);
    expect(verdict.isTrusted).toBe(consumed !== null || state === null);
    state = verdict.state;
  }
}

describe("a register", () => {
  test("counts up", () => {
    expectVerdicts([
      [0, 500_000, [], null],
      [1, 500_350, [], 350],
      [2, 500_350, [], 0],
    ]);
  });

  test("may pass 1.2 Qmax and two quanta, and no more; one spike does not spoil the next value", () => {
    expectVerdicts([
      [0, 500_000, [], null],
      [1, 507_220, [], 7_220],
      [2, 514_441, ["RANGE"], null],
      [3, 507_300, [], 80],
    ]);
  });

  test("a thousand times too much (litres taken for cubic metres) is not believed", () => {
    expectVerdicts([
      [0, 500_000, [], null],
      [1, 500_000_000, ["RANGE"], null],
    ]);
  });

  test("goes round at the end of its range", () => {
    expectVerdicts([
      [0, 99_999_900, [], null],
      [1, 150, ["ROLLOVER"], 250],
    ]);
  });

  test("does not go round from the middle, nor faster than gas can flow", () => {
    expectVerdicts([
      [0, 50_000_000, [], null],
      [1, 5_000_000, ["REGISTER_BACK"], null],
    ]);
    expectVerdicts([
      [0, 99_000_000, [], null],
      [1, 1_000_000, ["REGISTER_BACK"], null],
    ]);
  });

  test("says zero once: not believed, and the next value goes on where it was", () => {
    expectVerdicts([
      [0, 500_000, [], null],
      [1, 0, ["REGISTER_ZERO"], null],
      [2, 500_100, [], 100],
    ]);
  });

  test("two quanta back is the index finding its electronics again, three are not", () => {
    expectVerdicts([
      [0, 500_000, [], null],
      [1, 499_980, ["RESYNC"], null],
      [2, 499_970, ["REGISTER_BACK"], null],
      [3, 500_010, [], 10],
    ]);
  });
});

test("a negative register is never believed, not even as the first", () => {
  const verdict = judgeRegister(settings, null, timestampMs(0), volumeMl(-1));
  expect(flagNames(verdict.flags)).toEqual(["NEGATIVE"]);
  expect(verdict).toMatchObject({ isTrusted: false, state: null });
});
