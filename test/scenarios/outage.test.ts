/** A network is out for days at the real program: one alarm, leaks inside it on top. No time is asserted here. */
import { expect, test } from "vitest";
import { runOutage } from "../bench/outage.ts";

test("ninety silent meters ring once in three days, and leaks among them stand on top of everything", async () => {
  const [line] = await runOutage({ meters: 90, leaks: 2, days: 3.6, factor: 48_000 });
  expect(line).toMatchObject({
    ...{ operatorAlarms: 1, lost: 0, exitCode: 0 },
    // Both were seen there, whenever it was: what was not is infinitely late.
    leaksOnTopMs: {
      onFeedMs: expect.toSatisfy(Number.isFinite),
      inListMs: expect.toSatisfy(Number.isFinite),
    },
  });
  expect(line?.["hidden"]).toBeGreaterThanOrEqual(88);
}, 120_000);
