import fc from "fast-check";
import { expect, test } from "vitest";
import type { ConditionChange } from "#rules/rule.ts";
import type { RuleReading } from "#rules/rule.ts";
import { meterRuleIds, systemRuleIds } from "#domain/alarm.ts";
import { statusNames } from "#domain/status.ts";
import { valvePositions } from "#domain/telegram.ts";
import { ruleTable } from "#rules/ruleTable.ts";
import { initialRuleStates, stepRules, type RuleStates } from "#rules/stepRules.ts";
import { days, g4, hours, litres, minutes, readingsOf, type Said } from "./story.ts";

function foldAll(from: RuleStates, readings: readonly RuleReading[]) {
  let states = from;
  const changes: ConditionChange[] = [];
  for (const reading of readings) {
    const step = stepRules(g4, states, reading);
    states = step.states;
    changes.push(...step.changes);
  }
  return { states, changes };
}

const elapsedMs = fc.oneof(
  fc.constantFrom(minutes(15), hours(1), days(1)),
  fc.integer({ min: 1, max: days(50) }),
);
const consumedMl = fc.oneof(
  fc.constantFrom(0, litres(10), litres(300)),
  fc.integer({ min: -litres(20), max: litres(9_000) }),
);

/** Histories of any meter: sensible, odd and broken values, any pace. */
const history = fc
  .array(
    fc.record({
      elapsedMs,
      consumedMl: fc.option(consumedMl, { nil: undefined }),
      doubtedMl: fc.option(fc.integer({ min: 0, max: litres(90_000) }), { nil: undefined }),
      flow: fc.option(fc.integer({ min: 0, max: litres(40_000) }), { nil: undefined }),
      status: fc.option(fc.subarray([...statusNames]), { nil: undefined }),
      valve: fc.option(fc.constantFrom(...valvePositions), { nil: undefined }),
      pct: fc.option(fc.integer({ min: -1, max: 255 }), { nil: undefined }),
      mv: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    let atMs = days(20_000);
    let index = litres(1_000);
    const lines = steps.map((step): [number, Said] => {
      atMs += step.elapsedMs;
      index += step.consumedMl ?? 0;
      const { flow, status, valve, pct, mv } = step;
      const registers = {
        ...(step.consumedMl === undefined ? {} : { index }),
        ...(step.doubtedMl === undefined ? {} : { doubted: index + step.doubtedMl }),
      };
      const said = { ...registers, flow, status, valve, pct, mv };
      const known = Object.entries(said).filter(([, value]) => value !== undefined);
      return [atMs, Object.fromEntries(known)];
    });
    return readingsOf(lines);
  });

test("a history may be cut anywhere and continued from the stored states", () => {
  fc.assert(
    fc.property(history, fc.nat(), (readings, cut) => {
      const at = readings.length === 0 ? 0 : cut % readings.length;
      const whole = foldAll(initialRuleStates, readings);
      const head = foldAll(initialRuleStates, readings.slice(0, at));
      const stored = JSON.parse(JSON.stringify(head.states)) as RuleStates;
      const tail = foldAll(stored, readings.slice(at));
      expect(tail.states).toStrictEqual(whole.states);
      expect([...head.changes, ...tail.changes]).toStrictEqual(whole.changes);
      expect(JSON.parse(JSON.stringify(whole))).toStrictEqual(whole);
    }),
    { numRuns: 500 },
  );
});

test("a change is a change: levels of one rule never repeat, and each proof is plain", () => {
  fc.assert(
    fc.property(history, (readings) => {
      const level = new Map<string, number>();
      for (const change of foldAll(initialRuleStates, readings).changes) {
        expect(change.level).not.toBe(level.get(change.rule) ?? 0);
        level.set(change.rule, change.level);
        for (const value of Object.values(change.proof)) {
          expect(typeof value === "string" || Number.isFinite(value)).toBe(true);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("a reading that says nothing changes nothing", () => {
  fc.assert(
    fc.property(history, (readings) => {
      const { states } = foldAll(initialRuleStates, readings);
      const last = readings.at(-1)?.measuredAtMs ?? 0;
      const [silent] = readingsOf([[last + hours(1), {}]]);
      if (silent === undefined) return;
      const step = stepRules(g4, states, silent);
      expect(step.states).toBe(states);
      expect(step.changes).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("the same status and the same position again change nothing (trap 18)", () => {
  const said: Said = { status: ["leak", "magnet"], valve: "closed", pct: 90 };
  const [first, again] = readingsOf([
    [hours(0), said],
    [hours(1), said],
  ]);
  if (first === undefined || again === undefined) throw new TypeError();
  const { states, changes } = stepRules(g4, initialRuleStates, first);
  expect(changes.map(({ rule, level }) => [rule, level])).toEqual([
    ["R1", 1],
    ["R11", 1],
  ]);
  expect(stepRules(g4, states, again)).toEqual({ states, changes: [] });
});

test("old values of a daily upload raise nothing by themselves (trap 2)", () => {
  const yesterday = Array.from({ length: 24 }, (_, hour): [number, Said] => [
    hours(hour),
    { index: litres(40) * hour },
  ]);
  const now: [number, Said] = [hours(32), { index: litres(1_000), status: [], valve: "open" }];
  const readings = readingsOf([...yesterday, now]);
  expect(foldAll(initialRuleStates, readings).changes).toEqual([]);
});

test("the states of an idle meter after half a year are small", () => {
  const start = days(20_400);
  const lines = Array.from({ length: 24 * 180 }, (_, hour): [number, Said] => [
    start + hours(hour),
    {
      index: litres(20) * Math.floor(hour / 12),
      flow: 1_234_567,
      status: [],
      valve: "open",
      pct: 80,
    },
  ]);
  const { states, changes } = foldAll(initialRuleStates, readingsOf(lines));
  expect(changes).toEqual([]);
  expect(JSON.stringify(states).length).toBeLessThanOrEqual(1_000);
});

test("every rule has its entry, with a higher level never less urgent", () => {
  expect(Object.keys(ruleTable).sort()).toEqual([...meterRuleIds, ...systemRuleIds].sort());
  for (const { version, priority, source } of Object.values(ruleTable)) {
    expect(version).toBeGreaterThanOrEqual(1);
    expect(priority[2]).toBeLessThanOrEqual(priority[1]);
    expect(source).not.toBe("");
  }
});

test("what passes a shut valve is told by R9 alone", () => {
  const fine = { ...g4, quantumMl: litres(1) };
  const told = (valve: "open" | "closed", litresPerHour: number) => {
    let states = initialRuleStates;
    const rules: string[] = [];
    for (const reading of readingsOf(
      Array.from({ length: 24 * 12 }, (_, hour): [number, Said] => {
        return [hours(hour), { index: litres(1_000 + litresPerHour * hour), valve }];
      }),
    )) {
      const step = stepRules(fine, states, reading);
      states = step.states;
      rules.push(...step.changes.map(({ rule, level }) => `${rule} ${level}`));
    }
    return rules;
  };
  expect(told("open", 300)).toEqual(["R5 1", "R7 1"]);
  expect(told("closed", 300)).toEqual(["R9 1"]);
});
