/** Envelopes of platforms over MQTT: taken apart before the queue, acknowledged as one, and the way down. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import type { Downlink } from "#ports/intake.ts";
import { chirpstackUp, ctwingPush, gatewayPush, hexFrame } from "../support/envelopes.ts";
import { publishBytes, startRig, until, type Rig } from "../support/mqttRig.ts";

const devEui = "0101010101010142";
const frame = Buffer.from(
  "6830420000000051518116901f05563412002c000000002c0500082211262004014616",
  "hex",
);

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
  change("M0002", { protocol: "cjt188", carrierAddress: devEui });
});
afterEach(async () => {
  await rig.stop();
});

function change(id: string, to: object): void {
  const meter = rig.directory.meterById(id);
  if (meter === undefined) throw new Error(`no meter ${id}`);
  rig.directory.meters.set(id, { ...meter, ...to });
}

const downlink = (extra: Partial<Downlink> = {}): Downlink => ({
  commandId: commandId("A"),
  meterNo: 2,
  protocol: "cjt188",
  bytes: frame,
  expiresAtMs: rig.clock.nowMs() + 60_000,
  ...extra,
});

test("an envelope reaches the queue whole, sorted by the frame inside", async () => {
  const gateway = await rig.login("G1");
  const text = chirpstackUp({ frame, address: devEui });
  await gateway.publishAsync("gateways/G1/up/chirpstack", text, { qos: 1 });
  await gateway.publishAsync("gateways/G1/up/chirpstack/M0002", text, { qos: 1 });
  expect(rig.queue.texts()).toEqual([text, text]);
  const carried = { meterNo: 2, protocol: "cjt188", bytes: new Uint8Array(frame) };
  expect(rig.queue.offered).toMatchObject([
    { protocol: "chirpstack", meterNo: null, route: "gateway:G1", carried, reachable: false },
    { protocol: "chirpstack", meterNo: 2, route: "gateway:G1", carried, reachable: false },
  ]);
});

test("a meter of others is nobody, and no envelope makes it the gateway's own", async () => {
  change("M0003", { protocol: "cjt188", carrierAddress: "860000000000042" });
  const gateway = await rig.login("G1");
  const text = ctwingPush({ frame, address: "860000000000042" });
  await gateway.publishAsync("gateways/G1/up/ctwing", text, { qos: 1 });
  expect(rig.queue.offered).toMatchObject([{ meterNo: null, carried: { meterNo: null } }]);
});

test("many frames in one publish: each is an uplink, and the last commit acknowledges", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("G1");
  const frames = [1, 2, 3].map((n) => hexFrame(Buffer.of(n), { meter: "M0002" }));
  raw.send(publishBytes("gateways/G1/up/gatewayjson", gatewayPush(...frames)));
  await until(() => rig.queue.waiting.length === 3, "three uplinks");
  expect(rig.queue.texts()).toEqual(frames.map((one) => gatewayPush(one)));
  const [first, second, third] = rig.queue.waiting.splice(0);
  first?.(null);
  second?.(null);
  await new Promise((resolve) => setImmediate(resolve));
  expect(raw.frames.filter(({ cmd }) => cmd === "puback")).toEqual([]);
  third?.(null);
  await raw.receive("puback");
});

test("one frame that could not be stored: no acknowledgement, the gateway sends all of them again", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("G1");
  const frames = [1, 2].map((n) => hexFrame(Buffer.of(n), { meter: "M0002" }));
  raw.send(publishBytes("gateways/G1/up/gatewayjson", gatewayPush(...frames)));
  await until(() => rig.queue.waiting.length === 2, "two uplinks");
  const [first, second] = rig.queue.waiting.splice(0);
  first?.("store-failed");
  second?.(null);
  await raw.closed();
  expect(raw.frames.filter(({ cmd }) => cmd === "puback")).toEqual([]);
});

test("each frame counts against the share of its session", async () => {
  await rig.stop();
  rig = await startRig({ limits: { uplinksInFlightPerSessionMax: 8 } });
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("G1");
  const frames = Array.from({ length: 10 }, (_, n) => hexFrame(Buffer.of(n), { meter: "M0002" }));
  const publish = (messageId: number) =>
    publishBytes("gateways/G1/up/gatewayjson", gatewayPush(...frames), { messageId });
  raw.send(publish(1));
  await until(() => rig.queue.waiting.length === 10, "ten uplinks");
  raw.send(publish(2), publish(3));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(rig.queue.waiting).toHaveLength(10);
  rig.queue.isAutomatic = true;
  rig.queue.settle();
  await raw.receive("puback", 3);
  expect(rig.queue.offered).toHaveLength(30);
});

test("what is no envelope is stored as it is, for quarantine", async () => {
  const gateway = await rig.login("G1");
  await gateway.publishAsync("gateways/G1/up/gatewayjson", '{"v":1,"frames":[]}', { qos: 1 });
  await gateway.publishAsync("gateways/G1/up/onenet", Buffer.of(0xff, 0x00), { qos: 1 });
  expect(rig.queue.offered).toMatchObject([
    { protocol: "gatewayjson", carried: { meterNo: null, bytes: null } },
    { protocol: "onenet", carried: { meterNo: null, bytes: null } },
  ]);
});

test.each([
  ["a meter", "M0001", "meters/M0001/up/chirpstack"],
  ["a meter by its gateway", "M0002", "gateways/G1/up/chirpstack"],
  ["a meter of others", "G1", "gateways/G1/up/chirpstack/M0001"],
])("%s may not speak in envelopes (%s)", async (_what, username, topic) => {
  const raw = await rig.rawLogin(username);
  raw.send(publishBytes(topic, chirpstackUp({ frame, address: devEui })));
  await raw.closed();
  expect(rig.queue.offered).toEqual([]);
});

test("a command leaves in ChirpStack's envelope, and only once the meter was heard", async () => {
  const gateway = await rig.login("G1");
  const messages: string[] = [];
  gateway.on("message", (topic, text) => messages.push(`${topic} ${text.toString()}`));
  await gateway.subscribeAsync("gateways/G1/down/chirpstack/M0002", { qos: 1 });
  // The platform is there; the meter sleeps.
  expect(rig.queue.contacts).toEqual([]);
  expect(rig.intake.listeners.find(2, "cjt188")?.isHeardFirst).toBe(true);
  const text = chirpstackUp({ frame, address: devEui });
  await gateway.publishAsync("gateways/G1/up/chirpstack", text, { qos: 1 });
  expect(rig.queue.offered.at(-1)?.reachable).toBe(true);
  const join = JSON.stringify({ deviceInfo: { devEui }, devAddr: "00189440" });
  await gateway.publishAsync("gateways/G1/up/chirpstack", join, { qos: 1 });
  expect(rig.queue.offered.at(-1)?.reachable).toBe(false);
  const command = downlink();
  rig.carrier.send(command);
  await until(() => rig.queue.outcomes.length === 1, "the command is confirmed");
  expect(rig.queue.outcomes).toMatchObject([{ outcome: "delivered" }]);
  const expiresAt = new Date(command.expiresAtMs).toISOString();
  const data = frame.toString("base64");
  const expected = { devEui, confirmed: false, fPort: 2, data, expiresAt };
  expect(messages).toEqual([`gateways/G1/down/chirpstack/M0002 ${JSON.stringify(expected)}`]);
});

test("a gateway of our own listens for its meters at once", async () => {
  const gateway = await rig.login("G1");
  const messages: string[] = [];
  gateway.on("message", (_topic, text) => messages.push(text.toString()));
  await gateway.subscribeAsync("gateways/G1/down/gatewayjson/M0002", { qos: 1 });
  expect(rig.queue.contacts).toEqual([2]);
  rig.carrier.send(downlink());
  await until(() => messages.length === 1, "the command");
  const wanted = { v: 1, meter: "M0002", protocol: "cjt188", hex: frame.toString("hex") };
  expect(JSON.parse(messages[0] ?? "")).toMatchObject(wanted);
});

test("a meter without a devEUI cannot be reached over ChirpStack: the command never leaves", async () => {
  change("M0002", { carrierAddress: "860000000000042" });
  const gateway = await rig.login("G1");
  await gateway.subscribeAsync("gateways/G1/down/chirpstack/M0002", { qos: 1 });
  expect(rig.intake.listeners.find(2, "cjt188")).toBeUndefined();
  rig.carrier.send(downlink());
  expect(rig.queue.outcomes).toMatchObject([{ outcome: "undelivered" }]);
});

test("a plain listener goes before an envelope", async () => {
  const gateway = await rig.login("G1");
  await gateway.subscribeAsync("gateways/G1/down/cjt188/M0002", { qos: 1 });
  await gateway.subscribeAsync("gateways/G1/down/chirpstack/M0002", { qos: 1 });
  const got = new Promise<string>((resolve) => gateway.once("message", (topic) => resolve(topic)));
  rig.carrier.send(downlink());
  expect(await got).toBe("gateways/G1/down/cjt188/M0002");
});

test.each(["ctwing", "onenet"])(
  "nothing goes down over %s, so nobody may listen there",
  async (name) => {
    const gateway = await rig.login("G1");
    const subscribing = gateway.subscribeAsync(`gateways/G1/down/${name}/M0002`, { qos: 1 });
    await expect(subscribing).rejects.toThrow(/Subscribe error/);
  },
);
