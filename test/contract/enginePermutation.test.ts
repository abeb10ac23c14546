/** A few of the histories of `npm run permutation-test`, in every run of the tests. */
import { expect, test } from "vitest";
import { runShare } from "../permutation/permutationRun.ts";

test("order, delay and repetition change no alarm and no state, with every rule of the pack", () => {
  const { unequal, firedIn } = runShare({ seed: 20_261_128, from: 0, count: 60 });
  expect(unequal).toEqual([]);
  const rules = ["R1", "R2", "R3", "R5", "R6", "R8", "R9", "R10", "R11", "R13", "R16", "X1", "X2"];
  expect(Object.keys(firedIn)).toEqual(expect.arrayContaining(rules));
});
