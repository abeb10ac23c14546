import { expect, test } from "vitest";
import { lowBattery } from "#rules/lowBattery.ts";
import { days, expectLevels, g4, readingsOf } from "./story.ts";

test("bits act at once, each with its own level (trap 17)", () => {
  expectLevels(lowBattery, g4, [
    [days(0), { status: ["battery_low"] }, 1],
    [days(1), { status: ["battery_low", "battery_critical"] }, 2],
    [days(2), { status: ["battery_critical"] }, 2],
    [days(3), { pct: 80 }, 2],
    [days(4), { status: [] }, 0],
  ]);
});

test("a value needs a second one that agrees", () => {
  expectLevels(lowBattery, g4, [
    [days(0), { pct: 20 }, 0],
    [days(1), { pct: 60 }, 0],
    [days(2), { pct: 20 }, 0],
    [days(3), { pct: 19 }, 1],
    [days(4), { pct: 9 }, 1],
    [days(5), { pct: 10 }, 2],
  ]);
});

test("a steep fall rises as far as both values agree", () => {
  expectLevels(lowBattery, g4, [
    [days(0), { mv: 3_600 }, 0],
    [days(1), { mv: 3_000 }, 0],
    [days(2), { mv: 3_250 }, 1],
    [days(3), { mv: 3_050 }, 1],
    [days(4), { mv: 3_050 }, 2],
  ]);
});

test("a value between limit and hysteresis raises nothing", () => {
  expectLevels(lowBattery, g4, [
    [days(0), { pct: 22, mv: 3_350 }, 0],
    [days(1), { pct: 22, mv: 3_350 }, 0],
  ]);
});

test("a cold night and a warm day do not ring every day: hysteresis of 5 % and 100 mV", () => {
  expectLevels(lowBattery, g4, [
    [days(0), { mv: 3_290 }, 0],
    [days(1), { mv: 3_290 }, 1],
    [days(2), { mv: 3_390 }, 1],
    [days(3), { mv: 3_399 }, 1],
    [days(4), { mv: 3_400 }, 1],
    [days(5), { mv: 3_310 }, 1],
    [days(6), { mv: 3_400 }, 1],
    [days(7), { mv: 3_450 }, 0],
  ]);
  expectLevels(lowBattery, g4, [
    [days(0), { pct: 10 }, 0],
    [days(1), { pct: 10 }, 2],
    [days(2), { pct: 14 }, 2],
    [days(3), { pct: 14 }, 2],
    [days(4), { pct: 15 }, 2],
    [days(5), { pct: 15 }, 1],
    [days(6), { pct: 25 }, 1],
    [days(7), { pct: 25 }, 0],
  ]);
});

test("what no battery says is no value: 0 V, 255 %, other units, nothing", () => {
  expectLevels(lowBattery, g4, [
    [days(0), { mv: 0 }, 0],
    [days(1), { mv: 0, pct: 255 }, 0],
    [days(2), { mv: 36, pct: 101 }, 0],
    [days(3), { mv: 36_000 }, 0],
    [days(4), { pct: Number.NaN }, 0],
    [days(5), { pct: 5 }, 0],
    [days(6), { pct: 255 }, 0],
    [days(7), {}, 0],
    [days(8), { pct: 5 }, 2],
  ]);
});

test("voltage and charge together: the worse one counts", () => {
  expectLevels(lowBattery, g4, [
    [days(0), { mv: 3_600, pct: 8 }, 0],
    [days(1), { mv: 3_600, pct: 8 }, 2],
    [days(2), { mv: 3_000, pct: 90 }, 2],
    [days(3), { mv: 3_600, pct: 90 }, 2],
    [days(4), { mv: 3_600, pct: 90 }, 0],
  ]);
});

test("the proof shows the values, or the meter's words", () => {
  const [first, second] = readingsOf([
    [days(0), { pct: 15, mv: 3_250 }],
    [days(1), { pct: 15, mv: 3_250 }],
  ]);
  const [worded] = readingsOf([[days(0), { status: ["battery_critical"], pct: 90 }]]);
  if (first === undefined || second === undefined || worded === undefined) throw new TypeError();
  const low = lowBattery.step(g4, lowBattery.step(g4, lowBattery.initial, first), second);
  expect(lowBattery.prove(g4, low, second)).toEqual({
    by: "value",
    batteryPct: 15,
    batteryMv: 3_250,
  });
  const critical = lowBattery.step(g4, lowBattery.initial, worded);
  const proof = lowBattery.prove(g4, critical, worded);
  expect(proof).toEqual({ by: "status", status: "battery_critical" });
});
