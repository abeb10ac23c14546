import { test } from "vitest";
import { leak } from "#rules/leak.ts";
import { tamper } from "#rules/tamper.ts";
import { expectLevels, g4, hours } from "./story.ts";

test("R1: the leak bit acts at once and is a level, not an event (trap 18)", () => {
  expectLevels(leak, g4, [
    [hours(0), { status: [] }, 0],
    [hours(1), { status: ["leak"] }, 1],
    [hours(2), { status: ["leak"] }, 1],
    [hours(3), { status: ["leak", "battery_low"] }, 1],
    [hours(4), { status: ["battery_low"] }, 0],
  ]);
});

test("R1: the contact of a gas detector counts as the meter's own bit", () => {
  expectLevels(leak, g4, [
    [hours(0), { status: ["external_alarm"] }, 1],
    [hours(1), { status: ["leak"] }, 1],
    [hours(2), { status: [] }, 0],
  ]);
});

test("R1: a reading without a status is not an all-clear", () => {
  expectLevels(leak, g4, [
    [hours(0), { status: ["leak"] }, 1],
    [hours(1), { index: 0 }, 1],
    [hours(2), { index: 0, flow: 0 }, 1],
    [hours(3), { status: [] }, 0],
    [hours(4), {}, 0],
  ]);
});

test("R1: a bit that chatters is followed; the latched alarm keeps people from noticing the chatter", () => {
  expectLevels(leak, g4, [
    [hours(0), { status: ["leak"] }, 1],
    [hours(1), { status: [] }, 0],
    [hours(2), { status: ["leak"] }, 1],
    [hours(3), { status: [] }, 0],
  ]);
});

test("R11: magnet, tilt and cover are one condition", () => {
  expectLevels(tamper, g4, [
    [hours(0), { status: ["leak"] }, 0],
    [hours(1), { status: ["magnet"] }, 1],
    [hours(2), { status: ["tilt"] }, 1],
    [hours(3), { index: 0 }, 1],
    [hours(4), { status: ["cover_open", "tilt"] }, 1],
    [hours(5), { status: [] }, 0],
  ]);
});
