/** Bytes that nobody should send. faults-and-security section 6: rows 19, 30, 34 to 37. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { generate } from "mqtt-packet";
import {
  connectBytes,
  publishBytes,
  startRig,
  until,
  type Raw,
  type Rig,
} from "../support/mqttRig.ts";

const mebibyte = 1024 * 1024;
let rig: Rig;
beforeEach(async () => {
  rig = await startRig({
    limits: { connectTimeoutMs: 300, drainTimeoutMs: 300, uplinksInFlightPerSessionMax: 8 },
  });
});
afterEach(async () => {
  await rig.stop();
});

/** The house stands: an honest meter gets through. */
async function expectService() {
  const meter = await rig.login("M0003");
  await meter.publishAsync("meters/M0003/up/json", "honest", { qos: 1 });
  expect(rig.queue.texts()).toContain("honest");
}

/** A fixed header that announces so many bytes (MQTT 3.1.1, 2.2.3). */
function announce(type: number, length: number) {
  const bytes = [type];
  do {
    const low = length % 128;
    length = Math.floor(length / 128);
    bytes.push(length > 0 ? low | 0x80 : low);
  } while (length > 0);
  return Buffer.from(bytes);
}

const nonsense: [string, Buffer, string][] = [
  ["random bytes", Buffer.from("8f3a00ff17c2d4e9b0", "hex"), "PROTOCOL"],
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "PROTOCOL"],
  ["a TLS hello on the plain port", Buffer.from("160301020001", "hex"), "PROTOCOL"],
  ["a PUBLISH before CONNECT", publishBytes("meters/M0001/up/json", "x"), "PROTOCOL"],
  ["a PINGREQ before CONNECT", generate({ cmd: "pingreq" }), "PROTOCOL"],
  ["a length of five bytes", Buffer.from("10ffffffff01", "hex"), "PROTOCOL"],
  ["a CONNECT of another protocol", Buffer.from("100c0004485454500402003c0000", "hex"), "PROTOCOL"],
  ["an empty CONNECT", Buffer.from("1000", "hex"), "PROTOCOL"],
  ["a CONNECT of 256 MB", announce(0x10, 268_435_455), "SIZE"],
  ["a CONNECT one byte too long", announce(0x10, 4 * 1024 + 1), "SIZE"],
];

test.each(nonsense)("%s is cut at once", async (_title, bytes, reason) => {
  const raw = await rig.raw();
  raw.send(bytes);
  await raw.closed(1_000);
  expect(rig.observer.count("mqtt.cut", { reason })).toBe(1);
  expect(rig.observer.notes).toHaveLength(1);
  await expectService();
});

test("a CONNECT that announces 256 MB and sends 64 MB does not make the process grow", async () => {
  await expectService();
  const before = process.memoryUsage().rss;
  const raw = await rig.raw();
  raw.send(announce(0x10, 268_435_455));
  const piece = Buffer.alloc(64 * 1024);
  let sent = 0;
  while (!raw.isClosed && sent < 64 * mebibyte) {
    if (!raw.socket.write(piece)) {
      await Promise.race([new Promise((resolve) => raw.socket.once("drain", resolve)), delay(20)]);
    }
    sent += piece.length;
  }
  await raw.closed();
  expect(process.memoryUsage().rss - before).toBeLessThan(8 * mebibyte);
  expect(sent).toBeLessThan(64 * mebibyte);
});

test("one byte at a time before login is cut at the deadline", async () => {
  const raw = await rig.raw();
  const bytes = connectBytes("M0001");
  const startedAtMs = performance.now();
  for (const byte of bytes) {
    if (raw.isClosed) break;
    raw.send(Buffer.from([byte]));
    await delay(20);
  }
  await raw.closed(1_000);
  expect(performance.now() - startedAtMs).toBeLessThan(1_500);
  expect(rig.observer.count("mqtt.cut", { reason: "CONNECT_TIMEOUT" })).toBe(1);
});

test("a connection that says nothing is cut at the deadline", async () => {
  const raw = await rig.raw();
  await raw.closed(1_500);
  expect(rig.observer.count("mqtt.cut", { reason: "CONNECT_TIMEOUT" })).toBe(1);
});

test("a half-open session is cut at 1.5 keep-alives", async () => {
  const raw = await rig.rawLogin("M0001", { keepalive: 1 });
  await raw.closed(3_000);
  expect(rig.observer.count("mqtt.cut", { reason: "KEEP_ALIVE" })).toBe(1);
});

test("a second CONNECT ends the session", async () => {
  const raw = await rig.rawLogin("M0001");
  raw.send(connectBytes("M0001"));
  await raw.closed(1_000);
  expect(rig.observer.count("mqtt.cut", { reason: "PROTOCOL" })).toBe(1);
});

test("1 MB after login is cut at its announcement", async () => {
  const raw = await rig.rawLogin("M0001");
  raw.send(publishBytes("meters/M0001/up/json", Buffer.alloc(mebibyte)));
  await raw.closed();
  expect(rig.observer.count("mqtt.cut", { reason: "SIZE" })).toBe(1);
  expect(rig.queue.offered).toHaveLength(0);
  await expectService();
});

