/** Checks on use, a case a test: what is found, and what looks like it and is nothing. */
import { expect, test } from "vitest";
import { dayMs, hourMs } from "#domain/units.ts";
import { checkUse, type UseInput } from "#screening/useChecks.ts";

const litre = 1_000;
const m3 = 1_000 * litre;

function hours(litres: readonly number[]) {
  return litres.map((one, hour) => ({
    fromMs: hour * hourMs,
    toMs: (hour + 1) * hourMs,
    ml: one * litre,
    qmaxMlPerHour: 6 * m3,
  }));
}

const month: UseInput = {
  fromMs: 0,
  toMs: 30 * dayMs,
  volumeMl: 30 * m3,
  intervals: [],
  lastYearMl: null,
  beforeMl: null,
  notShutMs: 30 * dayMs,
};

function found(change: Partial<UseInput>): readonly string[] {
  return checkUse({ ...month, ...change }).map(({ check }) => check);
}

const evenDay = Array.from({ length: 24 }, () => 500);

test.each([
  // Litres of the first hour, of a meter that may pass 6 m³ an hour, beside hours of 500.
  [500, []],
  // Beyond the factor, and nothing special for such a meter.
  [2_000, []],
  [4_000, ["spike"]],
])("an hour of %d l: %j", (litres, checks) => {
  expect(found({ intervals: hours([litres, ...evenDay.slice(1)]) })).toEqual(checks);
});

test("three high hours are use, and a day of few known hours tells nothing", () => {
  expect(found({ intervals: hours([4_000, 4_000, 4_000, ...evenDay.slice(3)]) })).toEqual([]);
  expect(found({ intervals: hours([4_000, 500, 500, 500]) })).toEqual([]);
});

test.each<readonly [Partial<UseInput>, readonly string[]]>([
  [{ lastYearMl: 9 * m3 }, ["high-use"]],
  [{ lastYearMl: 11 * m3 }, []],
  [{ lastYearMl: 91 * m3 }, ["low-use"]],
  // Last year's season is the same; against the month before more is allowed.
  [{ beforeMl: 7 * m3 }, []],
  [{ beforeMl: 5 * m3 }, ["high-use"]],
  [{ beforeMl: 5 * m3, lastYearMl: 29 * m3 }, []],
  [{ volumeMl: m3, beforeMl: 2 * litre }, []],
  [{ volumeMl: 0, beforeMl: 3 * m3 }, ["zero-use"]],
  [{ volumeMl: 0, beforeMl: 3 * m3, notShutMs: 13 * dayMs }, []],
  // A summer without heating, as last year; and one unlike last year's.
  [{ volumeMl: 0, beforeMl: 3 * m3, lastYearMl: 0 }, []],
  [{ volumeMl: 0, beforeMl: 0, lastYearMl: 3 * m3 }, ["zero-use"]],
  [{ volumeMl: 0, beforeMl: 0 }, []],
  [{ volumeMl: 0, beforeMl: 3 * m3, toMs: 13 * dayMs, notShutMs: 13 * dayMs }, []],
])("%j: %j", (change, checks) => {
  expect(found(change)).toEqual(checks);
});

test("more than 26 hours between two registers are a gap", () => {
  const interval = { fromMs: 0, ml: 0, qmaxMlPerHour: 6 * m3 };
  expect(found({ intervals: [{ ...interval, toMs: 26 * hourMs }] })).toEqual([]);
  expect(found({ intervals: [{ ...interval, toMs: 27 * hourMs }] })).toEqual(["gap"]);
  // Also where it only ends in the period.
  expect(found({ intervals: [{ ...interval, fromMs: -26 * hourMs, toMs: hourMs }] })).toEqual([
    "gap",
  ]);
});

test("a spike is one beside what the meter of that day was made for", () => {
  const day = hours([4_000, ...evenDay.slice(1)]);
  const larger = day.map((hour) => ({ ...hour, qmaxMlPerHour: 40 * m3 }));
  expect([found({ intervals: day }), found({ intervals: larger })]).toEqual([["spike"], []]);
});

test("an hour between two that were lost is no spike among half hours, nor is the day before the period", () => {
  const halves = evenDay.flatMap((_, hour) => [
    { ...hours([1_600])[0], fromMs: hour * hourMs, toMs: (hour + 0.5) * hourMs },
    { ...hours([1_600])[0], fromMs: (hour + 0.5) * hourMs, toMs: (hour + 1) * hourMs },
  ]) as UseInput["intervals"];
  const whole = { fromMs: 0, toMs: hourMs, ml: 5_000 * litre, qmaxMlPerHour: 6 * m3 };
  expect(found({ intervals: [whole, ...halves.slice(2)] })).toEqual([]);
  expect(found({ fromMs: dayMs, intervals: hours([4_000, ...evenDay.slice(1)]) })).toEqual([]);
});
