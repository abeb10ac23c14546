/**
 * What may happen on the meters' port: faults-and-security section 6, rows 19, 20 and 27 to 37, against the real
 * process: the answer to the sender, the counter, and that nothing else notices. Details and other limits are tested
 * in the wire tests of the listener.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { generate } from "mqtt-packet";
import { Books, expectCalm, expectMore, json } from "../support/hostile.ts";
import { connectBytes, publishBytes, type Raw } from "../support/mqttRig.ts";
import { Home, type Service } from "../support/program.ts";

const home = new Home();
let service: Service;
let books: Books;

beforeAll(async () => {
  service = await home.serve();
  books = new Books(service);
  const ids = ["S1", "S2", "S3", "S4", "S5", "S6"];
  await service.register(ids.map((id) => ({ id, protocol: "json" as const })));
});
afterEach(async () => {
  await expectHonest();
  await expectCalm(service);
});
afterAll(async () => home.remove());

/** An honest meter gets through. */
async function expectHonest(): Promise<void> {
  const meter = await service.login("S6");
  await meter.publishAsync("meters/S6/up/json", json(), { qos: 1 });
  books.stored += 1;
  await meter.endAsync();
}

function connectFrame(username: string, extra: object = {}): Buffer {
  return connectBytes(username, { password: Buffer.from(service.secretOf(username)), ...extra });
}

async function rawLogin(username: string, extra: object = {}): Promise<Raw> {
  const raw = await service.raw();
  raw.send(connectFrame(username, extra));
  expect(await raw.receive("connack")).toMatchObject([{ returnCode: 0 }]);
  return raw;
}

/** Sends bytes on a new connection, which must end; the event is counted once. */
async function expectCut(bytes: Buffer, reason: string, withinMs = 1_000): Promise<void> {
  const before = await service.event("mqtt.cut", reason);
  const raw = await service.raw();
  raw.send(bytes);
  await raw.closed(withinMs);
  await expectMore(async () => service.event("mqtt.cut", reason), before);
}

/** Sends a CONNECT that must be answered with this return code and an end. */
async function expectRefusal(connect: Buffer, returnCode: number, reason: string): Promise<void> {
  const before = await service.event("mqtt.refused", reason);
  const raw = await service.raw();
  raw.send(connect);
  expect(await raw.receive("connack")).toMatchObject([{ returnCode }]);
  await raw.closed();
  await expectMore(async () => service.event("mqtt.refused", reason), before);
}

const foreign: readonly (readonly [string, Buffer, string])[] = [
  ["another meter's topic", publishBytes("meters/S2/up/json", json()), "NOT_OWNER"],
  ["its own command topic", publishBytes("meters/S1/down/json", json()), "NOT_OWNER"],
  ["a gateway's topic", publishBytes("gateways/S1/up/json/S2", json()), "NOT_OWNER"],
  ["a protocol that is none", publishBytes("meters/S1/up/xml", json()), "NOT_OWNER"],
  ["constructor", publishBytes("constructor", json()), "NOT_OWNER"],
  ["101 levels", publishBytes("a/".repeat(100), json()), "NOT_OWNER"],
  ["$SYS", publishBytes("$SYS/broker/new/clients", json()), "NOT_OWNER"],
  ["no topic", Buffer.from("3205000000017b", "hex"), "NOT_OWNER"],
  ["retained", publishBytes("meters/S1/up/json", json(), { retain: true }), "RETAINED"],
];

test.each(foreign)("27, 28: a publish to %s ends the session", async (_what, bytes, reason) => {
  const event = async () => service.event("mqtt.publishRefused", reason);
  const before = await event();
  const raw = await rawLogin("S1");
  raw.send(bytes);
  await raw.closed(1_000);
  expect(raw.frames.filter(({ cmd }) => cmd === "puback")).toEqual([]);
  await expectMore(event, before);
  books.refused += 1;
});

test("27: the third foreign topic is a security event", async () => {
  expect(await service.event("security.foreignTopic")).toBe(1);
});

test("28: a will on a foreign topic, or a retained one, refuses the login", async () => {
  const will = { topic: "meters/S2/up/json", payload: json(), qos: 1 as const, retain: false };
  await expectRefusal(connectFrame("S1", { will }), 5, "WILL");
  const onCommands = { ...will, topic: "meters/S1/down/json" };
  await expectRefusal(connectFrame("S1", { will: onCommands }), 5, "WILL");
  const kept = { ...will, topic: "meters/S1/up/json", retain: true };
  await expectRefusal(connectFrame("S1", { will: kept }), 5, "WILL");
});

test("29: the newest session of a client id wins, with the right secret only", async () => {
  const first = await rawLogin("S1");
  const wrong = connectFrame("S1", { password: Buffer.from("wrong") });
  await expectRefusal(wrong, 4, "CREDENTIAL");
  first.send(generate({ cmd: "pingreq" }));
  await first.receive("pingresp");
  const second = await rawLogin("S1");
  await first.closed();
  expect(await service.event("mqtt.takeover")).toBe(1);
  second.socket.destroy();
});

