/** Edge nodes at the real listener: what they may say and hear, and how orders reach them. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { generate, type Packet } from "mqtt-packet";
import { commandId } from "#domain/ids.ts";
import { timestampMs } from "#domain/units.ts";
import { decodeHostState } from "#protocols/sparkplug/downlink.ts";
import { hostBirth, hostDeath } from "#protocols/sparkplug/host.ts";
import {
  connectBytes,
  publishBytes,
  startRig,
  until,
  type Raw,
  type Rig,
} from "../support/mqttRig.ts";

const session = { hostId: "mercaptan", connectedAtMs: timestampMs(1_700_000_000_000) };
const birth = hostBirth(session);
const edgeHost = {
  stateTopic: birth.topic,
  birth: birth.bytes,
  death: hostDeath(session).bytes,
};
const everyMeter = "spBv1.0/city/DCMD/G1/+";
const node = "spBv1.0/city/NCMD/G1";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig({ edgeHost });
});
afterEach(async () => {
  await rig.stop();
});

async function subscribe(raw: Raw, topic: string, qos = 1) {
  const former = raw.frames.filter(({ cmd }) => cmd === "suback").length;
  const frame = { cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos }] };
  raw.send(generate(frame as Packet));
  const last = (await raw.receive("suback", former + 1)).at(-1);
  return last?.cmd === "suback" ? last.granted : [];
}

async function nextPublish(raw: Raw, count = 1) {
  const publish = (await raw.receive("publish", count)).at(count - 1);
  if (publish?.cmd !== "publish") throw new Error("nothing was said");
  return publish;
}

/** An order for M0002, which G1 speaks for. */
function close(id: string, topic = "spBv1.0/city/DCMD/G1/M0002", meterNo = 2) {
  rig.carrier.send({
    commandId: commandId(id),
    meterNo,
    protocol: "sparkplug",
    bytes: Buffer.from(`${topic}\nclose ${id}`),
    expiresAtMs: rig.clock.nowMs() + 60_000,
  });
}

test("an uplink keeps its topic, and is acknowledged after its commit", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("G1");
  raw.send(publishBytes("spBv1.0/city/DDATA/G1/M0002", "bytes", { qos: 1 }));
  await until(() => rig.queue.offered.length === 1, "the uplink");
  expect(rig.queue.offered[0]).toMatchObject({
    meterNo: null,
    route: "gateway:G1",
    protocol: "sparkplug",
  });
  expect(rig.queue.texts()).toEqual(["spBv1.0/city/DDATA/G1/M0002\nbytes"]);
  expect(raw.frames.some(({ cmd }) => cmd === "puback")).toBe(false);
  rig.queue.settle();
  await raw.receive("puback");
});

test.each([
  ["another node's data", "G1", "spBv1.0/city/NDATA/G2"],
  ["an order", "G1", "spBv1.0/city/DCMD/G1/M0002"],
  ["the state of the host", "G1", "spBv1.0/STATE/mercaptan"],
  ["a meter's own data", "M0002", "spBv1.0/city/DDATA/G1/M0002"],
  ["data in the namespace of others", "G1", "gateways/G1/up/sparkplug/M0002"],
])("%s ends the session", async (_what, username, topic) => {
  const raw = await rig.rawLogin(username);
  raw.send(publishBytes(topic, "bytes", { qos: 1 }));
  await raw.closed();
  expect(rig.queue.offered).toEqual([]);
  expect(rig.observer.count("mqtt.publishRefused", { reason: "NOT_OWNER" })).toBe(1);
});

test("the will is the node's own death, and comes when the connection breaks", async () => {
  for (const topic of ["spBv1.0/city/NDEATH/G2", "spBv1.0/city/NDATA/G1"]) {
    const refused = await rig.raw();
    refused.send(connectBytes("G1", { will: { topic, payload: Buffer.from("x"), qos: 1 } }));
    expect(await refused.receive("connack")).toMatchObject([{ returnCode: 5 }]);
  }
  const will = { topic: "spBv1.0/city/NDEATH/G1", payload: Buffer.from("dead"), qos: 1 };
  const raw = await rig.rawLogin("G1", { will });
  raw.socket.destroy();
  await until(() => rig.queue.offered.length === 1, "the will");
  expect(rig.queue.texts()).toEqual(["spBv1.0/city/NDEATH/G1\ndead"]);
});

