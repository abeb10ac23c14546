/** A small city with known incidents on the real engine: what the meters flag is never missed, nobody is flooded. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scoreCity } from "#simulators/city/score.ts";
import { scoreTable } from "#simulators/city/scoreTable.ts";
import { runCity } from "../../src/cityRun.ts";

test.each([11, 12])("500 meters, 14 days, seed %i", (seed) => {
  const directory = mkdtempSync(join(tmpdir(), "mercaptan-city-"));
  const plan = { seed, meters: 500, days: 14, incidents: "dense" } as const;
  const { truth, alarms, outages } = runCity(plan, directory, () => undefined);
  rmSync(directory, { recursive: true, force: true });
  const score = scoreCity(truth, alarms, outages, plan);
  const table = scoreTable(score, plan);
  const heard = score.kinds.filter(({ isHeard }) => isHeard);
  const flagged = heard.filter(({ isFlagged }) => isFlagged);
  expect(flagged.length, table).toBeGreaterThan(10);
  for (const kind of flagged) {
    expect(kind, table).toMatchObject({ rang: kind.happened, recorded: 0, missed: 0 });
  }
  const aboveFloor = heard.filter((kind) => !kind.isFlagged && kind.isAboveFloor);
  for (const kind of aboveFloor) expect(kind, table).toMatchObject({ missed: 0 });
  const invented =
    Object.values(score.inventedByRule).reduce((sum, count) => sum + count, 0) +
    score.lookAlikes.reduce((sum, one) => sum + one.invented, 0);
  // 7,000 meter-days are too few for a rate; a rule that cries wolf shows all the same.
  expect(invented, table).toBeLessThanOrEqual(3);
});
