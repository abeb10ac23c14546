/** The limits of our own state as tables: what is told, and that none chatters at its edge. */
import { expect, test } from "vitest";
import type { ConditionLevel } from "#domain/alarm.ts";
import { hourMs } from "#domain/units.ts";
import {
  judgeClock,
  judgeDisk,
  judgeHeartbeat,
  judgeLag,
  type LagState,
} from "#selfwatch/judge.ts";

test.each<readonly [ConditionLevel, number, ConditionLevel]>([
  [0, 1, 0],
  [0, 0.2, 0],
  [0, 0.199, 1],
  [0, 0.1, 1],
  [0, 0.099, 2],
  [0, 0, 2],
  [1, 0.219, 1],
  [1, 0.22, 0],
  [1, 0.1, 1],
  [1, 0.099, 2],
  [2, 0.119, 2],
  [2, 0.121, 1],
  [2, 0.219, 1],
  [2, 0.5, 0],
])("disk at level %i with %f free: level %i", (before, freeShare, level) => {
  expect(judgeDisk(before, freeShare)).toBe(level);
});

test.each([
  [0, 0],
  [5_000, 0],
  [-5_000, 0],
  [5_001, 1],
  [-5_001, 1],
  [hourMs, 1],
  [-8_766 * hourMs, 1],
])("a clock that stands %i ms apart: level %i", (apartMs, level) => {
  expect(judgeClock(apartMs)).toBe(level);
});

test.each([
  [0, 0],
  [1, 0],
  [2, 1],
  [9, 1],
])("%i heartbeats lost in a row: level %i", (failures, level) => {
  expect(judgeHeartbeat(failures)).toBe(level);
});

function levelsOf(lags: readonly number[]): readonly number[] {
  let state: LagState = { level: 0, looksAgainst: 0 };
  return lags.map((lagMs) => (state = judgeLag(state, lagMs)).level);
}

test.each<readonly [string, readonly number[], readonly number[]]>([
  ["the limit itself is not over it", [5_000, 5_000, 5_000, 5_000], [0, 0, 0, 0]],
  ["three looks over it", [6_000, 7_000, 8_000], [0, 0, 1]],
  ["a stop of the whole process", [60_000, 0, 60_000, 60_000, 0], [0, 0, 0, 0, 0]],
  [
    "ten looks under half of it end it",
    [6_000, 6_000, 6_000, 3_000, ...Array.from({ length: 10 }, () => 100)],
    [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0],
  ],
])("lag: %s", (_what, lags, levels) => {
  expect(levelsOf(lags)).toEqual(levels);
});
