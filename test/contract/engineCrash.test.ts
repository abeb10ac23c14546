/** One crash anywhere in the command path; `npm run crash-test` goes through every point in many variations. */
import { expect, test } from "vitest";
import { runCrashes } from "../crash/crashRun.ts";

test("a close survives a crash wherever it is, moves the valve once, and ends as the valve is", () => {
  const report = runCrashes({ runs: 15, seed: 1, pointsMax: 4 });
  expect(report.wrongs).toEqual([]);
  expect(report.crashes).toBe(report.runs);
  expect(report.points).toBeGreaterThanOrEqual(40);
  expect(report.kinds).toContain("send after");
}, 120_000);
