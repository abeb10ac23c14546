import { expect, test } from "vitest";
import { overload } from "#rules/overload.ts";
import { expectLevels, g4, hours, litres, minutes, readingsOf } from "./story.ts";

test("the meter's own word", () => {
  expectLevels(overload, g4, [
    [hours(0), { status: ["over_flow"] }, 1],
    [hours(1), { index: 0 }, 1],
    [hours(2), { status: [] }, 0],
  ]);
});

test("hourly values of the same day do not withdraw the meter's word (trap 2)", () => {
  expectLevels(overload, g4, [
    [hours(0), { index: 0 }, 0],
    [hours(1), { index: litres(500), status: ["over_flow"] }, 1],
    [hours(2), { index: litres(900) }, 1],
    [hours(3), { index: litres(900), flow: 0 }, 1],
    [hours(4), { index: litres(900), status: [] }, 0],
  ]);
});

test("a reported flow counts above 1.2 Qmax, up to five times Qmax", () => {
  expectLevels(overload, g4, [
    [minutes(0), { flow: litres(7_200) }, 0],
    [minutes(1), { flow: litres(7_201) }, 1],
    [minutes(2), {}, 1],
    [minutes(3), { flow: litres(300) }, 0],
    [minutes(4), { flow: litres(30_000) }, 1],
    [minutes(5), { flow: litres(0) }, 0],
    // ×1000 mixed up (trap 15): says nothing, in either direction.
    [minutes(6), { flow: litres(300_000) }, 0],
    [minutes(7), { flow: litres(20_000) }, 1],
    [minutes(8), { flow: litres(300_000) }, 1],
  ]);
});

test("a mean over an interval counts above 1.0 Qmax, less two quanta of rounding", () => {
  expectLevels(overload, g4, [
    [hours(0), { index: 0 }, 0],
    [hours(1), { index: litres(6_020) }, 0],
    [hours(2), { index: litres(12_050) }, 1],
    [hours(3), { index: litres(13_000) }, 0],
  ]);
});

test("two readings within a minute prove nothing: one pulse more is 0.6 m³/h, a burst of pulses anything", () => {
  expectLevels(overload, g4, [
    [minutes(0), { index: 0 }, 0],
    [minutes(1), { index: litres(300) }, 0],
    [minutes(3), { index: litres(600) }, 1],
    [minutes(4), { index: litres(600) }, 1],
    [minutes(6), { index: litres(600) }, 0],
  ]);
});

test("a torn hose is a jump that screening doubts; a wrong register is beyond five times Qmax", () => {
  expectLevels(overload, g4, [
    [hours(0), { index: 0 }, 0],
    [hours(1), { doubted: litres(12_000) }, 1],
    [hours(2), { doubted: litres(26_000) }, 1],
    [hours(3), { index: litres(300) }, 0],
    [hours(4), { doubted: litres(1_800_000) }, 0],
  ]);
});

test("the proof names the flow, its limit and how it is known", () => {
  const [, reading] = readingsOf([
    [hours(0), { index: 0 }],
    [hours(1), { doubted: litres(12_020) }],
  ]);
  expect(reading).toBeDefined();
  if (reading === undefined) return;
  const state = overload.step(g4, overload.initial, reading);
  expect(overload.prove(g4, state, reading)).toEqual({
    by: "doubted interval",
    flowMlPerHour: 12_000_000,
    limitMlPerHour: 6_000_000,
  });
});

test("with a dead band an overload is over only well below its limit", () => {
  const tuning = { ...g4.tuning, R2: { ...g4.tuning.R2, deadBandShare: 0.1 } };
  expectLevels(overload, { ...g4, tuning }, [
    [minutes(0), { flow: 7_300_000 }, 1],
    [minutes(1), { flow: 7_100_000 }, 1],
    [minutes(2), { flow: 6_400_000 }, 0],
    [minutes(3), { flow: 7_100_000 }, 0],
  ]);
});
