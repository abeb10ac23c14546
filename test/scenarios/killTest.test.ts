/** The kill test, short: it passes with the program as it is, and fails with one that promises too early. */
import { expect, test } from "vitest";
import { runKills, type KillOptions } from "../kill/killRun.ts";

const short: KillOptions = {
  // One of each moment.
  cycles: 4,
  meters: 200,
  rate: 1_500,
  seed: 5,
  earlyAck: false,
  backups: true,
  over: [],
  settleSeconds: 5,
  startSecondsMax: 10,
  say: () => undefined,
};

test("kill -9 under load: nothing lost, nothing twice, no valve moved again", async () => {
  const { violations, facts } = await runKills(short);
  expect(violations).toEqual([]);
  expect(facts["leaks"]).toBe(12);
});

test("acknowledging before the commit is found out: readings are lost", async () => {
  // One such cycle lost readings in every one of eight runs.
  const { lost, violations } = await runKills({
    ...short,
    cycles: 3,
    rate: 3_000,
    earlyAck: true,
    backups: false,
    settleSeconds: 0,
  });
  expect(lost).toBeGreaterThan(0);
  expect(violations).toContainEqual(expect.stringMatching(/^lost: K\d+ at \d+$/));
});