test("frames that only the meter's side may receive end the session", async () => {
  for (const hex of ["20020000", "9003000101", "b0020001", "d000", "f000", "0000"]) {
    const raw = await rig.rawLogin("M0001");
    raw.send(Buffer.from(hex, "hex"));
    await raw.closed(1_000);
  }
  await expectService();
});

test("QoS 2 exchanges that are never finished are capped", async () => {
  const raw = await rig.rawLogin("M0001");
  for (let messageId = 1; messageId <= 9; messageId++) {
    raw.send(publishBytes("meters/M0001/up/json", `${messageId}`, { qos: 2, messageId }));
    if (messageId < 9) await raw.receive("pubrec", messageId);
  }
  await raw.closed();
  expect(rig.observer.count("mqtt.cut", { reason: "QOS2_UNFINISHED" })).toBe(1);
  await expectService();
});

test("65,535 message ids at once flow through a window of 8", async () => {
  const raw = await rig.rawLogin("M0001");
  const flood = Array.from({ length: 65_535 }, (_, index) =>
    publishBytes("meters/M0001/up/json", "x", { messageId: index + 1 }),
  );
  let inFlightMax = 0;
  rig.queue.isAutomatic = false;
  raw.send(...flood);
  while (raw.frames.length < 65_536 && !raw.isClosed) {
    inFlightMax = Math.max(inFlightMax, rig.queue.waiting.length);
    rig.queue.settle();
    await new Promise(setImmediate);
  }
  expect(inFlightMax).toBe(8);
  expect(rig.queue.offered).toHaveLength(65_535);
});

/** Pings as fast as the socket takes them, until the session is cut for the reason. */
async function pingUntilCut(at: Rig, reason: string) {
  const raw = await at.rawLogin("M0001", { clientId: "M0001/deaf" });
  raw.socket.pause();
  const ping = generate({ cmd: "pingreq" });
  const pings = Buffer.concat(Array.from({ length: 32 * 1024 }, () => ping));
  // Answers of two bytes fill both kernels' buffers before they reach ours.
  const writing = setInterval(() => raw.socket.writableLength < mebibyte && raw.send(pings), 1);
  try {
    await until(() => at.observer.count("mqtt.cut", { reason }) === 1, "cut", 50_000);
  } finally {
    clearInterval(writing);
  }
}

test("a session that pings without end is cut at once", async () => {
  await pingUntilCut(rig, "FLOOD");
  await expectService();
});

test("a session that never reads its answers is cut, others are not disturbed", async () => {
  const patient = await startRig({ limits: { drainTimeoutMs: 300, asksPerCheckMax: 1e9 } });
  try {
    await pingUntilCut(patient, "NOT_READING");
    const meter = await patient.login("M0003");
    await meter.publishAsync("meters/M0003/up/json", "honest", { qos: 1 });
    expect(patient.queue.texts()).toContain("honest");
  } finally {
    await patient.stop();
  }
});

test("more connections than one address may have waiting are refused", async () => {
  const few = await startRig({ limits: { waitingPerAddressMax: 2 } });
  try {
    const waiting: Raw[] = [await few.raw(), await few.raw()];
    const third = await few.raw();
    await third.closed();
    expect(few.observer.count("mqtt.refused", { reason: "ADDRESS_LIMIT" })).toBe(1);
    waiting[0]?.send(connectBytes("M0001"));
    await waiting[0]?.receive("connack");
    await few.rawLogin("M0002");
  } finally {
    await few.stop();
  }
});

test("connections above the limit are refused, and counted", async () => {
  const few = await startRig({ limits: { connectionsMax: 1 } });
  try {
    await few.rawLogin("M0001");
    const second = await few.raw();
    await second.closed();
    expect(few.observer.count("mqtt.refused", { reason: "CONNECTION_LIMIT" })).toBe(1);
  } finally {
    await few.stop();
  }
});

test("a storm of connections is let in at its rate, and all of it in the end", async () => {
  const slow = await startRig({ limits: { admissionsPerSecondMax: 50 } });
  try {
    const meters = Array.from({ length: 60 }, (_, index) => `S${index}`);
    for (const [index, id] of meters.entries()) slow.directory.addMeter(100 + index, id);
    await Promise.all(meters.map((id) => slow.rawLogin(id)));
    expect(slow.intake.connectionCount()).toBe(60);
    expect(slow.observer.count("mqtt.throttled", { limit: "admissionsPerSecond" })).toBeGreaterThan(
      0,
    );
  } finally {
    await slow.stop();
  }
});

test("mutated frames end sessions, never the listener", async () => {
  const good = [
    connectBytes("M0001"),
    publishBytes("meters/M0001/up/json", "{}"),
    generate({
      cmd: "subscribe",
      messageId: 2,
      subscriptions: [{ topic: "meters/M0001/down/json", qos: 1 }],
    }),
    generate({ cmd: "pubrel", messageId: 3 }),
  ];
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.concat(good.slice(random(2)));
    for (let change = 0; change < 3; change++) bytes[random(bytes.length)] = random(256);
    const raw = await rig.raw();
    raw.send(bytes);
    raw.socket.end();
    await raw.closed();
  }
  await expectService();
});
