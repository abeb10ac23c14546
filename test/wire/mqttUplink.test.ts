/** Publishing: what is accepted, when it is acknowledged, and who waits for whom. Rows 27, 28 and the QoS rows. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { generate } from "mqtt-packet";
import { connectBytes, publishBytes, startRig, until, type Rig } from "../support/mqttRig.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(async () => {
  await rig.stop();
});

const own = "meters/M0001/up/json";
const turns = async (count = 5) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

test("PUBACK leaves only after the commit", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes(own, "a", { messageId: 7 }));
  await until(() => rig.queue.waiting.length === 1, "offered");
  raw.send(generate({ cmd: "pingreq" }));
  await raw.receive("pingresp");
  expect(raw.frames.map(({ cmd }) => cmd)).toEqual(["connack", "pingresp"]);
  rig.queue.settle();
  expect(await raw.receive("puback")).toMatchObject([{ messageId: 7 }]);
  expect(rig.queue.offered).toMatchObject([
    { meterNo: 1, route: "meter", protocol: "json", reachable: false },
  ]);
});

test("a failed commit closes without PUBACK, and the repetition is accepted", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes(own, "a", { messageId: 7 }), publishBytes(own, "b", { messageId: 8 }));
  await until(() => rig.queue.waiting.length === 2, "offered");
  rig.queue.settle("store-failed");
  await raw.closed();
  expect(raw.frames.map(({ cmd }) => cmd)).toEqual(["connack"]);
  expect(rig.observer.count("mqtt.cut")).toBe(0);
  rig.queue.isAutomatic = true;
  const again = await rig.rawLogin("M0001");
  again.send(publishBytes(own, "a", { messageId: 7, dup: true }));
  await again.receive("puback");
  expect(rig.queue.texts()).toEqual(["a", "b", "a"]);
});

test("PUBREC leaves only after the commit, and the exchange finishes", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes(own, "a", { qos: 2, messageId: 5 }));
  await until(() => rig.queue.waiting.length === 1, "offered");
  await turns();
  expect(raw.frames).toHaveLength(1);
  rig.queue.settle();
  await raw.receive("pubrec");
  raw.send(generate({ cmd: "pubrel", messageId: 5 }));
  expect(await raw.receive("pubcomp")).toMatchObject([{ messageId: 5 }]);
});

test("a QoS 2 uplink whose commit failed is offered again when it is repeated", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("M0001", { clean: false });
  raw.send(publishBytes(own, "a", { qos: 2, messageId: 5 }));
  await until(() => rig.queue.waiting.length === 1, "offered");
  rig.queue.settle("store-failed");
  await raw.closed();
  rig.queue.isAutomatic = true;
  const again = await rig.rawLogin("M0001", { clean: false });
  again.send(publishBytes(own, "a", { qos: 2, messageId: 5, dup: true }));
  await again.receive("pubrec");
  expect(rig.queue.texts()).toEqual(["a", "a"]);
});

test("an acknowledged QoS 2 uplink that is repeated after a reconnect is offered again", async () => {
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes(own, "a", { qos: 2, messageId: 5 }));
  await raw.receive("pubrec");
  raw.socket.destroy();
  const again = await rig.rawLogin("M0001");
  again.send(publishBytes(own, "a", { qos: 2, messageId: 5, dup: true }));
  await again.receive("pubrec");
  expect(rig.queue.texts()).toEqual(["a", "a"]);
});

test("QoS 0 is taken and counted, without a promise", async () => {
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes(own, "a", { qos: 0, messageId: undefined }));
  await until(() => rig.queue.offered.length === 1, "offered");
  expect(rig.observer.count("mqtt.unacknowledged", { protocol: "json" })).toBe(1);
});

test("what is sent behind CONNECT without waiting is taken, in order and in any pieces", async () => {
  const raw = await rig.raw();
  const long = "x".repeat(60_000);
  const frames = [connectBytes("M0001")];
  for (let messageId = 1; messageId <= 100; messageId++) {
    frames.push(publishBytes(own, `${messageId}`, { messageId }));
  }
  frames.push(publishBytes(own, long, { messageId: 101 }), generate({ cmd: "pingreq" }));
  const bytes = Buffer.concat(frames);
  raw.send(bytes.subarray(0, 20));
  raw.send(bytes.subarray(20, 1_000));
  raw.send(bytes.subarray(1_000));
  await raw.receive("pingresp");
  await raw.receive("puback", 101);
  const numbers = Array.from({ length: 100 }, (_, index) => `${index + 1}`);
  expect(rig.queue.texts()).toEqual([...numbers, long]);
});

const foreign: [string, string, object][] = [
  ["another meter's topic", "meters/M0002/up/json", {}],
  ["its own command topic", "meters/M0001/down/json", {}],
  ["an unknown protocol", "meters/M0001/up/modbus", {}],
  ["one level too many", "meters/M0001/up/json/M0001", {}],
  ["a gateway's topic", "gateways/G1/up/json/M0002", {}],
  ["$SYS", "$SYS/broker/new/clients", {}],
  ["constructor", "constructor", {}],
  ["__proto__", "meters/__proto__/up/json", {}],
  ["101 levels", "a/".repeat(100) + "a", {}],
  ["30,000 levels", "/".repeat(30_000), {}],
  ["a wildcard", "meters/+/up/json", {}],
  ["a retained uplink", own, { retain: true }],
];

test.each(foreign)("a publish on %s ends the session", async (_title, topic, extra) => {
  const raw = await rig.rawLogin("M0001");
  // mqtt-packet refuses to write a wildcard; the meter does not.
  const placeholder = topic.replaceAll("+", "~");
  const bytes = publishBytes(placeholder, "x", extra);
  for (const [at, byte] of bytes.entries()) if (byte === 0x7e) bytes[at] = 0x2b;
  raw.send(bytes, publishBytes(own, "behind it"));
  await raw.closed(1_000);
  expect(raw.frames.map(({ cmd }) => cmd)).toEqual(["connack"]);
  const reason = "retain" in extra ? "RETAINED" : "NOT_OWNER";
  expect(rig.observer.count("mqtt.publishRefused", { reason })).toBe(1);
  expect(rig.queue.offered).toEqual([]);
  expect(rig.observer.count("security.foreignTopic")).toBe(0);
});

test("an empty topic ends the session", async () => {
  const raw = await rig.rawLogin("M0001");
  raw.send(Buffer.from("32050000000178", "hex"));
  await raw.closed(1_000);
  expect(rig.observer.count("mqtt.publishRefused", { reason: "NOT_OWNER" })).toBe(1);
});

test("the third foreign publish of one name is a security event", async () => {
  for (let attempt = 1; attempt <= 3; attempt++) {
    const raw = await rig.rawLogin("M0001");
    raw.send(publishBytes("meters/M0002/up/json", "x"));
    await raw.closed();
  }
  expect(rig.observer.count("security.foreignTopic", { username: "M0001" })).toBe(1);
});

test("a gateway publishes for its meters and for frames that name theirs, for no other", async () => {
  const raw = await rig.rawLogin("G1");
  raw.send(
    publishBytes("gateways/G1/up/cjt188/M0002", "a", { messageId: 1 }),
    publishBytes("gateways/G1/up/cjt188", "b", { messageId: 2 }),
  );
  await raw.receive("puback", 2);
  expect(rig.queue.offered).toMatchObject([
    { meterNo: 2, route: "gateway:G1", protocol: "cjt188" },
    { meterNo: null, route: "gateway:G1", protocol: "cjt188" },
  ]);
  raw.send(publishBytes("gateways/G1/up/cjt188/M0001", "c"));
  await raw.closed();
  const own = await rig.rawLogin("G1");
  own.send(publishBytes("meters/M0002/up/json", "d"));
  await own.closed();
  expect(rig.observer.count("mqtt.publishRefused", { reason: "NOT_OWNER" })).toBe(2);
});

test("a last will is an uplink; after DISCONNECT there is none", async () => {
  const will = { will: { topic: own, payload: Buffer.from("gone"), qos: 1, retain: false } };
  const first = await rig.rawLogin("M0001", will);
  first.send(generate({ cmd: "disconnect" }));
  await first.closed();
  const second = await rig.rawLogin("M0001", will);
  second.socket.destroy();
  await until(() => rig.queue.offered.length > 0, "the will");
  expect(rig.queue.texts()).toEqual(["gone"]);
  expect(rig.queue.offered).toMatchObject([{ meterNo: 1, reachable: false }]);
});

test("a commit that comes after the meter left harms nobody", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes(own, "a"), publishBytes(own, "b", { qos: 2, messageId: 2 }));
  await until(() => rig.queue.waiting.length === 2, "offered");
  raw.socket.destroy();
  await until(() => rig.intake.connectionCount() === 0, "gone");
  rig.queue.settle();
  rig.queue.isAutomatic = true;
  const again = await rig.rawLogin("M0001");
  again.send(publishBytes(own, "c"));
  await again.receive("puback");
  expect(rig.observer.count("mqtt.hookFailed")).toBe(0);
});

test("while the queue is full each meter has one uplink in flight, and an idle one gets through", async () => {
  const busy = await rig.rawLogin("M0001");
  const idle = await rig.rawLogin("M0002");
  rig.queue.isAutomatic = false;
  rig.queue.isFull = true;
  const flood = Array.from({ length: 500 }, (_, index) =>
    publishBytes(own, `${index}`, { messageId: index + 1 }),
  );
  busy.send(...flood);
  await until(() => rig.queue.waiting.length === 1, "the first of the flood");
  idle.send(publishBytes("meters/M0002/up/json", "leak"));
  await until(() => rig.queue.offered.length === 2, "the leak");
  await turns();
  expect(rig.queue.texts()).toEqual(["0", "leak"]);
  rig.queue.settle();
  await until(() => rig.queue.offered.length === 3, "the second of the flood");
  expect(rig.queue.waiting).toHaveLength(1);
  expect(rig.observer.count("mqtt.throttled", { limit: "queue" })).toBe(1);
  rig.queue.isFull = false;
  rig.queue.isAutomatic = true;
  rig.queue.settle();
  await busy.receive("puback", 500);
  expect(rig.queue.texts().filter((text) => text !== "leak")).toEqual(
    Array.from({ length: 500 }, (_, index) => `${index}`),
  );
});

test("a stop settles what was taken before it ends the sessions", async () => {
  rig.queue.isAutomatic = false;
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes(own, "a"));
  await until(() => rig.queue.waiting.length === 1, "offered");
  const stopped = rig.intake.close();
  raw.send(publishBytes(own, "too late", { messageId: 2 }));
  await turns();
  expect(raw.isClosed).toBe(false);
  rig.queue.settle();
  await stopped;
  await raw.closed();
  expect(raw.frames.map(({ cmd }) => cmd)).toEqual(["connack", "puback"]);
  expect(rig.queue.texts()).toEqual(["a"]);
});
