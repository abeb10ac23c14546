/** Commands on their way to a meter: to a session that listens now, or not at all. Row 36, architecture 5.5. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { generate, type Packet } from "mqtt-packet";
import { commandId } from "#domain/ids.ts";
import type { Downlink } from "#ports/intake.ts";
import { publishBytes, startRig, until, type Raw, type Rig } from "../support/mqttRig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig({ limits: { drainTimeoutMs: 200 } });
});
afterEach(async () => {
  await rig.stop();
});

const ownDown = "meters/M0001/down/json";

function close(id: string, extra: Partial<Downlink> = {}): Downlink {
  return {
    commandId: commandId(id),
    meterNo: 1,
    protocol: "json",
    bytes: Buffer.from(`close ${id}`),
    expiresAtMs: rig.clock.nowMs() + 60_000,
    ...extra,
  };
}

async function subscribe(raw: Raw, topic: string, qos = 1) {
  const former = raw.frames.filter(({ cmd }) => cmd === "suback").length;
  const frame = { cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos }] };
  raw.send(generate(frame as Packet));
  const subacks = await raw.receive("suback", former + 1);
  const last = subacks.at(-1);
  return last?.cmd === "suback" ? last.granted : [];
}

async function listening(username: string, topic: string, qos = 1, extra: object = {}) {
  const raw = await rig.rawLogin(username, extra);
  expect(await subscribe(raw, topic, qos)).toEqual([qos]);
  return raw;
}

async function nextPublish(raw: Raw, count = 1) {
  const publish = (await raw.receive("publish", count)).at(count - 1);
  if (publish?.cmd !== "publish") throw new Error("no command");
  return publish;
}

test("a command goes to the meter that listens, and is delivered when it is confirmed", async () => {
  const raw = await listening("M0001", ownDown);
  expect(rig.queue.contacts).toEqual([1]);
  rig.carrier.send(close("A"));
  const publish = await nextPublish(raw);
  expect(publish).toMatchObject({ topic: ownDown, qos: 1, retain: false, dup: false });
  expect(publish.payload.toString()).toBe("close A");
  expect(rig.queue.outcomes).toEqual([]);
  raw.send(generate({ cmd: "puback", messageId: publish.messageId ?? 0 }));
  await until(() => rig.queue.outcomes.length === 1, "the outcome");
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "delivered" }]);
  raw.send(generate({ cmd: "puback", messageId: publish.messageId ?? 0 }));
  raw.send(publishBytes("meters/M0001/up/json", "x"));
  await raw.receive("puback");
  expect(rig.queue.outcomes).toHaveLength(1);
  expect(rig.queue.offered).toMatchObject([{ reachable: true }]);
});

test("confirmations may come in any order", async () => {
  const raw = await listening("M0001", ownDown);
  rig.carrier.send(close("A"));
  rig.carrier.send(close("B"));
  const second = await nextPublish(raw, 2);
  const first = await nextPublish(raw, 1);
  for (const { messageId = 0 } of [second, first]) raw.send(generate({ cmd: "puback", messageId }));
  await until(() => rig.queue.outcomes.length === 2, "both");
  expect(rig.queue.outcomes.map((row) => row.commandId)).toEqual(["B", "A"]);
});

test("a sleeping meter's command is not kept by the broker", async () => {
  const raw = await listening("M0001", ownDown, 1, { clean: false });
  raw.socket.destroy();
  await until(() => rig.intake.connectionCount() === 0, "asleep");
  rig.carrier.send(close("A"));
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "undelivered" }]);
  const awake = await rig.rawLogin("M0001", { clean: false });
  expect(await subscribe(awake, ownDown)).toEqual([1]);
  awake.send(generate({ cmd: "pingreq" }));
  await awake.receive("pingresp");
  expect(awake.frames.map(({ cmd }) => cmd)).toEqual(["connack", "suback", "pingresp"]);
});

test("an expired command is not sent", async () => {
  const raw = await listening("M0001", ownDown);
  rig.carrier.send(close("A", { expiresAtMs: rig.clock.nowMs() }));
  raw.send(generate({ cmd: "pingreq" }));
  await raw.receive("pingresp");
  expect(raw.frames.some(({ cmd }) => cmd === "publish")).toBe(false);
  expect(rig.observer.count("downlink.expired")).toBe(1);
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "undelivered" }]);
});

test("a connection that ends before the confirmation is unconfirmed, once", async () => {
  const raw = await listening("M0001", ownDown);
  rig.carrier.send(close("A"));
  await nextPublish(raw);
  raw.socket.destroy();
  await until(() => rig.queue.outcomes.length > 0, "the outcome");
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "unconfirmed" }]);
});

test("a meter that never confirms is unconfirmed after the time-out, and its late word is ignored", async () => {
  const raw = await listening("M0001", ownDown);
  rig.carrier.send(close("A"));
  const { messageId = 0 } = await nextPublish(raw);
  await until(() => rig.queue.outcomes.length > 0, "the time-out");
  raw.send(generate({ cmd: "puback", messageId }), generate({ cmd: "pingreq" }));
  await raw.receive("pingresp");
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "unconfirmed" }]);
});

test("a QoS 0 listener's command counts as delivered when the socket took it", async () => {
  const raw = await listening("M0001", ownDown, 0);
  rig.carrier.send(close("A"));
  expect(await nextPublish(raw)).toMatchObject({ qos: 0 });
  await until(() => rig.queue.outcomes.length > 0, "the outcome");
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "delivered" }]);
});

test("a gateway carries the commands of its meters until it loses them", async () => {
  const topic = "gateways/G1/down/json/M0002";
  const raw = await listening("G1", topic);
  expect(rig.queue.contacts).toEqual([2]);
  rig.carrier.send(close("A", { meterNo: 2 }));
  expect(await nextPublish(raw)).toMatchObject({ topic });
  rig.directory.gateways.get("G1")?.delete("M0002");
  rig.carrier.send(close("B", { meterNo: 2 }));
  expect(rig.queue.outcomes).toEqual([{ commandId: "B", outcome: "undelivered" }]);
});

test("the meter's own session goes before its gateway's", async () => {
  const own = await listening("M0002", "meters/M0002/down/json");
  const gateway = await listening("G1", "gateways/G1/down/json/M0002");
  rig.carrier.send(close("A", { meterNo: 2 }));
  await nextPublish(own);
  own.socket.destroy();
  await until(() => rig.queue.outcomes.length > 0, "gone");
  rig.carrier.send(close("B", { meterNo: 2 }));
  expect((await nextPublish(gateway)).payload.toString()).toBe("close B");
});

const refusedTopics = [
  "#",
  "+/+/+/+",
  "$SYS/#",
  "meters/+/down/json",
  "meters/M0001/down/+",
  "meters/M0001/down/#",
  "meters/M0002/down/json",
  "meters/M0001/up/json",
  "gateways/G1/down/json/M0002",
  "$share/g/meters/M0001/down/json",
  "constructor",
];

test.each(refusedTopics)("a subscribe to %s is refused with 0x80", async (topic) => {
  const raw = await rig.rawLogin("M0001");
  expect(await subscribe(raw, topic)).toEqual([0x80]);
  expect(rig.observer.count("mqtt.subscribeRefused")).toBe(1);
  expect(rig.queue.contacts).toEqual([]);
  expect(await subscribe(raw, ownDown)).toEqual([1]);
});

test("a gateway may not listen by wildcard nor for a foreign meter", async () => {
  const raw = await rig.rawLogin("G1");
  expect(await subscribe(raw, "gateways/G1/down/json/+")).toEqual([0x80]);
  expect(await subscribe(raw, "gateways/G1/down/json/M0001")).toEqual([0x80]);
  expect(await subscribe(raw, "gateways/G1/down/json")).toEqual([0x80]);
});

test("after UNSUBSCRIBE nothing is carried", async () => {
  const raw = await listening("M0001", ownDown);
  raw.send(generate({ cmd: "unsubscribe", messageId: 9, unsubscriptions: [ownDown] }));
  await raw.receive("unsuback");
  rig.carrier.send(close("A"));
  expect(rig.queue.outcomes).toEqual([{ commandId: "A", outcome: "undelivered" }]);
});

test("a listener that stops reading is unconfirmed or cut, and stalls nobody else", async () => {
  const frozen = await listening("M0001", ownDown, 1, { clientId: "M0001/frozen" });
  frozen.socket.pause();
  const other = await listening("M0002", "meters/M0002/down/json");
  const bytes = Buffer.alloc(60_000);
  let commands = 0;
  const feeding = setInterval(() => rig.carrier.send(close(`${commands++}`, { bytes })), 1);
  try {
    for (let messageId = 1; messageId <= 200; messageId++) {
      const startedAtMs = performance.now();
      other.send(publishBytes("meters/M0002/up/json", "x", { messageId }));
      await other.receive("puback", messageId);
      expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    }
    rig.carrier.send(close("B", { meterNo: 2 }));
    await nextPublish(other);
    await until(() => rig.observer.count("mqtt.cut", { reason: "NOT_READING" }) === 1, "cut");
  } finally {
    clearInterval(feeding);
  }
  await until(() => rig.queue.outcomes.length >= commands, "every command has an outcome");
  expect(rig.queue.outcomes.every(({ outcome }) => outcome !== "delivered")).toBe(true);
});
