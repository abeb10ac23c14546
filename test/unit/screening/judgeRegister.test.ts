/** The register decision table, a line a register value. */
import { describe, expect, test } from "vitest";
import { flagNames, readingFlags } from "#domain/reading.ts";
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

  test("a telegram of zeros near the end of the range is no round; a value behind it shows one", () => {
    expectVerdicts([
      [0, 99_999_900, [], null],
      [1, 0, ["REGISTER_ZERO"], null],
      [2, 99_999_950, [], 50],
      [3, 0, ["REGISTER_ZERO"], null],
      [4, 150, ["ROLLOVER"], 200],
    ]);
  });

  test("what was no round when it came does not become one because time has passed", () => {
    // Another meter, which nobody entered: 45 m³ short of the end, and 12 hours later they could have passed.
    expectVerdicts([
      [0, 99_955_000, [], null],
      [1, 10_000, ["REGISTER_ZERO"], null],
      [12, 10_500, ["REGISTER_ZERO"], null],
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

describe("a register that has gone back", () => {
  const { REGISTER_BACK, REGISTER_ZERO, RESUMED } = readingFlags;

  /** Hour and register in litres; what the rules may use of each. */
  function follow(lines: readonly (readonly [number, number])[]) {
    let state: RegisterState = null;
    return lines.map(([hour, litres]) => {
      const atMs = timestampMs(hour * hourMs);
      const verdict = judgeRegister(settings, state, atMs, volumeMl(litres * 1_000));
      state = verdict.state;
      const { flags, isTrusted, resumed } = verdict;
      return { flags, isTrusted, litres: resumed === null ? null : resumed.consumedMl / 1_000 };
    });
  }

  test("is followed by the rules once it counts plausibly, and is never trusted by itself", () => {
    const judged = follow([
      [0, 900_000],
      [1, 1_200],
      [2, 1_300],
      [3, 1_450],
      [4, 1_450],
      [200, 1_600],
    ]);
    expect(judged.slice(1).every(({ isTrusted }) => !isTrusted)).toBe(true);
    expect(judged.map(({ litres }) => litres)).toEqual([null, null, null, 150, 0, 150]);
    expect(judged.at(-1)?.flags).toBe(REGISTER_BACK | RESUMED);
  });

  test("proves nothing while it stands at zero, and the old register is taken up again", () => {
    const judged = follow([
      [0, 900_000],
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 0],
      [5, 900_100],
    ]);
    expect(judged[4]).toEqual({ flags: REGISTER_ZERO, isTrusted: false, litres: null });
    expect(judged[5]).toEqual({ flags: 0, isTrusted: true, litres: null });
  });

  test("starts anew with every value that does not fit the one before", () => {
    const judged = follow([
      [0, 900_000],
      [1, 1_000],
      [2, 100_000],
      [3, 2_000],
      [4, 2_100],
      [5, 2_050],
    ]);
    expect(judged.every(({ litres }) => litres === null)).toBe(true);
  });
});
