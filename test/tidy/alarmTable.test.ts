/** docs/ALARMS.md shows the table that the code walks, and the times that it counts. */
import { expect, test } from "vitest";
import { alarmTimes } from "#alarms/alarmTimes.ts";
import { alarmTransitions } from "#alarms/alarmTransitions.ts";
import { suppressionTable } from "#alarms/suppression.ts";
import type { Priority } from "#domain/alarm.ts";
import { dayMs, hourMs, minuteMs } from "#domain/units.ts";
import { detectionFloors } from "#rules/stepRules.ts";
import { g4 } from "../unit/rules/story.ts";
import { textOf } from "./repository.ts";

const document = "docs/ALARMS.md";

/** Cells without the padding that the formatter adds. */
function rowsOf(markdown: string): readonly string[] {
  const lines = markdown.split("\n").filter((line) => line.startsWith("|"));
  return lines.map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .join("|"),
  );
}

function row(cells: readonly string[]): string {
  return `|${cells.join("|")}|`;
}

function transitionRows(): readonly string[] {
  return alarmTransitions.map((one) => {
    const told = [...one.happened, ...(one.happenedIfHolding ?? []).map((kind) => `(${kind})`)];
    const target = `${one.to}${one.isNewOccurrence === true ? " +1" : ""}`;
    const over = one.toIfOver ?? "";
    return row([one.from, one.on, target, over, one.toIfLatched ?? "", told.join(" ")]);
  });
}

function spelled(ms: number, never: string): string {
  if (ms === 0 || ms === Infinity) return never;
  if (ms > dayMs && ms % dayMs === 0) return `${ms / dayMs} days`;
  return ms >= hourMs ? `${ms / hourMs} hours` : `${ms / minuteMs} minutes`;
}

test("the table of transitions in the document is the one that the code walks", () => {
  const [, section = ""] = textOf(document).split(/^## 2\. .*$/m);
  const [table = ""] = section.split(/^## /m);
  expect(rowsOf(table).slice(2)).toEqual(transitionRows());
});

test("what each cause of suppression explains is what the code says", () => {
  const [, section = ""] = textOf(document).split("| Explains ");
  const [table = ""] = section.split(/^$/m);
  const wanted = Object.entries(suppressionTable).map(([cause, rows]) =>
    row([cause, rows.map(({ rule, levelMax }) => `${rule} to level ${levelMax}`).join(" ")]),
  );
  expect(rowsOf(table).slice(1)).toEqual(wanted);
});

test("the detection floors in the document are those that the rules state", () => {
  const [, section = ""] = textOf("docs/GAS-DOMAIN.md").split("| Known within");
  const [table = ""] = section.split(/^$/m);
  const floors = detectionFloors(g4);
  const wanted = Object.entries(floors).map(([rule, { flowMlPerHour, withinMs }]) =>
    row([rule, (flowMlPerHour / 1e6).toFixed(3), spelled(withinMs, "")]),
  );
  expect(rowsOf(table).slice(1)).toEqual(wanted);
});

test("the times in the document are those of the code", () => {
  const [, section = ""] = textOf(document).split(/^## 3\. .*$/m);
  const [table = ""] = section.split(/^## /m);
  const priorities: readonly Priority[] = [1, 2, 3, 4];
  expect(rowsOf(table).slice(2)).toEqual(
    priorities.map((priority) =>
      row([
        String(priority),
        spelled(alarmTimes.answerWithinMs[priority], "no limit"),
        spelled(alarmTimes.reAlarmAfterMs[priority], "never"),
        spelled(alarmTimes.shelvedMsMax[priority], "never"),
      ]),
    ),
  );
});
