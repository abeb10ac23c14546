/** Nobody opens a valve alone, whatever he tries; `npm run opening-test` tries a hundred thousand times. */
import { expect, test } from "vitest";
import { runOpenings } from "../opening/openingRun.ts";

test("1,500 attempts by API, import, rules, replay and settings: none passes", async () => {
  const report = await runOpenings(1_500, 7);
  expect(report.passes).toBe(0);
  // The attempts reach what they mean to reach: permissions were written down and waited, closes left.
  expect(report.permits).toBeGreaterThan(20);
  expect(report.left["close"]).toBeGreaterThan(0);
  expect(Object.keys(report.byWay).toSorted()).toEqual([
    "api",
    "configuration",
    "import",
    "replay",
    "rules",
  ]);
}, 120_000);
