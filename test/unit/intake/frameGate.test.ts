import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { generate } from "mqtt-packet";
import { FrameGate } from "#intake/frameGate.ts";

const limits = {
  frameBytesBeforeLoginMax: 100,
  frameBytesAfterLoginMax: 300,
  asksPerCheckMax: 10,
};
const connect = generate({ cmd: "connect", clientId: "M1", protocolVersion: 4 });
const ping = generate({ cmd: "pingreq" });

function publish(payloadBytes: number) {
  const payload = Buffer.alloc(payloadBytes);
  return generate({ cmd: "publish", topic: "t", payload, qos: 0, dup: false, retain: false });
}

function openGate() {
  const gate = new FrameGate(limits);
  gate.pass(connect, 0);
  gate.open();
  return gate;
}

test("nothing but CONNECT passes until the login is decided", () => {
  const gate = new FrameGate(limits);
  const bytes = Buffer.concat([connect, ping]);
  expect(gate.pass(bytes, 9)).toEqual({ ok: true, bytes: connect.length, publishes: 0 });
  expect(gate.isJudging).toBe(true);
  expect(gate.pass(ping, 9)).toEqual({ ok: true, bytes: 0, publishes: 0 });
  gate.open();
  expect(gate.pass(ping, 9)).toEqual({ ok: true, bytes: 2, publishes: 0 });
});

test("publishes pass up to the number allowed, other frames before them too", () => {
  const gate = openGate();
  const bytes = Buffer.concat([ping, publish(5), publish(5), ping, publish(5)]);
  const two = ping.length + 2 * publish(5).length + ping.length;
  expect(gate.pass(bytes, 2)).toEqual({ ok: true, bytes: two, publishes: 2 });
  expect(gate.pass(bytes.subarray(two), 0)).toEqual({ ok: true, bytes: 0, publishes: 0 });
  const rest = bytes.subarray(two);
  expect(gate.pass(rest, 1)).toEqual({ ok: true, bytes: rest.length, publishes: 1 });
});

test("a publish that has begun passes to its end whatever is allowed", () => {
  const gate = openGate();
  const bytes = publish(50);
  expect(gate.pass(bytes.subarray(0, 1), 1)).toEqual({ ok: true, bytes: 1, publishes: 1 });
  const rest = bytes.subarray(1);
  expect(gate.pass(rest, 0)).toEqual({ ok: true, bytes: rest.length, publishes: 0 });
});

describe("what is cut", () => {
  const fault = (fault: string) => ({ ok: false, fault });
  test("a session that only asks: pings without end, but not pings for days", () => {
    const pings = (count: number) => Buffer.concat(Array.from({ length: count }, () => ping));
    expect(openGate().pass(pings(11), 0)).toEqual(fault("FLOOD"));
    const patient = openGate();
    for (let day = 0; day < 3; day += 1) {
      expect(patient.pass(pings(10), 0)).toMatchObject({ ok: true });
      patient.forgetAsks();
    }
  });

  test("before login", () => {
    const first = (bytes: number[]) => new FrameGate(limits).pass(Uint8Array.from(bytes), 9);
    expect(first([0x30])).toEqual(fault("PROTOCOL"));
    expect(first([0x1f])).toEqual(fault("PROTOCOL"));
    expect(first([0x10, 100])).toMatchObject({ ok: true });
    expect(first([0x10, 101])).toEqual(fault("SIZE"));
    expect(first([0x10, 0xff, 0xff, 0xff, 0x7f])).toEqual(fault("SIZE"));
    expect(first([0x10, 0xff, 0xff, 0xff, 0xff])).toEqual(fault("PROTOCOL"));
  });
  test("after login", () => {
    const next = (bytes: number[]) => openGate().pass(Uint8Array.from(bytes), 9);
    expect(next([0x30, 0xac, 0x02])).toMatchObject({ ok: true });
    expect(next([0x30, 0xad, 0x02])).toEqual(fault("SIZE"));
  });
});

const frames = fc.array(
  fc.oneof(
    fc.constant(ping),
    fc.integer({ min: 0, max: 290 }).map((bytes) => publish(bytes)),
  ),
  { minLength: 1, maxLength: 20 },
);

property.prop([frames, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 })])(
  "however the stream is cut into chunks, the same frames pass",
  (parts, sizes) => {
    const stream = Buffer.concat(parts);
    const gate = openGate();
    let publishes = 0;
    for (let at = 0, turn = 0; at < stream.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      const chunk = stream.subarray(at, at + size);
      const passage = gate.pass(chunk, Infinity);
      if (!passage.ok) throw new Error(passage.fault);
      expect(passage.bytes).toBe(chunk.length);
      publishes += passage.publishes;
      at += size;
    }
    expect(publishes).toBe(parts.filter((part) => part !== ping).length);
  },
);

property.prop([frames, fc.integer({ min: 1, max: 5 })])(
  "with any window the whole stream passes in the end, never more publishes at once",
  (parts, window) => {
    const gate = openGate();
    let rest = Buffer.concat(parts);
    while (rest.length > 0) {
      const passage = gate.pass(rest, window);
      if (!passage.ok) throw new Error(passage.fault);
      expect(passage.publishes).toBeLessThanOrEqual(window);
      expect(passage.bytes).toBeGreaterThan(0);
      rest = rest.subarray(passage.bytes);
    }
  },
);
