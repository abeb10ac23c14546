/** A gateway that speaks for its meters and for no others, by topic and by the address in a frame; and TLS. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import { emptyReading } from "#domain/telegram.ts";
import type { MqttClient } from "mqtt";
import { decodeCjt188Request } from "#protocols/cjt188/requests.ts";
import { encodeMeteringAnswer, encodeValveAnswer } from "#protocols/cjt188/uplink.ts";
import { Books, expectCalm, expectMore, json, nowMs } from "../support/hostile.ts";
import { Home, type Service } from "../support/program.ts";

interface Uplink {
  readonly meterId: string | null;
  readonly route: string;
  readonly outcome: string;
}

const home = new Home();
let service: Service;
let books: Books;

const listedAddress = "51510000000001";
const unlistedAddress = "51510000000002";

beforeAll(async () => {
  service = await home.serve();
  books = new Books(service);
  await service.register([
    { id: "J1", protocol: "json" },
    { id: "C1", protocol: "cjt188", frameAddress: listedAddress },
    { id: "C2", protocol: "cjt188", frameAddress: unlistedAddress },
    { id: "J2", protocol: "json" },
  ]);
  await service.gateway("GW1", ["J1", "C1"]);
});
afterAll(async () => home.remove());

/** A metering answer so many minutes from now, in cubic metres. */
function frame(address: string, minutes = 0, cubicMetres = 1_000, isClosed = false): Buffer {
  const count = Math.round(cubicMetres * 100);
  const bytes = encodeMeteringAnswer(
    { address, sequence: 0 },
    {
      ...emptyReading,
      measuredAtMs: timestampMs(nowMs + minutes * minuteMs),
      volume: { ml: volumeMl(count * 10_000), count, exponent: -2 },
      valve: isClosed ? "closed" : "open",
      status: 0,
    },
  );
  return Buffer.from(bytes);
}

async function report(gateway: MqttClient, topic: string, bytes: Buffer): Promise<Uplink> {
  await gateway.publishAsync(topic, bytes, { qos: 1 });
  const [uplink] = await service.items<Uplink>(`/v1/uplinks?after=${books.stored}`);
  books.stored += 1;
  if (uplink === undefined) expect.unreachable("acknowledged and not on record");
  return uplink;
}

test("uplinks by the meter's topic and by the frame's address reach their meters", async () => {
  const gateway = await service.login("GW1");
  const byTopic = await report(gateway, "gateways/GW1/up/json/J1", json());
  expect(byTopic).toMatchObject({ meterId: "J1", route: "gateway:GW1", outcome: "accepted" });
  const byAddress = await report(gateway, "gateways/GW1/up/cjt188", frame(listedAddress));
  expect(byAddress).toMatchObject({ meterId: "C1", route: "gateway:GW1", outcome: "accepted" });
  for (const id of ["J1", "C1"]) {
    const latest = await service.call("GET", `/v1/meters/${id}/readings/latest`);
    expect(latest).toMatchObject({ meterId: id, volumeM3: expect.stringMatching(/^1000(\.0+)?$/) });
  }
  await gateway.endAsync();
});

test("frames whose address names no meter, or one of others, wait in quarantine", async () => {
  const gateway = await service.login("GW1");
  const rows = [
    [unlistedAddress, "NOT_OWNER"],
    ["51510000000099", "UNKNOWN_METER"],
  ] as const;
  for (const [address, reason] of rows) {
    const uplink = await report(gateway, "gateways/GW1/up/cjt188", frame(address));
    expect(uplink).toMatchObject({ meterId: null, outcome: "quarantined" });
    const [newest] = await service.items("/v1/quarantine?limit=1");
    expect(newest).toMatchObject({ reason, detail: `address ${address}` });
    const labels = { protocol: "cjt188", reason };
    expect(await service.metric("mercaptan_quarantined_total", labels)).toBe(1);
  }
  // JSON has no address, so without the meter in the topic it belongs to nobody.
  const nameless = await report(gateway, "gateways/GW1/up/json", json());
  expect(nameless).toMatchObject({ meterId: null, outcome: "quarantined" });
  // A listed meter's topic with another meter's frame in it.
  const mixed = await report(gateway, "gateways/GW1/up/cjt188/C1", frame(unlistedAddress));
  expect(mixed).toMatchObject({ meterId: "C1", outcome: "quarantined" });
  expect(await service.items("/v1/meters/C2/readings")).toEqual([]);
  await gateway.endAsync();
});

