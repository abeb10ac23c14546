/** One damaged chunk of the reading store, as an operator meets it: the rest is served, and somebody is told. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hourMs } from "#domain/units.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { storeSettings } from "#readings/openReadings.ts";
import { afterEach, expect, test } from "vitest";
import { inTransaction, meterRow, readingRow, startMs } from "../support/ledgerRows.ts";
import { Home, type Service } from "../support/program.ts";

const homes: Home[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await home.remove();
});

const count = 40;

/** Hourly readings of one meter over two gas days, in segments. */
function storeReadings(directory: string): void {
  const plan = { ...storeSettings.plan, flushRows: count };
  const ledger = openLedger(directory, { ...storeSettings, plan });
  inTransaction(ledger, () => {
    ledger.putMeter(meterRow(1));
    for (let seq = 1; seq <= count; seq += 1) ledger.putReading(readingRow(seq, seq * hourMs));
  });
  ledger.flushFull();
  ledger.close();
}

/** Behind the header and the chunk's head, so within its first frame. */
const flippedPlace = 48 + 64 + 10;

function flipIn(path: string): void {
  const bytes = readFileSync(path);
  bytes[flippedPlace] = (bytes[flippedPlace] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

async function damageRings(service: Service): Promise<void> {
  const alarms = async () => {
    const all = await service.items<{ readonly rule: string }>("/v1/alarms");
    return all.filter(({ rule }) => rule === "DAMAGE");
  };
  await expect.poll(alarms, { timeout: 60_000 }).toMatchObject([{ rule: "DAMAGE", priority: 2 }]);
}

test("a flipped byte costs its chunk, `verify` names it, and DAMAGE rings", async () => {
  const home = new Home();
  homes.push(home);
  storeReadings(home.dataDir);
  const folder = join(home.dataDir, "readings");
  const [file = ""] = readdirSync(folder).sort();
  const verify = async () => {
    const program = home.run(["verify"]);
    return { code: await program.exited, said: program.stdout };
  };
  expect(await verify()).toMatchObject({
    code: 0,
    said: expect.stringContaining("2 files, 0 hot"),
  });

  flipIn(join(folder, file));
  const { code, said } = await verify();
  expect(code).toBe(3);
  expect(said).toContain(`${file}, chunk 0: checksumMismatch`);

  const service = await home.serve();
  const answer = await service.fetch("GET", "/v1/meters/M0001/readings?from=2026-11-01T00:00:00Z");
  const { items } = (await answer.json()) as { items: readonly { measuredAt: string }[] };
  // The first gas day ends at 16:00 UTC, and its one chunk is lost.
  const secondDay = startMs + 16 * hourMs;
  expect(items).toHaveLength(count - 16);
  expect(items.every(({ measuredAt }) => Date.parse(measuredAt) > secondDay)).toBe(true);
  await damageRings(service);
  await expect.poll(() => service.program.stderr).toContain("readings.damaged");
});

test("what only a read for billing meets rings too", async () => {
  const home = new Home();
  homes.push(home);
  storeReadings(home.dataDir);
  const folder = join(home.dataDir, "readings");
  const [file = ""] = readdirSync(folder).sort();
  const service = await home.serve();
  // What the start itself reads is read by then.
  flipIn(join(folder, file));
  await service.fetch(
    "GET",
    `/v1/meters/M0001/register?at=${new Date(startMs + 9 * hourMs).toISOString()}`,
  );
  await damageRings(service);
});
