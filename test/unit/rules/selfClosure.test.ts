/** R21: days left by a meter's own setting, from the last uplink that was taken. */
import { expect, test } from "vitest";
import { dayMs, hourMs } from "#domain/units.ts";
import { selfClosure } from "#rules/selfClosure.ts";
import { factoryTuning } from "#rules/tuning.ts";

const stage = (selfClosesAfterDays: number | null, silentHours: number, reportEveryMs = dayMs) =>
  selfClosure(
    factoryTuning.R21,
    { selfClosesAfterDays, reportEveryMs },
    1_000,
    1_000 + silentHours * hourMs,
  )?.stage ?? "-";

test.each([
  // setting, then hours of silence and what they come to
  [5, [0, 47, 48, 71, 72, 119, 120, 999], "- - coming coming near near passed passed"],
  // Of a short setting half is warning, and a report must have been missed.
  [2, [12, 26, 27, 47, 48], "- - near near passed"],
  [1, [11, 23, 26, 27], "- - - passed"],
  [30, [26, 27 * 24 - 1, 27 * 24, 28 * 24, 30 * 24], "- - coming near passed"],
  [null, [0, 999], "- -"],
] as const)("a meter that shuts itself after %s days", (days, hours, stages) => {
  expect(hours.map((silent) => stage(days, silent)).join(" ")).toBe(stages);
});

test("an hourly meter with a setting of a day is told of in its second half", () => {
  expect([1, 2, 11, 12, 23, 24].map((silent) => stage(1, silent, hourMs)).join(" ")).toBe(
    "- coming coming near near passed",
  );
});

test("the proof says when", () => {
  const closure = selfClosure(
    factoryTuning.R21,
    { selfClosesAfterDays: 5, reportEveryMs: dayMs },
    Date.UTC(2026, 10, 1, 6),
    Date.UTC(2026, 10, 4, 6),
  );
  expect(closure).toMatchObject({
    level: 2,
    proof: { stage: "near", silentMs: 3 * dayMs, shutsAt: "2026-11-06T06:00:00.000Z" },
  });
});
