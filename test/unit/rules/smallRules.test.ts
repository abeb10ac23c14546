/** R8, R13, R14 and R16, a line a reading. */
import { describe, expect, test } from "vitest";
import { longNonUse } from "#rules/longNonUse.ts";
import { pressure } from "#rules/pressure.ts";
import { registerBack } from "#rules/registerBack.ts";
import { wrongClock } from "#rules/wrongClock.ts";
import { days, expectLevels, g4, hours, litres } from "./story.ts";

describe("R8, register back", () => {
  test("two lower values, not one; over when the register goes on", () => {
    expectLevels(registerBack, g4, [
      [hours(0), { index: litres(100) }, 0],
      [hours(1), { register: "back" }, 0],
      [hours(2), { index: litres(101) }, 0],
      [hours(3), { register: "back" }, 0],
      [hours(4), {}, 0],
      [hours(5), { register: "back" }, 1],
      [hours(6), { register: "back" }, 1],
      [hours(7), {}, 1],
      [hours(8), { register: "sound" }, 0],
    ]);
  });

  test("the meter's own word at once", () => {
    expectLevels(registerBack, g4, [
      [hours(0), { status: ["reverse_flow"] }, 1],
      [hours(1), { index: litres(1) }, 1],
      [hours(2), { status: [] }, 0],
    ]);
  });
});

describe("R13, pressure", () => {
  test("two values that agree, with a dead band", () => {
    expectLevels(pressure, g4, [
      [hours(0), { kpa: 2 }, 0],
      [hours(1), { kpa: 0.7 }, 0],
      [hours(2), { kpa: 2 }, 0],
      [hours(3), { kpa: 0.7 }, 0],
      [hours(4), { kpa: 0.75 }, 1],
      [hours(5), { kpa: 0.85 }, 1],
      [hours(6), { kpa: 0.85 }, 1],
      [hours(7), { kpa: 0.95 }, 1],
      [hours(8), { kpa: 0.95 }, 0],
    ]);
  });

  test("very low and very high are graver, the way there is not skipped by one odd value", () => {
    expectLevels(pressure, g4, [
      [hours(0), { kpa: 2 }, 0],
      [hours(1), { kpa: 0.1 }, 0],
      [hours(2), { kpa: 0.7 }, 1],
      [hours(3), { kpa: 0.2 }, 1],
      [hours(4), { kpa: 0.2 }, 2],
      [hours(5), { kpa: 2 }, 2],
      [hours(6), { kpa: 2 }, 0],
      [hours(7), { kpa: 5.2 }, 0],
      [hours(8), { kpa: 5.2 }, 2],
    ]);
  });

  test("behind a shut valve no pressure is no news", () => {
    expectLevels(pressure, g4, [
      [hours(0), { kpa: 2, valve: "closed" }, 0],
      [hours(1), { kpa: 0 }, 0],
      [hours(2), { kpa: 0 }, 0],
      [hours(3), { kpa: 0, valve: "open" }, 0],
      [hours(4), { kpa: 0 }, 2],
    ]);
  });

  test("an absolute value and another network are not judged; the meter's bit is", () => {
    const industry = { ...g4, siteClass: "industry" } as const;
    expectLevels(pressure, g4, [
      [hours(0), { kpa: 101.3 }, 0],
      [hours(1), { kpa: 101.3 }, 0],
    ]);
    expectLevels(pressure, industry, [
      [hours(0), { kpa: 10 }, 0],
      [hours(1), { kpa: 10 }, 0],
      [hours(2), { kpa: 10, status: ["low_pressure"] }, 1],
      [hours(3), { kpa: 10, status: [] }, 0],
    ]);
  });
});

describe("R14, long non-use", () => {
  test("a month, a quarter, and over with the first use", () => {
    expectLevels(longNonUse, g4, [
      [days(0), { index: litres(10) }, 0],
      [days(1), { index: litres(20) }, 0],
      [days(30), { index: litres(20) }, 0],
      [days(31), { index: litres(20) }, 1],
      [days(90), { index: litres(20) }, 1],
      [days(91), { index: litres(20) }, 2],
      [days(92), { index: litres(30) }, 0],
    ]);
  });

  test("while the valve is shut nothing can flow", () => {
    expectLevels(longNonUse, g4, [
      [days(0), { index: litres(10), valve: "open" }, 0],
      [days(31), { index: litres(10) }, 1],
      [days(32), { index: litres(10), valve: "closed" }, 0],
      [days(90), { index: litres(10) }, 0],
      [days(91), { index: litres(10), valve: "open" }, 0],
      [days(121), { index: litres(10) }, 1],
    ]);
  });
});

describe("R16, wrong clock", () => {
  test("two wrong times, with the right ones of old values between; two days of right ones end it", () => {
    expectLevels(wrongClock, g4, [
      [hours(0), { clock: "right" }, 0],
      [hours(1), { clock: "wrong" }, 0],
      [hours(2), {}, 0],
      [hours(24), { clock: "right" }, 0],
      [hours(25), { clock: "wrong" }, 1],
      [hours(26), { clock: "right" }, 1],
      [hours(74), { clock: "right" }, 1],
      [hours(75), { clock: "right" }, 0],
    ]);
  });

  test("one wrong time is a restart, and forgotten after two days", () => {
    expectLevels(wrongClock, g4, [
      [hours(0), { clock: "wrong" }, 0],
      [hours(50), { clock: "right" }, 0],
      [hours(51), { clock: "wrong" }, 0],
    ]);
  });

  test("the meter's own word at once", () => {
    expectLevels(wrongClock, g4, [
      [hours(0), { status: ["clock_fault"] }, 1],
      [hours(1), { status: [] }, 0],
    ]);
  });
});

test("rules that are not about a flow claim no floor", () => {
  for (const rule of [registerBack, pressure, longNonUse, wrongClock]) {
    expect(rule.floor(g4)).toBeNull();
  }
});
