/** docs/RULES.md shows every rule with what a document may set of it, as the code has it. */
import { expect, test } from "vitest";
import { meterRuleIds, ownRuleIds, type MeterRuleId } from "#domain/alarm.ts";
import { hourMs, dayMs, minuteMs } from "#domain/units.ts";
import { settableConduct } from "#rules/conduct.ts";
import { ruleTable } from "#rules/ruleTable.ts";
import { detectionFloors } from "#rules/stepRules.ts";
import { g4 } from "../unit/rules/story.ts";
import { textOf } from "./repository.ts";

const floors = detectionFloors(g4);

function spelled(ms: number): string {
  if (ms >= 2 * dayMs) return `${ms / dayMs} days`;
  return ms >= 2 * hourMs ? `${ms / hourMs} hours` : `${ms / minuteMs} minutes`;
}

function floorOf(rule: MeterRuleId): string {
  const floor = floors[rule];
  if (floor === undefined) return "";
  return `${(floor.flowMlPerHour / 1e6).toFixed(3)} m³/h within ${spelled(floor.withinMs)}`;
}

function rowOf(rule: MeterRuleId): string {
  const { priority, listed = [], latching, source } = ruleTable[rule];
  const of = (level: 1 | 2) => (listed.includes(level) ? "list" : String(priority[level]));
  const urgency = of(1) === of(2) ? of(1) : `${of(1)}, then ${of(2)}`;
  const may = Object.keys(settableConduct(rule));
  const cells = [rule, source, urgency, latching ? "yes" : "", floorOf(rule), may.join(" ")];
  return `|${cells.join("|")}|`;
}

test("the table of rules in the document is the one that the code has", () => {
  const [, section = ""] = textOf("docs/RULES.md").split(/^## The rules$/m);
  const [text = ""] = section.split(/^## /m);
  const rows = text.split("\n").filter((line) => line.startsWith("|"));
  const bare = rows.slice(2).map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .join("|"),
  );
  const builtIn = meterRuleIds.filter((rule) => !ownRuleIds.some((id) => id === rule));
  expect(bare).toEqual(builtIn.map(rowOf));
});
