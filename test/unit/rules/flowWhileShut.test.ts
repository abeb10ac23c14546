import { test } from "vitest";
import { flowWhileShut } from "#rules/flowWhileShut.ts";
import { expectLevels, g4, hours, litres } from "./story.ts";

test("the interval that ends in the first report closed does not count", () => {
  expectLevels(flowWhileShut, g4, [
    [hours(0), { index: 0, valve: "open" }, 0],
    [hours(1), { index: litres(500), valve: "closed" }, 0],
    [hours(2), { index: litres(510), valve: "closed" }, 0],
    [hours(3), { index: litres(520), valve: "closed" }, 1],
    [hours(4), { index: litres(520), valve: "closed" }, 1],
    [hours(5), { index: litres(520), valve: "open" }, 0],
  ]);
});

test("a first report closed without a register: the interval across it does not count either", () => {
  expectLevels(flowWhileShut, g4, [
    [hours(0), { index: 0, valve: "open" }, 0],
    [hours(1), { valve: "closed" }, 0],
    [hours(2), { index: litres(500), valve: "closed" }, 0],
    [hours(3), { index: litres(520), valve: "closed" }, 1],
  ]);
});

test("one quantum may have been nearly full when the valve closed", () => {
  expectLevels(flowWhileShut, g4, [
    [hours(0), { index: 0, valve: "closed" }, 0],
    [hours(1), { index: litres(10), valve: "closed" }, 0],
    [hours(200), { index: litres(10), valve: "closed" }, 0],
  ]);
});

test("hourly values without a position wait for the meter's word: somebody opened the valve on site", () => {
  expectLevels(flowWhileShut, g4, [
    [hours(0), { index: 0, valve: "closed" }, 0],
    [hours(1), { index: litres(0) }, 0],
    [hours(2), { index: litres(400) }, 0],
    [hours(3), { index: litres(900) }, 0],
    [hours(4), { index: litres(1_300), valve: "open" }, 0],
  ]);
});

test("hourly values without a position count when the meter then says closed or fault", () => {
  expectLevels(flowWhileShut, g4, [
    [hours(0), { index: 0, valve: "closed" }, 0],
    [hours(1), { index: litres(20) }, 0],
    [hours(2), { index: litres(40), valve: "unknown" }, 0],
    [hours(3), { index: litres(40), valve: "fault" }, 1],
    [hours(4), { index: litres(40), valve: "moving" }, 1],
    [hours(5), { index: litres(40), valve: "open" }, 0],
    [hours(6), { index: litres(80), valve: "closed" }, 0],
  ]);
});

test("the meter's own word, whatever the position (trap 20)", () => {
  expectLevels(flowWhileShut, g4, [
    [hours(0), { status: ["valve_passing"] }, 1],
    [hours(1), { index: 0, valve: "closed" }, 1],
    [hours(2), { index: 0, valve: "closed", status: [] }, 0],
  ]);
});
