/** CAT-1 from the socket to the proof: a report, an alarm, and a valve that is believed shut only by its flow. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cat1Meter } from "#simulators/cat1Meter.ts";
import { eventually, Home, type Service } from "../support/program.ts";

const address = "51510000000042";
const home = new Home();
let service: Service;
let meter: Cat1Meter;
let atMs = Date.now() - 9 * 60_000;

beforeAll(async () => {
  service = await home.serve({ MERCAPTAN_CAT1_PORT: "0" });
  await service.register([{ id: "T1", protocol: "cat1", frameAddress: address }]);
  meter = new Cat1Meter(address, service.cat1Port);
});
afterAll(() => home.remove());

/** The next minute of the meter. */
const call = () => meter.call((atMs += 60_000));

test("a report is stored, answered and read back", async () => {
  expect(await call()).toEqual({ isStored: true, wasOrdered: false });
  const latest = await service.call("GET", "/v1/meters/T1/readings/latest");
  expect(latest).toMatchObject({ volumeM3: "1.000", valve: "open", quality: "validated" });
});

test("a magnet raises its alarm", async () => {
  meter.hasMagnet = true;
  await call();
  meter.hasMagnet = false;
  const alarms = await service.items("/v1/alarms?meterId=T1");
  expect(alarms).toMatchObject([{ rule: "R11", historical: false }]);
});

test("an order leaves in the meter's next call and is verified by two readings without flow", async () => {
  const wanted = { reason: "smell of gas reported", expiresInSeconds: 600 };
  const { id } = await service.call<{ id: string }>("POST", "/v1/meters/T1/valve/close", wanted);
  expect(await service.call("GET", `/v1/commands/${id}`)).toMatchObject({ state: "queued" });
  expect(await call()).toEqual({ isStored: true, wasOrdered: true });
  expect(meter.valve).toBe("closed");
  expect(await service.call("GET", `/v1/commands/${id}`)).toMatchObject({ state: "accepted" });
  await call();
  await call();
  await call();
  const done = await eventually(
    () => service.call<{ state: string }>("GET", `/v1/commands/${id}`),
    ({ state }) => state === "verified",
  );
  expect(done).toMatchObject({ state: "verified", attempts: 1 });
  expect(meter.valveMovements).toBe(1);
});

test("a stranger's report leaves no row, and the service goes on", async () => {
  const stranger = new Cat1Meter("99999999999999", service.cat1Port);
  expect(await stranger.call(atMs)).toEqual({ isStored: false, wasOrdered: false });
  expect(await service.event("tcp.frameRefused", "UNKNOWN_METER")).toBe(1);
  expect(await service.items("/v1/quarantine")).toEqual([]);
  await service.expectReady();
});
