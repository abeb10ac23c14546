/** Which instant a reading gets, and what is said about the clock it came from. */
import { expect, test } from "vitest";
import { flagNames } from "#domain/reading.ts";
import { emptyReading } from "#domain/telegram.ts";
import { dayMs, hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import { placeInTime } from "#screening/placeInTime.ts";

const receivedAtMs = timestampMs(Date.UTC(2026, 10, 22, 8));

/** Distances to the receipt in minutes, as the meter says them; null: no date. */
function placed(...minutes: readonly (number | null)[]) {
  const readings = minutes.map((minute) => ({
    ...emptyReading,
    measuredAtMs: minute === null ? null : timestampMs(receivedAtMs + minute * minuteMs),
  }));
  const result = placeInTime(readings, receivedAtMs);
  const rows = result.placed.map(({ measuredAtMs, flags }) => [
    (measuredAtMs - receivedAtMs) / minuteMs,
    ...flagNames(flags),
  ]);
  return { rows, unplaced: result.unplaced };
}

const minutesOf = (ms: number) => ms / minuteMs;

test.each([
  ["on time", -1, [-1]],
  ["ten minutes ahead is believed", 10, [10]],
  ["more is not: the receipt stands in", 11, [0, "TIME_FUTURE"]],
  ["an hour is still timely", -60, [-60]],
  ["longer is late", -61, [-61, "LATE"]],
  ["a year old is history", -minutesOf(365 * dayMs), [-minutesOf(365 * dayMs), "LATE"]],
  ["older than the meter's memory is no date", -minutesOf(401 * dayMs), [0, "TIME_INVALID"]],
  ["no date at all", null, [0, "TIME_INVALID"]],
])("%s", (_what, minute, row) => {
  expect(placed(minute).rows).toEqual([row]);
});

test("a clock that is off by days shifts the older readings of its upload along", () => {
  const ahead = minutesOf(3 * dayMs);
  expect(placed(ahead, ahead - 60, ahead - 120).rows).toEqual([
    [0, "TIME_FUTURE"],
    [-60, "TIME_FUTURE"],
    [-120, "TIME_FUTURE", "LATE"],
  ]);
});

test("older readings that cannot be placed are left out and counted", () => {
  const { rows, unplaced } = placed(0, null, minutesOf(hourMs), -60);
  expect(rows).toEqual([[0], [-60]]);
  expect(unplaced).toBe(2);
});
