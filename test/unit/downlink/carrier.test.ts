import { expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { timestampMs } from "#domain/units.ts";
import { createCarrier } from "#downlink/carrier.ts";

function rig(confirmTimeoutMs = 60_000) {
  const carried: ((delivered: boolean) => void)[] = [];
  const outcomes: string[] = [];
  const notes: string[] = [];
  let isListening = true;
  const carrier = createCarrier({
    listeners: {
      find: () =>
        isListening
          ? { carry: (_command, ended) => carried.push(ended), isHeardFirst: false }
          : undefined,
    },
    gateways: {
      findGateway: (gateway) =>
        isListening && gateway === "G1"
          ? { carry: (_command, ended) => carried.push(ended), isHeardFirst: false }
          : undefined,
    },
    queue: { downlinkOutcome: (id, outcome) => outcomes.push(`${id} ${outcome}`) },
    clock: { nowMs: () => timestampMs(1_000), monotonicMs: () => 0 },
    observer: { note: (event) => notes.push(event) },
    confirmTimeoutMs,
  });
  const send = (expiresAtMs = 9_000) =>
    carrier.send({
      commandId: commandId("A"),
      meterNo: 1,
      protocol: "json",
      bytes: Buffer.from("x"),
      expiresAtMs,
    });
  const ask = (gateway: string) => carrier.ask(gateway, Buffer.from("topic\nx"));
  return { send, ask, carried, outcomes, notes, sleep: () => (isListening = false) };
}

test("what the session says first is the outcome, and the only one", () => {
  for (const [first, outcome] of [
    [true, "A delivered"],
    [false, "A unconfirmed"],
  ] as const) {
    const { send, carried, outcomes } = rig();
    send();
    expect(outcomes).toEqual([]);
    carried[0]?.(first);
    carried[0]?.(!first);
    expect(outcomes).toEqual([outcome]);
  }
});

test("without a session nothing is kept", () => {
  const { send, outcomes, notes, sleep } = rig();
  sleep();
  send();
  expect(outcomes).toEqual(["A undelivered"]);
  expect(notes).toEqual(["downlink.undelivered"]);
});

test("so near to its expiry that it may come too late, a command does not leave", () => {
  const { send, carried, outcomes, notes } = rig();
  send(2_000);
  expect(carried).toEqual([]);
  expect(outcomes).toEqual(["A undelivered"]);
  expect(notes).toEqual(["downlink.expired"]);
  send(2_001);
  expect(carried).toHaveLength(1);
  carried[0]?.(true);
});

test("silence is unconfirmed, once", async () => {
  const { send, carried, outcomes } = rig(1);
  send();
  await expect.poll(() => outcomes).toEqual(["A unconfirmed"]);
  carried[0]?.(true);
  expect(outcomes).toHaveLength(1);
});

test("a gateway is asked when it listens, and nothing is kept when it does not", () => {
  const { ask, carried, outcomes, notes } = rig();
  ask("G1");
  carried[0]?.(false);
  ask("G2");
  expect(notes).toEqual(["edge.asked", "edge.notAsked"]);
  expect(outcomes).toEqual([]);
});
