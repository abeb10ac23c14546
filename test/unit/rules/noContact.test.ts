import { expect, test } from "vitest";
import { hourMs } from "#domain/units.ts";
import { noContact } from "#rules/noContact.ts";
import { factoryTuning } from "#rules/tuning.ts";
import { days, hours, minutes } from "./story.ts";

test.each([
  // period, silent for, level
  [days(1), hours(25), 0],
  [days(1), hours(48), 0],
  [days(1), hours(49), 1],
  [days(1), hours(71), 1],
  [days(1), hours(72), 1],
  [days(1), hours(73), 2],
  [hours(1), minutes(119), 0],
  [hours(1), minutes(126), 1],
  [hours(1), days(3) - 1, 1],
  [hours(1), days(3), 2],
  [days(7), days(13), 0],
  [days(7), days(15), 1],
  [days(7), days(21), 1],
  [days(7), days(21) + hourMs, 2],
  [days(1), -hours(5), 0],
])("a report every %i ms, silent for %i ms: level %i", (everyMs, silentMs, level) => {
  expect(noContact(factoryTuning.R12, everyMs, days(100), days(100) + silentMs).level).toBe(level);
});

test("the proof is the silence", () => {
  expect(noContact(factoryTuning.R12, days(1), days(100), days(103.5)).proof).toEqual({
    silentMs: days(3.5),
    missedReports: 3,
    reportEveryMs: days(1),
  });
});
