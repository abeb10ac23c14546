import { describe, expect, test } from "vitest";
import { detectionFloorMlPerHour, microLeak } from "#rules/microLeak.ts";
import { days, expectLevels, foldLevels, g4, hours, litres, minutes } from "./story.ts";
import { readingsOf, reports, type Line, type Said } from "./story.ts";

const fine = { ...g4, quantumMl: litres(1) };

/** Evening cooking, morning shower; nothing from 23:00 to 6:00 and from 9:00 to 19:30 of each day. */
function household(atMs: number): number {
  const day = Math.floor(atMs / days(1));
  const within = atMs - day * days(1);
  const part = (from: number, until: number, ml: number) =>
    ml * Math.min(1, Math.max(0, (within - hours(from)) / hours(until - from)));
  return day * litres(900) + part(6, 9, litres(500)) + part(19.5, 23, litres(400));
}
const leaking = (mlPerHour: number) => (atMs: number) => (mlPerHour * atMs) / hours(1);
const both = (mlPerHour: number) => (atMs: number) => household(atMs) + leaking(mlPerHour)(atMs);

test.each([
  // quantum ml, floor ml/h
  [10_000, 10_000 / 6],
  [1_000, 1_000],
  // Capped: no house is quiet for longer than a night.
  [100_000, 100_000 / 6],
  [100, 100],
])("a quantum of %i ml finds leaks of %i ml/h", (quantumMl, floor) => {
  expect(detectionFloorMlPerHour({ ...g4, quantumMl })).toBeCloseTo(floor, 6);
});

describe("a leak beside normal use is found after 10 days, and is worse after 30", () => {
  test.each([
    ["10 l pulse, hourly, 3 l/h (trap 12: most hours are zero)", g4, hours(1), 3_000],
    ["10 l pulse, hourly, 2 l/h", g4, hours(1), 2_000],
    ["10 l pulse, 15 minutes, 2 l/h", g4, minutes(15), 2_000],
    ["10 l pulse, every 90 minutes, 3 l/h", g4, minutes(90), 3_000],
    ["1 l pulse, hourly, 1 l/h", fine, hours(1), 1_000],
    ["1 l pulse, 15 minutes, 2 l/h", fine, minutes(15), 2_000],
  ])("%s", (_title, settings, everyMs, leak) => {
    const story = reports(settings, everyMs, days(32), both(leak));
    const { firstAtMs, last } = foldLevels(microLeak, settings, story);
    expect(firstAtMs(1)).toBeGreaterThanOrEqual(days(10));
    expect(firstAtMs(1)).toBeLessThan(days(10.6));
    expect(firstAtMs(2)).toBeGreaterThanOrEqual(days(30));
    expect(firstAtMs(2)).toBeLessThan(days(30.6));
    expect(last).toBe(2);
  });
});

test("a home with 10 l pulses that cooks from morning to evening does not ring", () => {
  const cooking = Array.from({ length: 32 * 24 }, (_, hour): [number, Said] => {
    const meals = [6, 12, 18, 19, 20].map((meal) =>
      Math.max(0, Math.floor((hour - meal) / 24) + 1),
    );
    return [hours(hour), { index: litres(100) * meals.reduce((sum, count) => sum + count, 0) }];
  });
  expect(foldLevels(microLeak, g4, readingsOf(cooking)).highest).toBe(0);
});

describe("a tight house never rings", () => {
  test.each([
    ["10 l pulse, hourly", g4, hours(1)],
    ["10 l pulse, 15 minutes", g4, minutes(15)],
    ["10 l pulse, daily", g4, days(1)],
    ["1 l pulse, hourly", fine, hours(1)],
    ["1 l pulse, 15 minutes", fine, minutes(15)],
    ["1 l pulse, daily", fine, days(1)],
    ["1 l pulse, every 6 hours", fine, hours(6)],
    ["10 l pulse, every 8 hours", g4, hours(8)],
  ])("%s", (_title, settings, everyMs) => {
    const story = reports(settings, everyMs, days(90), household);
    expect(foldLevels(microLeak, settings, story).highest).toBe(0);
  });
});

test("below the floor a pulse is rarer than the window: nothing is claimed", () => {
  const story = reports(g4, hours(1), days(60), leaking(800));
  expect(foldLevels(microLeak, g4, story).highest).toBe(0);
});

test("quiet quarters of an hour add up to a quiet hour, with one pulse between them they do not", () => {
  const quarters = (index: (quarter: number) => number): (readonly [number, Said])[] =>
    Array.from({ length: 4 * 24 * 11 }, (_, quarter) => [
      minutes(15 * quarter),
      { index: litres(index(quarter)) },
    ]);
  const pulseEach = (count: number) =>
    readingsOf(quarters((quarter) => Math.floor(quarter / count)));
  expect(foldLevels(microLeak, fine, pulseEach(4)).highest).toBe(1);
  expect(foldLevels(microLeak, fine, pulseEach(5)).highest).toBe(0);
});

