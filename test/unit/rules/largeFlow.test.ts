import { expect, test } from "vitest";
import { largeFlow } from "#rules/largeFlow.ts";
import { days, expectLevels, g4, hours, litres, readingsOf, type Line } from "./story.ts";

/** Daily peaks of a household for some days, at level 0. */
function usualDays(from: number, until: number, flow: number): Line[] {
  return Array.from({ length: until - from }, (_, day): Line => [days(from + day), { flow }, 0]);
}

test("the meter's own word", () => {
  expectLevels(largeFlow, g4, [
    [hours(0), { status: ["large_flow"] }, 1],
    [hours(1), { flow: litres(300) }, 1],
    [hours(2), { status: [] }, 0],
  ]);
});

test("before 30 days of history only Qmax counts", () => {
  expectLevels(largeFlow, g4, [
    ...usualDays(0, 29, litres(2_600)),
    [days(29), { flow: litres(5_900) }, 0],
    [days(29.1), { flow: litres(6_100) }, 1],
    [days(29.2), { flow: litres(400) }, 0],
  ]);
});

test("after 30 days one and a half times the largest flow counts", () => {
  expectLevels(largeFlow, g4, [
    ...usualDays(0, 31, litres(2_600)),
    [days(31), { flow: litres(3_900) }, 0],
    [days(32), { flow: litres(5_851) }, 1],
  ]);
});

test("a house that hardly draws gas is not troubled below 0.6 Qmax", () => {
  expectLevels(largeFlow, g4, [
    ...usualDays(0, 31, litres(0)),
    [days(31), { flow: litres(3_600) }, 0],
    [days(32), { flow: litres(5_401) }, 1],
  ]);
});

test("nor is a small meter's house by one water heater", () => {
  const small = { ...g4, qmaxMlPerHour: 4_000_000 };
  expectLevels(largeFlow, small, [
    ...usualDays(0, 31, litres(0)),
    [days(31), { flow: litres(2_900) }, 0],
    [days(32), { flow: litres(3_900) }, 0],
    [days(33), { flow: litres(4_001) }, 1],
  ]);
});

test("an abnormal flow does not make itself normal while it lasts, and rings once for a new boiler", () => {
  expectLevels(largeFlow, g4, [
    ...usualDays(0, 31, litres(1_000)),
    [days(31), { flow: litres(4_000) }, 1],
    [days(31.1), { flow: litres(4_000) }, 1],
    [days(31.2), { flow: litres(4_100) }, 1],
    [days(31.3), { flow: litres(100) }, 0],
    [days(32), { flow: litres(4_100) }, 0],
    [days(33), { flow: litres(6_001) }, 1],
  ]);
});

test("what was learned is forgotten after 45 to 90 days", () => {
  expectLevels(largeFlow, g4, [
    [days(0), { flow: litres(3_900) }, 0],
    ...usualDays(1, 45, litres(1_000)),
    [days(50), { flow: litres(5_000) }, 0],
    ...usualDays(51, 90, litres(1_000)),
    [days(100), { flow: litres(5_000) }, 0],
    ...usualDays(101, 136, litres(1_000)),
    ...usualDays(136, 181, litres(1_000)),
    [days(182), { flow: litres(5_000) }, 1],
  ]);
});

test("after a long silence the history starts again", () => {
  expectLevels(largeFlow, g4, [
    ...usualDays(0, 31, litres(1_000)),
    [days(200), { flow: litres(5_000) }, 0],
    [days(231), { flow: litres(1_000) }, 0],
    [days(231.1), { flow: litres(6_100) }, 1],
  ]);
});

test("the mean over an hour counts like a reported flow", () => {
  expectLevels(largeFlow, g4, [
    [hours(0), { index: 0 }, 0],
    [hours(1), { index: litres(6_030) }, 1],
    [hours(2), { index: litres(6_130) }, 0],
  ]);
});

test("the proof names the flow and the limit that was learned", () => {
  const readings = readingsOf([
    ...usualDays(0, 31, litres(3_000)),
    [days(31), { flow: 4_600_000 }],
  ]);
  let state = largeFlow.initial;
  for (const reading of readings) state = largeFlow.step(g4, state, reading);
  const last = readings.at(-1);
  expect(last && largeFlow.prove(g4, state, last)).toEqual({
    by: "flow",
    flowMlPerHour: 4_600_000,
    limitMlPerHour: 4_500_000,
  });
});

test("with a dead band it is over only well below the limit", () => {
  const tuning = { ...g4.tuning, R3: { ...g4.tuning.R3, deadBandShare: 0.2 } };
  expectLevels(largeFlow, { ...g4, tuning }, [
    [days(0), { flow: litres(6_100) }, 1],
    [days(0.1), { flow: litres(5_000) }, 1],
    [days(0.2), { flow: litres(4_700) }, 0],
    [days(0.3), { flow: litres(5_900) }, 0],
  ]);
});
