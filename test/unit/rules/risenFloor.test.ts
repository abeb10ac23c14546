/** R5 where a boiler burns in every hour: the least that a house burns has risen, and more than weather makes. */
import { expect, test } from "vitest";
import { continuousUse, type ContinuousUseState } from "#rules/continuousUse.ts";
import type { RuleSettings } from "#rules/rule.ts";
import { days, foldLevels, g4, hours, litres, readingsOf, reports } from "./story.ts";

const fine: RuleSettings = { ...g4, quantumMl: 1_000 };

/** A boiler that cycles, never twice alike: from `least` to three times as much. */
const boiler = (least: number, hour: number) => least * (1 + ((hour * 7_919) % 31) / 15);

interface House {
  readonly least: number;
  /** More in every hour, from a day on, for so many hours. */
  readonly more: number;
  readonly fromDay: number;
  readonly forHours: number;
}

function register({ least, more, fromDay, forHours }: House): readonly number[] {
  let flowed = 0;
  return Array.from({ length: 24 * (fromDay + 4) }, (_, hour) => {
    const since = hour - 24 * fromDay;
    flowed += boiler(least, hour) + (since >= 0 && since < forHours ? more : 0);
    return litres(flowed);
  });
}

function heated(house: House, settings = fine) {
  const volumes = register(house);
  const at = (atMs: number) => volumes[atMs / hours(1) - 1] ?? 0;
  const until = hours(volumes.length);
  return foldLevels(continuousUse, settings, reports(settings, hours(1), until, at));
}

const tap: House = { least: 150, more: 1_500, fromDay: 12, forHours: 48 };

test("an open tap on top of a boiler is told after 18 hours, and over when it is shut", () => {
  const seen = heated(tap);
  expect(seen.highest).toBe(1);
  expect(seen.last).toBe(0);
  expect(seen.firstAtMs(1)).toBe(days(12) + hours(19));
  expect(heated({ ...tap, forHours: 18 }).highest).toBe(0);
  // What it passes in whole days is not taken for usual.
  expect(heated({ ...tap, forHours: 96 }).last).toBe(1);
});

test("nothing is told before a week has shown how little the house burns", () => {
  expect(heated({ ...tap, fromDay: 7, forHours: 24 }).highest).toBe(0);
  expect(heated({ ...tap, fromDay: 9, forHours: 24 }).highest).toBe(1);
});

test.each([
  // usual least, more in every hour, level
  [150, 1_000, 0],
  [150, 1_100, 1],
  [60, 1_130, 0],
  [60, 1_150, 1],
  [400, 1_150, 0],
  [400, 1_300, 1],
])("least %i l/h and %i more: level %i", (least, more, level) => {
  expect(heated({ ...tap, least, more, forHours: 20 }).highest).toBe(level);
});

test("ovens burn as they are needed: only households are judged by their least hour", () => {
  const forHours = 30;
  expect(heated({ ...tap, forHours }, { ...fine, siteClass: "commercial" }).highest).toBe(0);
});

/** The level after each report, without those of some hours. */
function without(lost: (sinceHour: number) => boolean) {
  const lines = register(tap)
    .map((index, hour) => [hours(hour + 1), { index }] as const)
    .filter((_, hour) => !lost(hour - 24 * tap.fromDay));
  return foldLevels(continuousUse, fine, readingsOf(lines));
}

test("a lost report neither ends it nor proves it", () => {
  // The report after the lost one covers two hours, and both are missing in the eighteen.
  expect(without((since) => since === 5).firstAtMs(1)).toBe(days(12) + hours(21));
  expect(without((since) => since >= 0 && since % 2 === 0).highest).toBe(0);
});

test("a context from before this was kept learns from now on; the proof says what was usual", () => {
  const { risen: _, ...former } = continuousUse.initial;
  let state: ContinuousUseState = former;
  const volumes = register(tap);
  for (const reading of readingsOf(
    volumes.map((index, hour) => [hours(hour + 1), { index }] as const),
  )) {
    const before = continuousUse.level(state);
    state = continuousUse.step(fine, state, reading);
    if (continuousUse.level(state) === before) continue;
    expect(continuousUse.prove(fine, state, reading)).toEqual({
      ...{ by: "interval", aboveMlPerHour: 1_200_000, flowingMs: hours(19) },
      usualLeastMlPerHour: litres(160),
    });
    return;
  }
  throw new TypeError("nothing was told");
});