test("a register finer than the pulse: litres within the window add up, too", () => {
  const litresEachHour = (perHour: number) =>
    readingsOf(
      Array.from({ length: 24 * 11 }, (_, hour): [number, Said] => [
        hours(hour),
        { index: Math.floor(perHour * hour) },
      ]),
    );
  expect(foldLevels(microLeak, g4, litresEachHour(1_700)).highest).toBe(1);
  expect(foldLevels(microLeak, g4, litresEachHour(1_400)).highest).toBe(0);
});

test("daily values: an unused day proves a tight house; a used day proves nothing", () => {
  const raised: Line[] = Array.from({ length: 24 * 10 + 1 }, (_, hour) => [
    hours(hour),
    { index: litres(10) * hour },
    hour >= 240 ? 1 : 0,
  ]);
  const at = litres(10) * 240;
  expectLevels(microLeak, g4, [
    ...raised,
    [days(11), { index: at + litres(300) }, 1],
    [days(12), { index: at + litres(600) }, 1],
    [days(12) + hours(1), { index: at + litres(610) }, 1],
    [days(40), { index: at + litres(9_000) }, 1],
    // Two windows of 10 h in a day, one pulse: one of them was quiet.
    [days(41), { index: at + litres(9_010) }, 0],
  ]);
});

/** Leaves out readings as a bad radio does, always the same ones. */
function lossy<Reading>(readings: readonly Reading[], keep: (at: number) => boolean): Reading[] {
  return readings.filter((_, at) => keep(at));
}

test("one lost report in fifty neither hides a leak nor makes one", () => {
  const lines = (flowed: (atMs: number) => number) =>
    Array.from({ length: 24 * 20 }, (_, hour): [number, Said] => [
      hours(hour),
      { index: Math.floor(flowed(hours(hour)) / 1_000) * 1_000 },
    ]);
  const keep = (at: number) => at % 50 !== 7;
  const leak = foldLevels(microLeak, fine, readingsOf(lossy(lines(both(2_000)), keep)));
  expect(leak.firstAtMs(1)).toBeLessThan(days(10.8));
  const tight = foldLevels(microLeak, fine, readingsOf(lossy(lines(household), keep)));
  expect(tight.highest).toBe(0);
});

test("a meter that reports only while people are up proves nothing about the nights", () => {
  const lines = Array.from({ length: 24 * 60 }, (_, hour): [number, Said] => [
    hours(hour),
    { index: litres(20) * hour },
  ]);
  const byDay = lossy(lines, (at) => at % 24 >= 8 && at % 24 <= 20);
  expect(foldLevels(microLeak, g4, readingsOf(byDay)).highest).toBe(0);
});

test("a new register segment is a gap, not a quiet time", () => {
  const lines = Array.from({ length: 24 * 11 }, (_, hour): [number, Said] => [
    hours(hour),
    { index: litres(10) * hour },
  ]);
  const readings = readingsOf(lines).map((reading, at) =>
    at >= 120 && at < 123 ? { ...reading, interval: null } : reading,
  );
  const { firstAtMs } = foldLevels(microLeak, g4, readings);
  expect(firstAtMs(1)).toBe(days(10) + hours(3));
});

test("two quiet half hours with a gap between them are not a quiet hour", () => {
  const raised = Array.from({ length: 24 * 10 + 1 }, (_, hour): [number, Said] => [
    hours(hour),
    { index: litres(1) * hour },
  ]);
  const half = readingsOf([...raised, [days(10) + minutes(30), { index: litres(240) }]]);
  const [, later] = readingsOf([
    [days(10) + minutes(90), { index: litres(0) }],
    [days(10) + minutes(120), { index: litres(0) }],
  ]);
  const [, joined] = readingsOf([
    [days(10) + minutes(30), { index: litres(0) }],
    [days(10) + minutes(60), { index: litres(0) }],
  ]);
  if (later === undefined || joined === undefined) throw new TypeError();
  expect(foldLevels(microLeak, fine, [...half, later]).last).toBe(1);
  expect(foldLevels(microLeak, fine, [...half, joined]).last).toBe(0);
});

test("the meter's own word gives level 1 at once, and a quiet hour does not withdraw it", () => {
  expectLevels(microLeak, fine, [
    [hours(0), { index: 0, status: ["micro_flow"] }, 1],
    [hours(1), { index: 0 }, 1],
    [hours(2), { index: 0, status: [] }, 0],
  ]);
});

describe("a registered pilot light", () => {
  const pilot = (settings: typeof g4) => ({ ...settings, pilotMlPerHour: litres(15) });
  test.each([
    ["10 l pulse", g4, 15, 0],
    ["10 l pulse, the fitter was a little off", g4, 16, 0],
    ["1 l pulse", fine, 15, 0],
    ["10 l pulse and a leak", g4, 24, 2],
    ["1 l pulse and a leak", fine, 20, 2],
    ["out of the registry, a leak of its size", { ...g4, pilotMlPerHour: 0 }, 15, 2],
  ])("%s", (_title, settings, litresPerHour, level) => {
    const story = reports(settings, hours(1), days(32), both(litres(litresPerHour)));
    const known = _title.startsWith("out") ? settings : pilot(settings);
    expect(foldLevels(microLeak, known, story).last).toBe(level);
  });

  test("hides a fifth of itself, and the rule says so", () => {
    expect(detectionFloorMlPerHour(pilot(fine))).toBe(litres(1) + 0.2 * litres(15));
  });
});
