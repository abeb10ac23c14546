/** Orders to meters that sleep, short: kept by the program as it is, not by one broken on purpose. */
import { expect, test } from "vitest";
import { runSleepy, type SleepyOptions } from "../sleepy/sleepyRun.ts";

const short: SleepyOptions = {
  commands: 80,
  meters: 100,
  restarts: 2,
  seed: 11,
  factor: 40,
  breakage: "none",
  settleSeconds: 60,
  say: () => undefined,
};

test.concurrent(
  "orders over restarts come in time, once, the newest, in the first window",
  async () => {
    const report = await runSleepy(short);
    expect(report.violations).toEqual([]);
    expect(report).toMatchObject({ late: 0, secondMovements: 0, overtaken: 0, crowded: 0 });
    expect(report.restarts).toBe(2);
    expect(report.windows).toBeGreaterThan(20);
  },
);

test.concurrent(
  "a service whose clock is behind sends what is over, and that is found",
  async () => {
    // Most of them wait for a wake when the last one is ordered: without settling few could come late.
    const { late } = await runSleepy({ ...short, breakage: "slowClock", settleSeconds: 20 });
    expect(late).toBeGreaterThan(0);
  },
);

test.concurrent("a service that does not notice who listens misses the first windows", async () => {
  const { windows, inFirstWindow } = await runSleepy({
    ...short,
    breakage: "deaf",
    settleSeconds: 0,
  });
  expect(inFirstWindow).toBeLessThan(0.5 * windows);
});
