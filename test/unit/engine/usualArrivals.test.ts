/** What is usual at this time of day, and when fewer are too few. */
import { expect, test } from "vitest";
import { hourMs, minuteMs } from "#domain/units.ts";
import {
  judgeArrivals,
  learnArrivals,
  openUsual,
  slotNoAt,
  usualAt,
  type UsualArrivals,
} from "#engine/usualArrivals.ts";

function learned(...counts: readonly number[]): UsualArrivals {
  return counts.reduce((usual, count) => learnArrivals(usual, 7, count), openUsual(undefined));
}

const days = (count: number, each: number) => learned(...Array.from({ length: count }, () => each));

test.each<readonly [string, UsualArrivals, number, string]>([
  ["nothing is known", days(0, 0), 0, "unknown"],
  ["two days are not enough", days(2, 1_000), 0, "unknown"],
  ["three days are", days(3, 1_000), 0, "low"],
  ["70 % is enough", days(7, 1_000), 700, "usual"],
  ["less is not", days(7, 1_000), 699, "low"],
  ["a night is silent by its own history", days(7, 3), 0, "unknown"],
  ["too few to tell", days(7, 39), 0, "unknown"],
  ["few, and none of them", days(7, 40), 0, "low"],
  ["few, and chance may have taken some", days(7, 40), 20, "unknown"],
  ["more than usual", days(7, 40), 400, "usual"],
])("%s", (_what, usual, count, verdict) => {
  expect(judgeArrivals(usual, 7, count)).toBe(verdict);
  // The same time on another day, and no other time.
  expect(judgeArrivals(usual, 7 + 144, count)).toBe(verdict);
  expect(judgeArrivals(usual, 8, count)).toBe("unknown");
});

test("a flood of old values does not make tomorrow look empty", () => {
  const usual = learnArrivals(days(7, 1_000), 7, 1_000_000);
  expect(judgeArrivals(usual, 7, 1_000)).toBe("usual");
});

test("a fleet of half the size is the usual one within a week", () => {
  let usual = days(7, 1_000);
  const verdicts = Array.from({ length: 8 }, () => {
    const verdict = judgeArrivals(usual, 7, 500);
    usual = learnArrivals(usual, 7, 500);
    return verdict;
  });
  expect(verdicts[0]).toBe("low");
  expect(verdicts.at(-1)).toBe("usual");
});

test("a fleet that grows from nothing is learned", () => {
  let usual = days(7, 0);
  for (let day = 0; day < 60; day += 1) usual = learnArrivals(usual, 7, 1_000);
  expect(usualAt(usual, 7)).toBeGreaterThan(900);
});

test("what comes at the full hour, a little early or late, falls in one slot", () => {
  const hour = 1_000 * hourMs;
  expect(slotNoAt(hour - 4 * minuteMs)).toBe(slotNoAt(hour + 4 * minuteMs));
});

test("what the ledger keeps is read again", () => {
  const usual = days(5, 123);
  expect(openUsual(JSON.stringify(usual))).toEqual(usual);
});
