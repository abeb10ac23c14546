/** A small month beside the truth; `npm run billing-test` runs the whole one. */
import { expect, test } from "vitest";
import { runMonth } from "../billing/monthRun.ts";

test.each([1, 2, 3])(
  "every volume of month %d is the truth to the millilitre, or flagged",
  (seed) => {
    const report = runMonth(40, 12, seed);
    expect(report.wrongs).toEqual([]);
    // Else it would have shown nothing.
    expect(report.exact).toBeGreaterThan(10);
    expect(report.rollovers).toBeGreaterThan(0);
    expect(report.exchanges).toBeGreaterThan(0);
    expect(report.conflicts).toBeGreaterThan(0);
    expect(report.review).toBeGreaterThan(0);
    expect(report.sums).toBeGreaterThan(0);
  },
);
