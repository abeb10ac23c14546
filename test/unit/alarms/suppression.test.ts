/** What explains an alarm: by cause and level, never the first priority; and what follows from what. */
import { expect, test } from "vitest";
import { explains, follows, suppressionTable } from "#alarms/suppression.ts";
import type { Hidden, MeterRuleId, Priority } from "#domain/alarm.ts";
import { hourMs, timestampMs } from "#domain/units.ts";
import { ruleTable } from "#rules/ruleTable.ts";

const hidden = (reason: string): Hidden => ({
  reason,
  by: "engine",
  sinceMs: timestampMs(0),
  untilMs: null,
});

test("no row of the table explains what the factory rings at the first priority", () => {
  for (const rows of Object.values(suppressionTable)) {
    for (const { rule, levelMax } of rows) {
      expect([rule, ruleTable[rule].priority[levelMax]]).not.toEqual([rule, 1]);
    }
  }
});

test.each([
  ["outage", "R12", 2, 3, true],
  ["outage", "R13", 1, 2, false],
  ["valve is shut", "R6", 2, 2, true],
  // A utility's own rules may ring R6 at the first priority.
  ["valve is shut", "R6", 2, 1, false],
  ["work: pressure", "R13", 1, 2, true],
  ["work: pressure", "R13", 2, 1, false],
  ["under R1", "R3", 1, 2, true],
  ["under R1", "R2", 1, 1, false],
  ["a person's reason", "R3", 1, 2, false],
  ["constructor", "R3", 1, 2, false],
] as const)("%s explains %s at level %i, priority %i: %s", (reason, rule, level, priority, is) => {
  expect(explains(hidden(reason), { rule, level, priority })).toBe(is);
});

test.each([
  ["R3", "R1", 0, true],
  ["R3", "R1", 2, true],
  ["R3", "R1", -2, true],
  ["R3", "R1", 3, false],
  ["R12", "R10", 100, true],
  ["R13", "R1", 0, false],
] as const)("%s after %s by %i hours: %s", (rule, parent, hours, is) => {
  const at = (inHours: number, name: MeterRuleId, priority: Priority) => {
    return { rule: name, level: 1, priority, raisedAtMs: 1e12 + inHours * hourMs } as const;
  };
  expect(follows(at(hours, rule, 2), at(0, parent, 1))).toBe(is);
});
