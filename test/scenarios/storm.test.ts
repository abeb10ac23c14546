/** A storm of false leaks, short: the breaker holds over kills, and a ledger that forgets is found out. */
import { expect, test } from "vitest";
import { mostWithin } from "../storm/stormChecks.ts";
import { runStorm, type StormOptions } from "../storm/stormRun.ts";

const short: StormOptions = {
  closes: 150,
  kills: 4,
  seed: 3,
  factor: 120,
  breakage: "none",
  settleSeconds: 90,
  say: () => undefined,
};

test.concurrent(
  "a storm over kills: the breaker holds, a person hears, the leak elsewhere is closed",
  async () => {
    const report = await runStorm(short);
    expect(report.violations).toEqual([]);
    expect(report.facts["wishes"]).toBe(151);
    expect(report.authorised).toBeLessThanOrEqual(3);
    expect(report.leakElsewhereMs).not.toBeNull();
  },
);

test.concurrent(
  "a ledger that forgets who let closes go breaks the limit, and that is found",
  async () => {
    const { violations } = await runStorm({ ...short, breakage: "forgets", settleSeconds: 30 });
    expect(violations).toContainEqual(expect.stringMatching(/^the fleet: \d+ closes in a day/));
  },
);

test("the most in a window that is open at its beginning", () => {
  expect(mostWithin([], 10)).toBe(0);
  expect(mostWithin([0, 10, 20], 10)).toBe(1);
  expect(mostWithin([20, 0, 9, 11], 10)).toBe(2);
  expect(mostWithin([5, 5, 5, 14], 10)).toBe(4);
});
