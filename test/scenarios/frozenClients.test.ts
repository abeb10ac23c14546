/** Meters and followers that stop reading, short: nobody else notices, and who comes back has missed nothing. */
import { expect, test } from "vitest";
import { frozenFaults } from "../kill/frozenFaults.ts";
import { runFrozen } from "../kill/frozenRun.ts";

test("two followers and two meters that do not read: everybody else is served as before", async () => {
  const report = await runFrozen({ meters: 300, rate: 3_000, seconds: 12, say: () => undefined });
  // Filling the kernel's buffers with answers to one meter takes longer: that is in the long run.
  expect(frozenFaults(report, { mustCutChatty: false })).toEqual([]);
});
