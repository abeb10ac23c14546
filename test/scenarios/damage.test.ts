/** One damaged chunk of the reading store, as an operator meets it: the rest is served, and somebody is told. */
import { hourMs } from "#domain/units.ts";
import { afterEach, expect, test } from "vitest";
import { filesOf, flipFirst, storedCount, storeReadings } from "../support/damagedStore.ts";
import { startMs } from "../support/ledgerRows.ts";
import { Home, type Service } from "../support/program.ts";

const homes: Home[] = [];
afterEach(async () => {
  for (const home of homes.splice(0)) await home.remove();
});

async function damageRings(service: Service): Promise<void> {
  const alarms = async () => {
    const all = await service.items<{ readonly rule: string }>("/v1/alarms");
    return all.filter(({ rule }) => rule === "DAMAGE");
  };
  await expect.poll(alarms, { timeout: 60_000 }).toMatchObject([{ rule: "DAMAGE", priority: 2 }]);
}

/** What the start and its walk over all files read is read by then. */
async function walkEnds(service: Service): Promise<void> {
  await expect.poll(() => service.event("readings.walked"), { timeout: 30_000 }).toBe(1);
}

test("a flipped byte costs its chunk, `verify` names it, and DAMAGE rings", async () => {
  const home = new Home();
  homes.push(home);
  storeReadings(home.dataDir);
  const verify = async () => {
    const program = home.run(["verify"]);
    return { code: await program.exited, said: program.stdout };
  };
  expect(await verify()).toMatchObject({
    code: 0,
    said: expect.stringContaining("2 files, 0 hot"),
  });

  const file = flipFirst(home.dataDir);
  const { code, said } = await verify();
  expect(code).toBe(3);
  expect(said).toContain(`${file}, chunk 0: checksumMismatch`);

  const service = await home.serve();
  const answer = await service.fetch("GET", "/v1/meters/M0001/readings?from=2026-11-01T00:00:00Z");
  const { items } = (await answer.json()) as { items: readonly { measuredAt: string }[] };
  // The first gas day ends at 16:00 UTC, and its one chunk is lost.
  const secondDay = startMs + 16 * hourMs;
  expect(items).toHaveLength(storedCount - 16);
  expect(items.every(({ measuredAt }) => Date.parse(measuredAt) > secondDay)).toBe(true);
  await damageRings(service);
  await expect.poll(() => service.program.stderr).toContain("readings.damaged");
});

test("what only a read for billing meets rings too", async () => {
  const home = new Home();
  homes.push(home);
  storeReadings(home.dataDir);
  const service = await home.serve();
  await walkEnds(service);
  flipFirst(home.dataDir);
  await service.fetch(
    "GET",
    `/v1/meters/M0001/register?at=${new Date(startMs + 9 * hourMs).toISOString()}`,
  );
  await damageRings(service);
});

test("a roll-up that a read for billing finds damaged is made again, and the service says so", async () => {
  const home = new Home();
  homes.push(home);
  storeReadings(home.dataDir);
  const service = await home.serve();
  const rollUps = () => filesOf(home.dataDir).filter((name) => name.endsWith(".rollup"));
  await expect.poll(rollUps, { timeout: 60_000 }).toHaveLength(2);
  const ask = async () => {
    const at = new Date(startMs + 16 * hourMs).toISOString();
    const answer = await service.fetch("GET", `/v1/billing/registers?at=${at}&limit=500`);
    return answer.json();
  };
  const right = await ask();
  await walkEnds(service);
  const file = flipFirst(home.dataDir, ".rollup");
  await ask();
  await damageRings(service);
  // The store is looked at once a minute.
  const aside = () => filesOf(home.dataDir, "damaged");
  await expect.poll(aside, { timeout: 90_000 }).toEqual([file]);
  await expect.poll(() => service.event("readings.remade")).toBe(1);
  expect(await ask()).toEqual(right);
  const verify = home.run(["verify"]);
  expect(await verify.exited).toBe(0);
}, 180_000);

test("a roll-up that nobody asks for is found damaged by the walk, and made again", async () => {
  const home = new Home();
  homes.push(home);
  storeReadings(home.dataDir);
  const first = await home.serve();
  const rollUps = () => filesOf(home.dataDir).filter((name) => name.endsWith(".rollup"));
  await expect.poll(rollUps, { timeout: 60_000 }).toHaveLength(2);
  expect(await first.stop()).toBe(0);
  const file = flipFirst(home.dataDir, ".rollup");

  const service = await home.serve();
  await damageRings(service);
  const aside = () => filesOf(home.dataDir, "damaged");
  await expect.poll(aside, { timeout: 30_000 }).toEqual([file]);
  await expect.poll(() => service.event("readings.remade")).toBe(1);
  await expect.poll(() => service.event("self.troubleOver", "DAMAGE")).toBe(1);
  expect(rollUps()).toHaveLength(2);
  const verify = home.run(["verify"]);
  expect(await verify.exited).toBe(0);
}, 180_000);