test("who asks for our state hears it at once, and again when we go", async () => {
  const raw = await rig.rawLogin("G1");
  expect(await subscribe(raw, edgeHost.stateTopic)).toEqual([1]);
  const first = await nextPublish(raw);
  expect(first).toMatchObject({ topic: edgeHost.stateTopic, qos: 1, retain: true });
  const online = { isOnline: true, atMs: session.connectedAtMs };
  expect(decodeHostState(Buffer.from(first.payload))).toEqual(online);
  await rig.intake.close();
  const last = await nextPublish(raw, 2);
  expect(last).toMatchObject({ topic: edgeHost.stateTopic, retain: false });
  expect(decodeHostState(Buffer.from(last.payload))).toEqual({ ...online, isOnline: false });
});

test("orders leave at QoS 0, not retained, on the meter's topic, and count as unconfirmed", async () => {
  const raw = await rig.rawLogin("G1");
  expect(await subscribe(raw, everyMeter)).toEqual([1]);
  close("A");
  const publish = await nextPublish(raw);
  expect(publish).toMatchObject({ topic: "spBv1.0/city/DCMD/G1/M0002", qos: 0, retain: false });
  expect(publish.payload.toString()).toBe("close A");
  await until(() => rig.queue.outcomes.length === 1, "the outcome");
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "unconfirmed" }]);
});

test("an order needs a session that listens there, of a gateway that speaks for the meter", async () => {
  const raw = await rig.rawLogin("G1");
  close("A");
  expect(await subscribe(raw, node)).toEqual([1]);
  close("B");
  expect(await subscribe(raw, everyMeter)).toEqual([1]);
  close("C", "spBv1.0/city/DCMD/G1/M0003", 3);
  const undelivered = ["A", "B", "C"].map((id) => ({ commandId: id, outcome: "undelivered" }));
  expect(rig.queue.outcomes).toEqual(undelivered);
  rig.directory.gateways.set("G1", new Set());
  close("D");
  expect(rig.queue.outcomes.at(-1)).toEqual({ commandId: "D", outcome: "undelivered" });
  rig.directory.gateways.set("G1", new Set(["M0002"]));
  // The node moved to another group since: nobody listens there.
  close("E", "spBv1.0/village/DCMD/G1/M0002");
  await until(() => rig.queue.outcomes.length === 5, "the outcome");
  expect(rig.queue.outcomes.at(-1)).toEqual({ commandId: "E", outcome: "unconfirmed" });
  expect(raw.frames.filter(({ cmd }) => cmd === "publish")).toEqual([]);
});

test("a node that listens for itself is asked; others are not", async () => {
  const raw = await rig.rawLogin("G1");
  rig.carrier.ask("G1", Buffer.from(`${node}\nrebirth`));
  expect(rig.observer.count("edge.notAsked")).toBe(1);
  expect(await subscribe(raw, node)).toEqual([1]);
  rig.carrier.ask("G1", Buffer.from(`${node}\nrebirth`));
  const publish = await nextPublish(raw);
  expect(publish).toMatchObject({ topic: node, qos: 0, retain: false });
  raw.socket.destroy();
  await until(() => rig.intake.connectionCount() === 0, "the session ended");
  rig.carrier.ask("G1", Buffer.from(`${node}\nrebirth`));
  expect(rig.observer.count("edge.notAsked")).toBe(2);
});

test.each(["spBv1.0/city/DCMD/G2/+", "spBv1.0/STATE/other", "spBv1.0/#", "spBv1.0/city/NDATA/G1"])(
  "nobody may listen to %s",
  async (topic) => {
    const raw = await rig.rawLogin("G1");
    expect(await subscribe(raw, topic)).toEqual([128]);
  },
);

test("an unsubscribed topic carries nothing more", async () => {
  const raw = await rig.rawLogin("G1");
  await subscribe(raw, everyMeter);
  raw.send(generate({ cmd: "unsubscribe", messageId: 2, unsubscriptions: [everyMeter] }));
  await raw.receive("unsuback");
  await until(() => rig.intake.listeners.find(2, "sparkplug") === undefined, "it is forgotten");
  close("A");
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "undelivered" }]);
});
