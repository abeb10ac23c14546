/** A few of the histories of `npm run permutation-test`, in every run of the tests. */
import { expect, test } from "vitest";
import { runPermutations } from "../permutation/permutationRun.ts";

test("order, delay and repetition change no alarm and no state, with every rule of the pack", () => {
  const { unequal, byRule } = runPermutations(60, 20_261_128, () => undefined);
  expect(unequal).toEqual([]);
  const rules = ["R1", "R2", "R3", "R5", "R6", "R8", "R9", "R10", "R11", "R13", "R14", "X1", "X2"];
  expect(Object.keys(byRule)).toEqual(expect.arrayContaining(rules));
});
