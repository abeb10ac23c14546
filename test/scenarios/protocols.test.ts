/**
 * The European protocols and LwM2M from the broker to the alarm, in a real process: readings that are right, keys
 * that come by the API, frames that wait for their key, a counter that may not go back.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { statusBits } from "#domain/status.ts";
import {
  dlmsPush,
  dsmrTelegram,
  lwm2mPack,
  mbusFrame,
  simulatedAddresses,
  wmbusFrame,
} from "#simulators/meterFrames.ts";
import { eventually, Home, type Service } from "../support/program.ts";

const profile = `id: mbus-china
version: 1
title: M-Bus meter with the clock of China
protocol: mbus
functions: []
clock: { offset: "+08:00" }
`;
const home = new Home();
let service: Service;
let gateway: MqttClient;
const keys = { key: randomBytes(16), authKey: randomBytes(16) };

beforeAll(async () => {
  const profiles = join(home.folder, "models");
  mkdirSync(profiles);
  writeFileSync(join(profiles, "mbus.yaml"), profile);
  writeFileSync(
    join(profiles, "wmbus.yaml"),
    profile.replace("mbus-china", "wmbus-china").replace("protocol: mbus", "protocol: wmbus"),
  );
  const masterKeyFile = join(home.folder, "master.key");
  writeFileSync(masterKeyFile, randomBytes(32).toString("hex"));
  service = await home.serve({
    MERCAPTAN_PROFILES_DIR: profiles,
    MERCAPTAN_KEYS_MASTER_KEY_FILE: masterKeyFile,
  });
  await service.register([
    { id: "B1", protocol: "mbus", frameAddress: simulatedAddresses.mbus, profile: "mbus-china" },
    { id: "W1", protocol: "wmbus", frameAddress: simulatedAddresses.wmbus, profile: "wmbus-china" },
    { id: "P1", protocol: "dsmr", frameAddress: simulatedAddresses.dsmr },
    { id: "D1", protocol: "dlms", frameAddress: simulatedAddresses.dlms },
    { id: "L1", protocol: "lwm2m" },
  ]);
  await service.gateway("GW1", ["B1", "W1", "P1", "D1", "L1"]);
  gateway = await service.login("GW1");
});
afterAll(async () => {
  await gateway.endAsync(true);
  await home.remove();
});

const minutesAgo = (minutes: number) => Math.floor(Date.now() / 60_000 - minutes) * 60_000;
const publish = (topic: string, bytes: Uint8Array) =>
  gateway.publishAsync(`gateways/GW1/up/${topic}`, Buffer.from(bytes), { qos: 1 });

interface Told {
  readonly measuredAt: string;
  readonly volumeM3: string;
}
const readingsOf = (id: string) => service.items<Told>(`/v1/meters/${id}/readings`);
const ringing = async (id: string) => {
  const path = `/v1/alarms?meterId=${id}&historical=false`;
  return (await service.items<{ rule: string }>(path)).map(({ rule }) => rule);
};
const quarantined = () => service.items<{ id: string; reason: string }>("/v1/quarantine");

describe.each([
  ["mbus", "B1", mbusFrame],
  ["wmbus", "W1", (atMs: number, litres: number) => wmbusFrame(atMs, litres, null)],
  ["dsmr", "P1", dsmrTelegram],
  ["lwm2m", "L1", lwm2mPack],
] as const)("%s", (protocol, id, frame) => {
  test("registers are read back at their times, and four cubic metres in 34 minutes ring R2", async () => {
    const [firstMs, secondMs] = [minutesAgo(35), minutesAgo(1)];
    // LwM2M has no address of its own; the others are found by theirs.
    const topic = protocol === "lwm2m" ? `lwm2m/${id}` : protocol;
    await publish(topic, frame(firstMs, 1_234_567));
    await publish(topic, frame(secondMs, 1_238_567));
    expect(await readingsOf(id)).toMatchObject([
      { measuredAt: new Date(firstMs).toISOString(), volumeM3: "1234.567" },
      { measuredAt: new Date(secondMs).toISOString(), volumeM3: "1238.567" },
    ]);
    expect(await ringing(id)).toContain("R2");
  });

  test("the same frame again is stored once; bytes of another protocol wait in quarantine", async () => {
    const before = await readingsOf(id);
    const topic = `${protocol}/${id}`;
    await publish(topic, frame(minutesAgo(0), 1_238_600));
    await publish(topic, frame(minutesAgo(0), 1_238_600));
    expect((await readingsOf(id)).length - before.length).toBeLessThanOrEqual(2);
    const waiting = (await quarantined()).length;
    await publish(topic, randomBytes(60));
    expect((await quarantined()).length).toBe(waiting + 1);
  });
});

test("LwM2M: the gas meter object's leak rings R1", async () => {
  await publish("lwm2m/L1", lwm2mPack(minutesAgo(0), 1_238_700, statusBits.leak));
  expect(await ringing("L1")).toContain("R1");
});

describe("dlms", () => {
  const put = (body: object) => service.fetch("PUT", "/v1/meters/D1/keys", body);
  const asHex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

  test("a ciphered push waits for its key, and is decoded when it is there", async () => {
    const before = new Set((await quarantined()).map(({ id }) => id));
    await publish("dlms", dlmsPush(minutesAgo(50), 5_000_000, keys, 100));
    const [waiting] = (await quarantined()).filter(({ id }) => !before.has(id));
    expect(waiting).toMatchObject({ reason: "KEY", meterId: "D1" });
    const wrong = { encryption: asHex(randomBytes(16)), authentication: asHex(keys.authKey) };
    expect((await put(wrong)).status).toBe(204);
    const path = `/v1/quarantine/${waiting?.id}/redecode`;
    expect((await service.fetch("POST", path)).status).toBe(409);
    const right = { encryption: asHex(keys.key), authentication: asHex(keys.authKey) };
    expect((await put(right)).status).toBe(204);
    expect(await service.call("POST", path)).toMatchObject({ outcome: "accepted" });
    expect(await readingsOf("D1")).toMatchObject([{ volumeM3: "5000.000" }]);
  });

  test("with the key on file pushes are read at once, and an old counter is a replay", async () => {
    const [firstMs, secondMs] = [minutesAgo(35), minutesAgo(1)];
    const first = dlmsPush(firstMs, 5_000_100, keys, 101);
    await publish("dlms", first);
    await publish("dlms", dlmsPush(secondMs, 5_004_100, keys, 102));
    expect(await ringing("D1")).toContain("R2");
    const before = (await quarantined()).length;
    await publish("dlms", first);
    const [newest] = await quarantined();
    expect(newest).toMatchObject({ reason: "REPLAY", meterId: "D1" });
    expect((await quarantined()).length).toBe(before + 1);
  });

  test("counters and keys survive a restart", async () => {
    await gateway.endAsync(true);
    await service.stop();
    const { MERCAPTAN_PROFILES_DIR, MERCAPTAN_KEYS_MASTER_KEY_FILE } = {
      MERCAPTAN_PROFILES_DIR: join(home.folder, "models"),
      MERCAPTAN_KEYS_MASTER_KEY_FILE: join(home.folder, "master.key"),
    };
    const again = await home.serve({ MERCAPTAN_PROFILES_DIR, MERCAPTAN_KEYS_MASTER_KEY_FILE });
    await again.issue("gateways", "GW1");
    service = again;
    gateway = await service.login("GW1");
    await publish("dlms", dlmsPush(minutesAgo(0), 5_004_200, keys, 102 - 1));
    expect((await quarantined())[0]).toMatchObject({ reason: "REPLAY" });
    await publish("dlms", dlmsPush(minutesAgo(0), 5_004_200, keys, 103));
    const latest = await eventually(
      () => service.call<Told>("GET", "/v1/meters/D1/readings/latest"),
      ({ volumeM3 }) => volumeM3 === "5004.200",
    );
    expect(latest.volumeM3).toBe("5004.200");
  });
});

test("a radio meter with a key is not believed in plain, and is read in its cipher", async () => {
  const key = randomBytes(16);
  await service.call("PUT", "/v1/meters/W1/keys", { encryption: key.toString("hex") });
  await publish("wmbus", wmbusFrame(minutesAgo(0), 1_239_000, null));
  expect((await quarantined())[0]).toMatchObject({ reason: "AUTH", meterId: "W1" });
  await publish("wmbus", wmbusFrame(minutesAgo(0), 1_239_001, key));
  const latest = await service.call("GET", "/v1/meters/W1/readings/latest");
  expect(latest).toMatchObject({ volumeM3: "1239.001" });
  await publish("wmbus", wmbusFrame(minutesAgo(0), 1_239_002, randomBytes(16)));
  expect((await quarantined())[0]).toMatchObject({ reason: "AUTH" });
});
