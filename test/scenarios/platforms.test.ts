/** Meters behind platforms: from a push to a reading, an alarm, and for LoRaWAN a valve that is proved to be closed. */
import { createCipheriv } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { statusBits } from "#domain/status.ts";
import { emptyReading } from "#domain/telegram.ts";
import { minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import { encodeMeteringAnswer } from "#protocols/cjt188/uplink.ts";
import { onenetSignature } from "#protocols/carriers/security.ts";
import { ClassAMeter } from "../support/classAMeter.ts";
import {
  ctwingPush,
  gatewayPush,
  hexFrame,
  onenetMessage,
  onenetPush,
} from "../support/envelopes.ts";
import { Books, expectCalm, nowMs } from "../support/hostile.ts";
import { eventually, Home, type Service } from "../support/program.ts";

interface Alarm {
  readonly meterId: string;
  readonly rule: string;
  readonly historical: boolean;
}

interface Command {
  readonly id: string;
  readonly meterId: string;
  readonly state: string;
  readonly cause: { readonly kind: string };
}

const home = new Home();
const token = "token of the utility";
const aesKey = "0123456789abcdef";
const devEui = "0101010101010142";
let service: Service;
let books: Books;

/** Meter n with its address in frames and its name on the platform. */
const addressOf = (n: number) => `5151000000000${n}`;
const imeiOf = (n: number) => `86000000000000${n}`;

beforeAll(async () => {
  writeFileSync(join(home.folder, "onenet.token"), `${token}\n`);
  writeFileSync(join(home.folder, "onenet.key"), `${aesKey}\n`);
  writeFileSync(
    join(home.folder, "mercaptan.yaml"),
    "push:\n  onenet:\n" +
      "    - { gateway: ON1, tokenFile: onenet.token }\n" +
      "    - { gateway: ON2, tokenFile: onenet.token, aesKeyFile: onenet.key }\n",
  );
  service = await home.serve();
  books = new Books(service);
  const meter = (n: number, carrierAddress: string) => {
    return {
      id: `C${n}`,
      protocol: "cjt188",
      frameAddress: addressOf(n),
      carrierAddress,
      profile: "simulated-cjt188",
    } as const;
  };
  await service.register([1, 2, 3, 4].map((n) => meter(n, imeiOf(n))));
  await service.register([meter(5, devEui)]);
  const gateways = ["CT", "ON1", "ON2", "GW", "LNS"];
  for (const [place, id] of gateways.entries()) await service.gateway(id, [`C${place + 1}`]);
}, 120_000);
afterAll(async () => home.remove());

function frame(n: number, minute: number, cubicMetres: number, status = 0): Uint8Array {
  const count = Math.round(cubicMetres * 100);
  return encodeMeteringAnswer(
    { address: addressOf(n), sequence: 1 },
    {
      ...emptyReading,
      measuredAtMs: timestampMs(nowMs + minute * minuteMs),
      volume: { ml: volumeMl(count * 10_000), count, exponent: -2 },
      valve: "open",
      status,
    },
  );
}

async function push(carrier: string, gateway: string, body: string): Promise<Response> {
  const credentials = Buffer.from(`${gateway}:${service.secretOf(gateway)}`).toString("base64");
  const isSigned = carrier === "onenet";
  return fetch(`${service.api}/v1/push/${carrier}/${gateway}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(isSigned ? {} : { authorization: `Basic ${credentials}` }),
    },
    body,
  });
}

const signed = (msg: string) => onenetPush(msg, onenetSignature(token, "abcdefgh", msg));

function ciphered(msg: string): string {
  const cipher = createCipheriv("aes-128-cbc", Buffer.from(aesKey), Buffer.from(aesKey));
  return Buffer.concat([cipher.update(msg), cipher.final()]).toString("base64");
}

type Wrap = (bytes: Uint8Array) => string;
const platforms: readonly (readonly [string, string, number, Wrap])[] = [
  ["ctwing", "CT", 1, (bytes) => ctwingPush({ frame: bytes, address: imeiOf(1) })],
  ["onenet", "ON1", 2, (bytes) => signed(onenetMessage({ frame: bytes, address: imeiOf(2) }))],
  [
    "onenet",
    "ON2",
    3,
    (bytes) => signed(ciphered(onenetMessage({ frame: bytes, address: imeiOf(3) }))),
  ],
  ["gatewayjson", "GW", 4, (bytes) => gatewayPush(hexFrame(bytes, { meter: "C4" }))],
];

const alarmsOf = async (meterId: string) => {
  const alarms = await service.items<Alarm>("/v1/alarms?state=unacknowledged");
  return alarms.filter((alarm) => alarm.meterId === meterId && alarm.rule === "R1");
};

// First, for the breaker lets only three valves of so small a fleet close by themselves.
test("a leak behind ChirpStack closes its valve once, and zero flow proves it", async () => {
  const client = await service.login("LNS");
  const meter = new ClassAMeter({
    client,
    gatewayId: "LNS",
    meterId: "C5",
    devEui,
    frameAddress: addressOf(5),
    startMs: nowMs,
  });
  await meter.listen();
  await meter.wake(0, 1_000);
  await meter.wake(1, 1_000.05, statusBits.leak);
  expect(await alarmsOf("C5")).toMatchObject([{ historical: false }]);
  // The order left right after the uplink, and the network server keeps it for the next one.
  await eventually(
    async () => meter.queue.length,
    (length) => length === 1,
  );
  expect(meter.queue).toMatchObject([{ devEui, fPort: 2, confirmed: false }]);
  expect(meter.isClosed).toBe(false);
  const commandOf = async () => {
    const commands = await service.items<Command>("/v1/commands");
    return commands.find(({ meterId }) => meterId === "C5");
  };
  expect(await commandOf()).toMatchObject({ cause: { kind: "alarm" } });
  await meter.wake(2, 1_000.1, statusBits.leak);
  expect(meter).toMatchObject({ isClosed: true, movements: 1 });
  await meter.wake(3, 1_000.1, statusBits.leak);
  expect(await commandOf()).toMatchObject({ state: "accepted" });
  for (const minute of [4, 5, 6, 7]) await meter.wake(minute, 1_000.1, statusBits.leak);
  const verified = await eventually(commandOf, (command) => command?.state === "verified");
  expect(verified).toMatchObject({ state: "verified" });
  expect(meter.movements).toBe(1);
  books.stored += 8;
  await client.endAsync();
});

test.each(platforms)(
  "%s (%s): a push is a reading, and a leak in it rings",
  async (carrier, gateway, n, wrap) => {
    const quiet = await push(carrier, gateway, wrap(frame(n, 0, 1_000)));
    expect(await quiet.json()).toEqual({ accepted: 1, items: [{ outcome: "stored" }] });
    const readings = await service.items(`/v1/meters/C${n}/readings`);
    expect(readings).toMatchObject([
      { meterId: `C${n}`, volumeM3: expect.stringMatching(/^1000(\.0+)?$/) },
    ]);
    expect(await alarmsOf(`C${n}`)).toEqual([]);
    const leak = wrap(frame(n, 1, 1_000.01, statusBits.leak));
    expect((await push(carrier, gateway, leak)).status).toBe(200);
    expect(await alarmsOf(`C${n}`)).toMatchObject([{ rule: "R1", historical: false }]);
    // The platform did not see our answer, and says it again.
    expect((await push(carrier, gateway, leak)).status).toBe(200);
    expect(await service.items(`/v1/meters/C${n}/readings`)).toHaveLength(2);
    books.stored += 3;
    const [newest] = await service.items<{ outcome: string; protocol: string; hex: string }>(
      `/v1/uplinks?after=${books.stored - 1}`,
    );
    expect(newest).toMatchObject({ outcome: "duplicate", protocol: carrier });
    const kept = Buffer.from(newest?.hex ?? "", "hex").toString();
    // The envelope is kept whole; in secure mode, in the clear.
    if (gateway === "ON2") expect(kept).toContain('"imei\\":\\"860000000000003\\"');
    else expect(kept).toBe(leak);
  },
);

test("OneNET's first question is answered", async () => {
  const signature = onenetSignature(token, "abcdefgh", "random");
  const query = new URLSearchParams({ msg: "random", nonce: "abcdefgh", signature });
  const response = await fetch(`${service.api}/v1/push/onenet/ON1?${query.toString()}`);
  expect(await response.text()).toBe("random");
});

test("a stranger's push: 401, nothing stored, and the security event is counted", async () => {
  const msg = onenetMessage({ frame: frame(2, 2, 1_000.02), address: imeiOf(2) });
  const response = await push("onenet", "ON1", onenetPush(msg, "AAAAAAAAAAAAAAAAAAAAAA=="));
  expect(response.status).toBe(401);
  expect(await service.event("security.deliverySignature")).toBe(1);
  expect(await service.items("/v1/meters/C2/readings")).toHaveLength(2);
});

test("an envelope that is none waits in quarantine, and is acknowledged", async () => {
  const response = await push(
    "ctwing",
    "CT",
    '{"messageType":"dataReport","payload":{"APPdata":"!"}}',
  );
  expect(response.status).toBe(200);
  books.stored += 1;
  const [newest] = await service.items("/v1/quarantine?limit=1");
  expect(newest).toMatchObject({ protocol: "ctwing", reason: "SCHEMA" });
});

test("everything is accounted for", async () => {
  await books.expectBalance();
  await expectCalm(service, 5);
});
