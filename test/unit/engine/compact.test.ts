/** Nothing gets lost by leaving out what is as in the beginning, and old texts stay readable. */
import { expect, test } from "vitest";
import { timestampMs } from "#domain/units.ts";
import { foldJson, reviveFold } from "#engine/compact.ts";
import { initialContext, reviveContext, writeContext, type MeterContext } from "#engine/context.ts";
import { initialFold, type FoldState } from "#engine/fold.ts";

const fold: FoldState = {
  ...initialFold,
  count: 3,
  firstMs: timestampMs(1_000),
  lastMs: timestampMs(9_000),
  rules: {
    ...initialFold.rules,
    R1: 1,
    R6: { ...initialFold.rules.R6, seenMs: 5_000 },
    // As in the beginning, and another object.
    R10: { ...initialFold.rules.R10 },
  },
  open: { R1: { raisedAtMs: timestampMs(9_000), level: 1, proof: { status: "leak" } } },
};

const context: MeterContext = {
  ...initialContext,
  head: fold,
  gapsMs: [3_600_000],
  valve: { ...initialContext.valve, position: "closed", actuations: 2 },
};

test("a context comes back whole, however little of it was written", () => {
  expect(reviveContext(writeContext(context))).toEqual(context);
  expect(reviveContext(writeContext(initialContext))).toEqual(initialContext);
  expect(writeContext(initialContext)).toBe('{"head":{"rules":{}},"valve":{}}');
  expect(JSON.parse(writeContext(context))).toEqual({
    head: {
      ...{ count: 3, firstMs: 1_000, lastMs: 9_000, open: fold.open },
      rules: { R1: 1, R6: { seenMs: 5_000 } },
    },
    gapsMs: [3_600_000],
    valve: { position: "closed", actuations: 2 },
  });
});

test("a value that has come back to the beginning is not taken for an older one", () => {
  const back = { ...context, gapsMs: [], valve: initialContext.valve, head: initialFold };
  expect(reviveContext(writeContext(back))).toEqual(initialContext);
});

test("what older programs wrote in full is read as before", () => {
  expect(reviveContext(JSON.stringify(context))).toEqual(context);
  expect(reviveFold(JSON.stringify(fold))).toEqual(fold);
  expect(reviveFold(foldJson(fold))).toEqual(fold);
});
