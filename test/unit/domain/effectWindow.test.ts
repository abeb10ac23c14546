/** When an order can take effect, from the meter's habit. */
import { expect, test } from "vitest";
import { effectWindow } from "#domain/effectWindow.ts";
import { hourMs } from "#domain/units.ts";

const day = 24 * hourMs;

/** last heard (hours ago), gaps (hours), expected every (hours), earliest and latest (hours from now) */
test.each<[string, number | null, readonly number[], number, number, number | null]>([
  ["a daily meter that woke an hour ago", 1, [24, 24], 24, 23, 23],
  ["one whose wakes vary", 10, [23, 25, 24], 24, 13, 15],
  ["one that reports more often than the registry says", 1, [6, 6, 6], 24, 5, 23],
  ["one that is late within its habit", 25, [24, 30], 24, 0, 5],
  ["one that is overdue", 50, [24, 24], 24, 0, null],
  ["one that was never heard", null, [], 24, 0, null],
])("%s", (_, seen, gaps, every, earliest, latest) => {
  const nowMs = 100 * day;
  const habit = {
    lastSeenAtMs: seen === null ? null : nowMs - seen * hourMs,
    gapsMs: gaps.map((hours) => hours * hourMs),
    reportEveryMs: every * hourMs,
  };
  expect(effectWindow(habit, nowMs)).toEqual({
    earliestAtMs: nowMs + earliest * hourMs,
    latestAtMs: latest === null ? null : nowMs + latest * hourMs,
  });
});
