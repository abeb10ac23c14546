/** docs/DISPATCH.md shows the table that the code walks, and the deadlines that it counts. */
import { expect, test } from "vitest";
import { factoryPolicy } from "#dispatch/workOrderLife.ts";
import { workOrderTransitions } from "#dispatch/workOrderTable.ts";
import { workOrderSteps } from "#domain/workOrder.ts";
import { textOf } from "./repository.ts";

/** The cells of the rows of a section, without the padding that the formatter adds. */
function rowsIn(heading: RegExp): readonly (readonly string[])[] {
  const [, section = ""] = textOf("docs/DISPATCH.md").split(heading);
  const [own = ""] = section.split(/^## /m);
  const lines = own.split("\n").filter((line) => line.startsWith("|"));
  const cells = lines.map((line) => line.split("|").slice(1, -1));
  return cells.slice(2).map((row) => row.map((cell) => cell.trim()));
}

test("the table of steps is the one that the code walks", () => {
  expect(rowsIn(/^## 1\. .*$/m)).toEqual(
    workOrderTransitions.map(({ from, on, to }) => [from, on, to]),
  );
});

test("the deadlines are those of the code", () => {
  const priorities = [1, 2, 3, 4] as const;
  expect(rowsIn(/^## 2\. .*$/m)).toEqual(
    priorities.map((priority) => {
      const minutes = workOrderSteps.map((step) => String(factoryPolicy.minutes[priority][step]));
      return [String(priority), ...minutes];
    }),
  );
});
