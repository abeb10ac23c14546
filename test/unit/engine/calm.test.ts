import { expect, test } from "vitest";
import { calmNow, newCalm, stir } from "#engine/calm.ts";

const now = { registryVersion: 4, rules: null, lookedAtMs: 1_000 };
const rules = { version: "1" } as never;

test.each([
  ["the registry changes", { ...now, registryVersion: 5 }],
  ["other rules come into force", { ...now, rules }],
  ["the clock is set back", { ...now, lookedAtMs: 999 }],
])("when %s, every meter is looked at again", (_, changed) => {
  const calm = newCalm();
  calmNow(calm, now).push(0, 9_000, 9_000);
  expect(calmNow(calm, { ...now, lookedAtMs: 2_000 })).toEqual([0, 9_000, 9_000]);
  calmNow(calm, now);
  calm.untilMs.push(9_000);
  expect(calmNow(calm, changed)).toEqual([]);
});

test("a meter whose context changes is looked at next time, and no other", () => {
  const calm = newCalm();
  calmNow(calm, now).push(0, 9_000, 9_000);
  stir(calm, 1);
  stir(calm, 77);
  expect(calmNow(calm, now)).toEqual([0, 0, 9_000]);
});
