/** The real program behind by a ledger that somebody else holds, and under a clock that jumps: alarms within 30 s. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, expect, test } from "vitest";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { movableClock } from "../support/movableClock.ts";
import { Home, eventually, type Service } from "../support/program.ts";

const withinMs = 30_000;
let home: Home;
afterEach(() => home.remove());

interface AlarmRow {
  readonly rule: string;
  readonly state: string;
  readonly priority: number;
  readonly proof: Readonly<Record<string, number>>;
}

const alarmBy = async (service: Service, rule: string, state: string) =>
  eventually(
    async () =>
      (await service.items<AlarmRow>("/v1/alarms")).find(
        (alarm) => alarm.rule === rule && alarm.state === state,
      ),
    (alarm) => alarm !== undefined,
    withinMs,
  );

test("the ledger is held by another program: behind (LAG), and nothing is promised meanwhile", async () => {
  home = new Home();
  const service = await home.serve();
  await service.register([{ id: "M1", protocol: "json" }]);
  const meter = await service.login("M1");
  const holder = new DatabaseSync(join(home.dataDir, ledgerFileName));
  holder.exec("BEGIN IMMEDIATE");
  let isPromised = false;
  const said = { v: 1, measuredAt: new Date().toISOString(), volumeM3: "1.000" };
  meter.publish("meters/M1/up/json", JSON.stringify(said), { qos: 1 }, () => {
    isPromised = true;
  });
  await eventually(
    async () => service.event("self.trouble", "LAG"),
    (count) => count === 1,
    withinMs,
  );
  expect(isPromised).toBe(false);
  expect((await fetch(`${service.api}/readyz`)).status).toBe(503);
  holder.exec("ROLLBACK");
  holder.close();
  const alarm = await alarmBy(service, "LAG", "unacknowledged");
  expect(alarm).toMatchObject({ priority: 1 });
  expect(alarm?.proof["lagSeconds"]).toBeGreaterThanOrEqual(5);
  meter.end(true);
  expect(await service.stop()).toBe(0);
}, 60_000);

test("the machine's clock jumps by an hour: told, readings keep their time, and over when it is put right", async () => {
  home = new Home();
  const file = join(home.folder, "moved");
  const service = await home.serve({ NODE_OPTIONS: movableClock(file) });
  await service.register([{ id: "M1", protocol: "json" }]);
  expect(await service.items("/v1/alarms")).toEqual([]);
  writeFileSync(file, "");
  const alarm = await alarmBy(service, "CLOCK", "unacknowledged");
  expect(alarm).toMatchObject({ priority: 2, proof: { apartSeconds: 3_600 } });
  const meter = await service.login("M1");
  const said = { v: 1, measuredAt: new Date().toISOString(), volumeM3: "1.000" };
  await meter.publishAsync("meters/M1/up/json", JSON.stringify(said), { qos: 1 });
  await meter.endAsync();
  const [reading] = await service.items<{ late: boolean; receivedAt: string }>(
    "/v1/meters/M1/readings",
  );
  expect(reading?.late).toBe(false);
  expect(Math.abs(Date.parse(reading?.receivedAt ?? "") - Date.now())).toBeLessThan(60_000);
  rmSync(file);
  await alarmBy(service, "CLOCK", "returned-unacknowledged");
  expect(await service.stop()).toBe(0);
}, 60_000);
