import { test } from "vitest";
import { expect } from "vitest";
import { stepIncrease } from "#rules/stepIncrease.ts";
import {
  days,
  expectLevels,
  foldLevels,
  g4,
  litres,
  minutes,
  readingsOf,
  type Line,
} from "./story.ts";

const m3h = (value: number) => Math.round(value * 1e6);

/** A month of a household with a 2.2 m³/h boiler, seen every ten minutes around its start. */
function boilerDays(count: number): Line[] {
  return Array.from({ length: count }, (_, day): Line[] => [
    [days(day), { flow: 0 }, 0],
    [days(day) + minutes(10), { flow: m3h(2.2) }, 0],
    [days(day) + minutes(20), { flow: 0 }, 0],
  ]).flat();
}

test("before anything is known, a step to more than Qmax only", () => {
  expectLevels(stepIncrease, g4, [
    [minutes(0), { flow: 0 }, 0],
    [minutes(10), { flow: m3h(6) }, 0],
    [minutes(20), { flow: 0 }, 0],
    [minutes(30), { flow: m3h(6.1) }, 1],
    [minutes(40), { flow: m3h(3.1) }, 1],
    [minutes(50), { flow: m3h(3) }, 0],
  ]);
});

test("after a month, a step of 1.5 times the largest appliance, but never below the factory floor", () => {
  const at = days(31);
  expectLevels(stepIncrease, g4, [
    ...boilerDays(31),
    [at, { flow: m3h(0.4) }, 0],
    [at + minutes(10), { flow: m3h(3.9) }, 0],
    [at + minutes(20), { flow: m3h(0.4) }, 0],
    [at + minutes(30), { flow: m3h(4.2) }, 0],
    [at + minutes(40), { flow: m3h(0.4) }, 0],
  ]);
  expectLevels(stepIncrease, g4, [
    ...boilerDays(31),
    [at, { flow: m3h(0.4) }, 0],
    [at + minutes(10), { flow: m3h(4.1) }, 1],
    [at + minutes(20), { flow: m3h(0.4) }, 0],
    // It happened once: now it is usual.
    [at + minutes(30), { flow: m3h(4.1) }, 0],
  ]);
});

test("flows that lie far apart show two appliances, not one step", () => {
  expectLevels(stepIncrease, g4, [
    [minutes(0), { flow: 0 }, 0],
    [minutes(16), { flow: m3h(9) }, 0],
    [minutes(20), { flow: m3h(9) }, 0],
  ]);
});

test("short intervals of the register do as well as a reported flow; hourly ones do not", () => {
  const quarter = readingsOf([
    [minutes(0), { index: 0 }],
    [minutes(10), { index: 0 }],
    [minutes(20), { index: litres(1_100) }],
  ]);
  expect(foldLevels(stepIncrease, g4, quarter).last).toBe(1);
  const hourly = readingsOf([
    [minutes(0), { index: 0 }],
    [minutes(60), { index: 0 }],
    [minutes(120), { index: litres(7_000) }],
  ]);
  expect(foldLevels(stepIncrease, g4, hourly).last).toBe(0);
});

test("states its floor", () => {
  expect(stepIncrease.floor(g4)).toEqual({ flowMlPerHour: 6_000_000, withinMs: minutes(15) });
});
