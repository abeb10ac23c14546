import { expect, test } from "vitest";
import type { RuleSettings } from "#rules/rule.ts";
import { continuousUse } from "#rules/continuousUse.ts";
import {
  days,
  expectLevels,
  foldLevels,
  g4,
  hours,
  litres,
  minutes,
  readingsOf,
  reports,
} from "./story.ts";

/** Seen every hour: nothing, then one flow for so long, then nothing. */
function burning(settings: RuleSettings, litresPerHour: number, forHours: number) {
  const flowed = (atMs: number) =>
    litres(litresPerHour) * Math.min(forHours, Math.max(0, (atMs - hours(5.5)) / hours(1)));
  return foldLevels(
    continuousUse,
    settings,
    reports(settings, hours(1), hours(5.5 + forHours + 3), flowed),
  );
}

test.each([
  // band, flow in l/h, hours that are borne, hours that are not
  ["a hob", 300, 17, 20],
  ["the upper end of a hob", 790, 17, 20],
  ["a boiler", 2_200, 12, 15],
  ["more than both", 3_500, 2, 5],
])("%s", (_band, litresPerHour, borne, tooLong) => {
  expect(burning(g4, litresPerHour, borne).highest).toBe(0);
  const seen = burning(g4, litresPerHour, tooLong);
  expect(seen.highest).toBe(1);
  expect(seen.last).toBe(0);
  // The first whole hour of the flow begins at 6, half an hour after the flow itself.
  expect(seen.firstAtMs(1)).toBeLessThanOrEqual(hours(6 + borne + 1));
});

test("a pilot light burns for ever: below 1.5 Qmin nothing is judged", () => {
  const fine = { ...g4, quantumMl: 1_000 };
  expect(burning(fine, 59, 500).highest).toBe(0);
  expect(burning(fine, 80, 500).highest).toBe(1);
  // With steps of 10 l so little gas looks steady whatever it is.
  expect(burning(g4, 80, 500).highest).toBe(0);
});

test("cooking from morning to evening is not steady", () => {
  const hourly = [120, 90, 300, 80, 20, 250, 400, 90, 60, 30, 310, 350, 40, 20];
  let flowed = 0;
  const volumes = hourly.map((volume) => (flowed += litres(volume)));
  const readings = reports(g4, hours(1), hours(13), (atMs) => volumes[atMs / hours(1)] ?? 0);
  expect(foldLevels(continuousUse, g4, readings).highest).toBe(0);
});

test("a boiler that cycles through a cold night is not steady", () => {
  // 24 kW, 14 to 22 minutes an hour, as the wall thermostat wants it.
  const share = [0.31, 0.24, 0.36, 0.27, 0.33, 0.23, 0.35, 0.28, 0.37, 0.25, 0.3, 0.36, 0.26, 0.34];
  let flowed = 0;
  const volumes = [...share, ...share].map((part) => (flowed += litres(2_200 * part)));
  const readings = reports(g4, hours(1), hours(27), (atMs) => volumes[atMs / hours(1)] ?? 0);
  expect(foldLevels(continuousUse, g4, readings).highest).toBe(0);
});

test("cooking and showers on top of an open tap do not hide it", () => {
  const others = (hour: number) => (hour % 24 >= 18 && hour % 3 === 0 ? 400 : 0);
  let flowed = 0;
  const volumes = Array.from({ length: 31 }, (_, hour) => (flowed += litres(300 + others(hour))));
  const readings = reports(g4, hours(1), hours(31), (atMs) => volumes[atMs / hours(1) - 1] ?? 0);
  expect(foldLevels(continuousUse, g4, readings).last).toBe(1);
});

/** Litres in one hour after another, from when the meter is first seen. */
function hourly(settings: RuleSettings, litresOfHours: readonly number[]) {
  let flowed = 0;
  const volumes = litresOfHours.map((volume) => (flowed += litres(volume)));
  const until = hours(litresOfHours.length);
  const at = (atMs: number) => volumes[atMs / hours(1) - 1] ?? 0;
  return foldLevels(continuousUse, settings, reports(settings, hours(1), until, at));
}

