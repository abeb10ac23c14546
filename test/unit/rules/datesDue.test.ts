/** R17 and R18: dates by the calendar of the place, and heartbeats by our clock. */
import { expect, test } from "vitest";
import { hourMs, minuteMs } from "#domain/units.ts";
import { datesDue } from "#rules/datesDue.ts";
import { detectorSilent } from "#rules/detectorSilent.ts";
import { factoryTuning } from "#rules/tuning.ts";

const { R17, R18 } = factoryTuning;

/** At midnight in China, and a moment before. */
const midnight = (day: string) => Date.parse(`${day}T00:00:00+08:00`);
const at = (nowMs: number, verificationDueOn: string | null, retirementDueOn: string | null) =>
  datesDue(R17, { verificationDueOn, retirementDueOn }, nowMs)?.proof["daysBefore"] ?? "-";

test("a leap day is a day, and a year without one has none", () => {
  // due, first reminder at midnight of this day, second, day itself
  const lines = [
    ["2028-03-01", "2028-01-31", "2028-02-23", "2028-03-01"],
    ["2027-03-01", "2027-01-30", "2027-02-22", "2027-03-01"],
    ["2028-02-29", "2028-01-30", "2028-02-22", "2028-02-29"],
    ["2027-01-15", "2026-12-16", "2027-01-08", "2027-01-15"],
  ] as const;
  for (const [due, first, second, day] of lines) {
    expect([at(midnight(first) - 1, due, null), at(midnight(first), due, null)]).toEqual(["-", 30]);
    expect([at(midnight(second) - 1, due, null), at(midnight(second), due, null)]).toEqual([30, 7]);
    expect([at(midnight(day) - 1, due, null), at(midnight(day), due, null)]).toEqual([7, 0]);
  }
});

test("the nearer date speaks, and says which it is", () => {
  const dates = { verificationDueOn: "2027-06-01", retirementDueOn: "2027-05-20" };
  const due = datesDue(R17, dates, midnight("2027-05-20") + 5 * hourMs);
  expect(due).toEqual({
    level: 2,
    proof: { what: "retirement", dueOn: "2027-05-20", daysBefore: 0 },
    sinceMs: midnight("2027-05-20"),
  });
  expect(at(midnight("2027-05-20"), null, null)).toBe("-");
  expect(at(midnight("2031-01-01"), "2027-06-01", null)).toBe(0);
});

test("one heartbeat may be lost, two may not", () => {
  const level = (silentMs: number) => detectorSilent(R18, 5 * minuteMs, 0, silentMs).level;
  expect([5, 9, 10, 10.1, 60].map((minutes) => level(minutes * minuteMs))).toEqual([0, 0, 0, 1, 1]);
});
