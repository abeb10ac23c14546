/** Tables for rules, one line a reading: when, what the meter says, the level that follows. */
import { expect } from "vitest";
import type { ConditionLevel } from "#domain/alarm.ts";
import { statusFromNames, type StatusName } from "#domain/status.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import { dayMs, hourMs, minuteMs, timestampMs } from "#domain/units.ts";
import type { Rule, RuleReading, RuleSettings } from "#rules/rule.ts";
import { factoryTuning } from "#rules/tuning.ts";

/** A G4 household meter with a pulse of 10 l. */
export const g4: RuleSettings = {
  qmaxMlPerHour: 6_000_000,
  qminMlPerHour: 40_000,
  pilotMlPerHour: 0,
  quantumMl: 10_000,
  siteClass: "household",
  tuning: factoryTuning,
};

export const minutes = (count: number) => count * minuteMs;
export const hours = (count: number) => count * hourMs;
export const days = (count: number) => count * dayMs;
export const litres = (count: number) => count * 1_000;

export interface Said {
  /** Register; the interval since the last one is made from it. */
  readonly index?: number;
  /** A register that screening does not believe. */
  readonly doubted?: number;
  readonly flow?: number;
  readonly status?: readonly StatusName[];
  readonly valve?: ValvePosition;
  readonly pct?: number;
  readonly mv?: number;
  readonly kpa?: number;
  readonly register?: "sound" | "back";
  readonly clock?: "right" | "wrong";
}

export type Line = readonly [atMs: number, said: Said, level: ConditionLevel];

/** Readings as rules see them, with intervals made from the registers. */
export function readingsOf(
  lines: readonly (readonly [number, Said, ...unknown[]])[],
): RuleReading[] {
  let last: { atMs: number; index: number } | null = null;
  return lines.map(([atMs, said]) => {
    const since = (index: number | undefined) =>
      last === null || index === undefined
        ? null
        : { fromMs: timestampMs(last.atMs), consumedMl: index - last.index };
    const reading: RuleReading = {
      measuredAtMs: timestampMs(atMs),
      interval: since(said.index),
      doubtedInterval: since(said.doubted),
      flowMlPerHour: said.flow ?? null,
      batteryMv: said.mv ?? null,
      batteryPct: said.pct ?? null,
      pressurePa: said.kpa === undefined ? null : Math.round(said.kpa * 1_000),
      register: said.register ?? (said.index === undefined ? null : "sound"),
      clock: said.clock ?? null,
      valve: said.valve ?? null,
      status: said.status === undefined ? null : statusFromNames(said.status),
    };
    if (said.index !== undefined) last = { atMs, index: said.index };
    return reading;
  });
}

/** Folds the lines and compares the level after each. */
export function expectLevels<State>(
  rule: Rule<State>,
  settings: RuleSettings,
  lines: readonly Line[],
): void {
  let state = rule.initial;
  const levels = readingsOf(lines).map((reading) => {
    state = rule.step(settings, state, reading);
    return rule.level(state);
  });
  const tell = (level: ConditionLevel | undefined, at: number) => `line ${at + 1}: level ${level}`;
  expect(levels.map(tell)).toEqual(lines.map(([, , level], at) => tell(level, at)));
}

/** A meter that reports at a fixed pace: the register comes from what has flowed by then, in whole quanta. */
export function reports(
  settings: RuleSettings,
  everyMs: number,
  lengthMs: number,
  flowedMl: (atMs: number) => number,
): RuleReading[] {
  const lines: [number, Said][] = [];
  for (let atMs = 0; atMs <= lengthMs; atMs += everyMs) {
    const index = Math.floor(flowedMl(atMs) / settings.quantumMl) * settings.quantumMl;
    lines.push([atMs, { index }]);
  }
  return readingsOf(lines);
}

/** The level after each reading, and when each level was first reached. */
export function foldLevels<State>(
  rule: Rule<State>,
  settings: RuleSettings,
  readings: readonly RuleReading[],
): { last: ConditionLevel; highest: ConditionLevel; firstAtMs: (level: number) => number | null } {
  let state = rule.initial;
  let highest: ConditionLevel = 0;
  const first = new Map<number, number>();
  for (const reading of readings) {
    state = rule.step(settings, state, reading);
    const level = rule.level(state);
    if (!first.has(level)) first.set(level, reading.measuredAtMs);
    if (level > highest) highest = level;
  }
  return { last: rule.level(state), highest, firstAtMs: (level) => first.get(level) ?? null };
}