test.each([
  ["a PUBLISH before CONNECT", publishBytes("meters/S1/up/json", json())],
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n")],
  ["random bytes", Buffer.from("8f3a00ff17c2d4e9b0", "hex")],
])("30: %s is cut at once", async (_what, bytes) => {
  await expectCut(bytes, "PROTOCOL");
});

test("30: a second CONNECT ends the session", async () => {
  await expectCut(Buffer.concat([connectFrame("S1"), connectFrame("S1")]), "PROTOCOL");
});

test("31: MQTT 5 is answered with return code 1", async () => {
  await expectRefusal(connectFrame("S1", { protocolVersion: 5 }), 1, "PROTOCOL_VERSION");
});

test("23, 32: unknown, endless and look-alike names are refused, and no series is made for them", async () => {
  const seriesOf = async () => {
    const text = await (await fetch(`${service.api}/metrics`)).text();
    return text.split("\n").filter((line) => line.startsWith("mercaptan_"));
  };
  const before = (await seriesOf()).length;
  const names = Array.from({ length: 50 }, (_, index) => `nobody${index}`);
  for (const name of [...names, "x".repeat(1_000), "Ｓ1", "S1\u202e", "constructor"]) {
    const connect = connectBytes(name, { clientId: name });
    await expectRefusal(connect, 4, "CREDENTIAL");
  }
  await expectCut(connectBytes("x".repeat(10_000)), "SIZE");
  expect((await seriesOf()).length).toBe(before);
});

test("33: five wrong secrets lock the name for that address, with the same answer", async () => {
  for (let tried = 0; tried < 5; tried += 1) {
    await expectRefusal(connectBytes("S5"), 4, "CREDENTIAL");
  }
  expect(await service.event("login.locked")).toBe(1);
  await expectRefusal(connectFrame("S5"), 4, "LOCKED");
});

test("34: keep-alive 0 and 65535 are refused, and a silent session is cut at 1.5 of its own", async () => {
  await expectRefusal(connectFrame("S1", { keepalive: 0 }), 5, "KEEP_ALIVE");
  await expectRefusal(connectFrame("S1", { keepalive: 65_535 }), 5, "KEEP_ALIVE");
  await expectCut(connectFrame("S1", { keepalive: 1 }), "KEEP_ALIVE", 3_000);
});

test("35: a byte at a time is cut at the deadline, and so is half a frame after login", async () => {
  const before = await service.event("mqtt.cut", "CONNECT_TIMEOUT");
  const raw = await service.raw();
  for (const byte of connectFrame("S1")) {
    if (raw.isClosed) break;
    raw.send(Buffer.from([byte]));
    await delay(200);
  }
  await raw.closed();
  await expectMore(async () => service.event("mqtt.cut", "CONNECT_TIMEOUT"), before);
  const half = publishBytes("meters/S1/up/json", json()).subarray(0, 20);
  await expectCut(Buffer.concat([connectFrame("S1", { keepalive: 1 }), half]), "KEEP_ALIVE", 3_000);
});

test("19, 20: what is announced too large is cut before it arrives", async () => {
  await expectCut(Buffer.from("10ffffff7f", "hex"), "SIZE");
  for (const payload of [Buffer.alloc(1_048_576), Buffer.from("[".repeat(500_000))]) {
    const publish = publishBytes("meters/S1/up/json", payload);
    await expectCut(Buffer.concat([connectFrame("S1"), publish]), "SIZE");
  }
});

test("37: QoS 2 exchanges that are never finished are capped; what was confirmed is stored once", async () => {
  const raw = await rawLogin("S2");
  const open = 64;
  for (let messageId = 1; messageId <= open; messageId += 1) {
    raw.send(
      publishBytes("meters/S2/up/json", json({ frameId: messageId }), { qos: 2, messageId }),
    );
  }
  await raw.receive("pubrec", open);
  books.stored += open;
  const before = await service.event("mqtt.cut", "QOS2_UNFINISHED");
  raw.send(publishBytes("meters/S2/up/json", json(), { qos: 2, messageId: open + 1 }));
  await raw.closed();
  // The one too many was durable before it was found to be too many: the meter will say it again.
  books.stored += 1;
  await expectMore(async () => service.event("mqtt.cut", "QOS2_UNFINISHED"), before);
  expect(await service.items("/v1/meters/S2/readings")).toHaveLength(1);
});

test("37: every message id there is, at once, flows through the window", async () => {
  const raw = await rawLogin("S3");
  const ids = Array.from({ length: 65_535 }, (_, index) => index + 1);
  const topic = "meters/S3/up/json";
  raw.send(...ids.map((messageId) => publishBytes(topic, "{}", { messageId })));
  await raw.receive("puback", ids.length);
  books.stored += ids.length;
  raw.socket.destroy();
});

test("QoS 0: stored, counted as promised to nobody", async () => {
  const meter = await service.login("S4");
  await meter.publishAsync("meters/S4/up/json", json(), { qos: 0 });
  await expectMore(
    async () => service.metric("mercaptan_uplinks_total"),
    books.stored + books.refused,
  );
  books.stored += 1;
  expect(await service.event("mqtt.unacknowledged")).toBe(1);
  await meter.endAsync();
});

test("received is what was acknowledged, promised to nobody, or refused", async () => {
  await books.expectBalance();
});
