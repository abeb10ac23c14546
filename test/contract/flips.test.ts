/** A small flip test: bytes of segments, roll-ups, archive and ledger that changed by themselves. */
import { expect, test } from "vitest";
import { makeDirectory, runFlips, type FlipPlan } from "../flip/flipRun.ts";
import { temporaryDirectory } from "../support/ledgerFiles.ts";

/** As many as tell something in some seconds; `npm run flip-test` does thousands. */
const plan: FlipPlan = { places: 36, ledgerPlaces: 16, seed: 3, meters: 100, days: 8 };

test("every flipped byte is found, and no answer is wrong with nothing told", async () => {
  const directory = temporaryDirectory();
  await makeDirectory(directory, plan.meters, plan.days);
  const { files, ledger, failures } = runFlips(plan, directory, () => undefined);
  expect(failures).toEqual([]);
  const kinds = [...Object.values(files), ...Object.values(ledger)];
  for (const { places, found, silent } of kinds) {
    expect(places).toBeGreaterThan(0);
    expect([found, silent]).toEqual([places, 0]);
  }
  expect(kinds.some(({ told }) => told > 0)).toBe(true);
}, 240_000);