test.each([
  ["a meter of others", "gateways/GW1/up/json/J2"],
  ["no meter at all", "gateways/GW1/up/json/J9"],
  ["another gateway", "gateways/GW2/up/json/J1"],
  ["the meter's own topic", "meters/J1/up/json"],
])("a publish for %s ends the session", async (_what, topic) => {
  const refused = async () => service.event("mqtt.publishRefused", "NOT_OWNER");
  const before = await refused();
  const gateway = await service.login("GW1");
  const closed = new Promise<void>((resolve) => gateway.once("close", () => resolve()));
  gateway.publish(topic, json(), { qos: 1 });
  await closed;
  books.refused += 1;
  await expectMore(refused, before);
});

test("an order goes down through the gateway and is verified by flow", async () => {
  const gateway = await service.login("GW1");
  const arrived = new Promise<readonly [string, Buffer]>((resolve) => {
    gateway.once("message", (topic, payload) => resolve([topic, payload]));
  });
  await gateway.subscribeAsync("gateways/GW1/down/cjt188/C1", { qos: 1 });
  const foreign = gateway.subscribeAsync("gateways/GW1/down/cjt188/C2", { qos: 1 });
  await expect(foreign).rejects.toThrow(/Subscribe error/);
  expect(await service.event("mqtt.subscribeRefused")).toBe(1);
  const reason = { reason: "smell of gas" };
  const { id } = await service.call<{ id: string }>("POST", "/v1/meters/C1/valve/close", reason);
  const [topic, payload] = await arrived;
  expect(topic).toBe("gateways/GW1/down/cjt188/C1");
  const request = decodeCjt188Request(payload);
  if (!request.ok || request.value.kind !== "valve") expect.unreachable("no valve order");
  const { address, operation, sequence } = request.value;
  expect({ address, operation }).toEqual({ address: listedAddress, operation: "close" });

  const answer = encodeValveAnswer(
    { address, sequence },
    { ...emptyReading, valve: "open", status: 0 },
  );
  await report(gateway, "gateways/GW1/up/cjt188", Buffer.from(answer));
  const stateOf = async () => service.call<object>("GET", `/v1/commands/${id}`);
  expect(await stateOf()).toMatchObject({ state: "accepted" });
  for (const minutes of [2, 3, 4, 5]) {
    await report(gateway, "gateways/GW1/up/cjt188", frame(address, minutes, 1_000, true));
  }
  expect(await stateOf()).toMatchObject({ state: "verified" });
  await gateway.endAsync();
});

test("a meter that is taken off the list is out at once", async () => {
  const gateway = await service.login("GW1");
  await service.call("POST", "/v1/gateways", { id: "GW1", meterIds: ["J1"] });
  const uplink = await report(gateway, "gateways/GW1/up/cjt188", frame(listedAddress, 6));
  expect(uplink).toMatchObject({ outcome: "quarantined" });
  await gateway.endAsync();
  await books.expectBalance();
  await expectCalm(service, 1);
});

const ecKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const files = ["-keyout", "tls.key", "-out", "tls.pem", "-days", "1", "-subj", "/CN=localhost"];
const made = spawnSync("openssl", ["req", "-x509", ...ecKey, ...files], { cwd: home.folder });

test.skipIf(made.status !== 0)(
  "with a certificate the port speaks TLS and nothing else",
  async () => {
    const tlsHome = new Home();
    const secure = await tlsHome.serve({
      MERCAPTAN_MQTT_TLS_KEY_FILE: join(home.folder, "tls.key"),
      MERCAPTAN_MQTT_TLS_CERT_FILE: join(home.folder, "tls.pem"),
    });
    try {
      expect(secure.program.stdout).toContain("meters mqtts://");
      await secure.register([{ id: "T1", protocol: "json" }]);
      const ca = readFileSync(join(home.folder, "tls.pem"));
      const meter = await secure.login("T1", { protocol: "mqtts", servername: "localhost", ca });
      await meter.publishAsync("meters/T1/up/json", json(), { qos: 1 });
      await meter.endAsync();
      expect(await secure.items("/v1/meters/T1/readings")).toHaveLength(1);
      const plain = connectTcp(secure.mqttPort, "127.0.0.1");
      plain.on("error", () => undefined);
      plain.write(Buffer.from("100c00044d5154540402003c0000", "hex"));
      plain.resume();
      await once(plain, "close");
      await expectMore(async () => secure.event("mqtt.cut", "TLS"), 0);
      await expectCalm(secure);
    } finally {
      await tlsHome.remove();
    }
  },
);