/** An evening, a morning, a noon and an evening on top of 300 l/h. */
const busyHouse = [
  ...[0, 0, 170, 300, 300, 610, 540, 750, 680, 490, 300, 300, 300, 300, 300, 410, 410, 300, 300],
  ...[350, 350, 300, 300, 300, 300, 300, 450, 630, 470, 300, 300, 300, 300],
];

test("a day in which no hour passed less tells an open tap in a busy house", () => {
  expect(hourly(g4, busyHouse).highest).toBe(1);
  expect(hourly({ ...g4, quantumMl: 1_000 }, busyHouse).highest).toBe(1);
});

test("what was cooked alike for two hours before does not hide the tap", () => {
  const before = [250, 250, 700, 700, 600, 600];
  const open = Array.from({ length: 30 }, () => 300);
  expect(hourly(g4, [0, ...before, ...open]).last).toBe(1);
});

test("a registered pilot light burns for ever, also above 1.5 Qmin; a tap beside it does not", () => {
  const small = { ...g4, qminMlPerHour: 16_000, quantumMl: 1_000 };
  expect(burning(small, 27, 100).highest).toBe(1);
  const registered = { ...small, pilotMlPerHour: litres(25) };
  expect(burning(registered, 27, 100).highest).toBe(0);
  expect(burning(registered, 60, 100).highest).toBe(1);
});

test("a lost report neither hides an open tap nor proves one", () => {
  const whole = reports(g4, hours(1), hours(26), (atMs) => (litres(300) * atMs) / hours(1));
  const lost = readingsOf(
    Array.from({ length: 26 }, (_, hour) => hour)
      .filter((hour) => hour !== 9 && hour !== 17)
      .map((hour) => [hours(hour), { index: litres(300) * hour }] as const),
  );
  expect(foldLevels(continuousUse, g4, lost).last).toBe(1);
  const [first] = [whole, lost].map((readings) =>
    foldLevels(continuousUse, g4, readings).firstAtMs(1),
  );
  expect(first).toBeLessThan(foldLevels(continuousUse, g4, lost).firstAtMs(1) ?? 0);
});

test("what this site has done before is usual, up to a day", () => {
  let flowed = 0;
  const volume = new Map<number, number>();
  // Every third day one flow burns for 20 hours: the first time somebody should look, later not.
  for (let hour = 0; hour <= 24 * 30; hour += 1) {
    if (Math.floor(hour / 24) % 3 === 0 && hour % 24 < 20) flowed += litres(400);
    volume.set(hours(hour + 1), flowed);
  }
  const readings = reports(g4, hours(1), days(30), (atMs) => volume.get(atMs) ?? 0);
  let state = continuousUse.initial;
  const raised: number[] = [];
  for (const reading of readings) {
    const before = continuousUse.level(state);
    state = continuousUse.step(g4, state, reading);
    if (before === 0 && continuousUse.level(state) === 1) raised.push(reading.measuredAtMs);
  }
  expect(raised).toHaveLength(1);
});

test("a meter with daily values is not judged, nor is industry; the meter's own word counts for both", () => {
  const daily = reports(g4, days(1), days(20), (atMs) => (litres(7_200) * atMs) / days(1));
  expect(foldLevels(continuousUse, g4, daily).highest).toBe(0);
  const industry = { ...g4, siteClass: "industry" } as const;
  expect(burning(industry, 2_200, 100).highest).toBe(0);
  expectLevels(continuousUse, industry, [
    [minutes(0), { status: ["continuous_flow"] }, 1],
    [minutes(1), {}, 1],
    [minutes(2), { status: [] }, 0],
  ]);
});

test("states its floor: twenty steps of the register an hour, and more than a pilot light", () => {
  expect(continuousUse.floor(g4)).toEqual({ flowMlPerHour: 200_000, withinMs: hours(39) });
  const fine = { ...g4, quantumMl: 1_000 };
  expect(continuousUse.floor(fine)).toMatchObject({ flowMlPerHour: 60_000 });
});
