/** Sparkplug as the engine takes it: one message by itself, the conversation in stored steps, and the one order. */
import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import type { MeterFile } from "#domain/meterFile.ts";
import { timestampMs } from "#domain/units.ts";
import type { CommandOrder, LinkEffect, LinkState } from "#protocols/contract.ts";
import { decodePayload } from "#protocols/sparkplug/payload.ts";
import { sparkplugLink } from "#protocols/sparkplug/link.ts";
import { sparkplugProtocol } from "#protocols/sparkplug/protocol.ts";
import { splitTopic } from "#protocols/sparkplug/uplink.ts";
import { EdgeNode, uplinkBytes } from "#simulators/edgeNode.ts";
import { testProfiles } from "../../support/vault.ts";

const atMs = Date.UTC(2026, 10, 22);
const file: MeterFile = testProfiles["simulated-sparkplug"]?.dialect ?? {};

const close: CommandOrder = {
  commandId: commandId("A"),
  action: "close",
  sequence: 1,
  issuedAtMs: timestampMs(atMs),
  expiresAtMs: timestampMs(atMs + 60_000),
  frameAddress: "city/N1/M0001",
};

test("a message with names is read by itself, with the table of the meter", () => {
  const node = new EdgeNode("city", "N1", ["M0001"]);
  const bytes = uplinkBytes(node.meterBirth("M0001", atMs));
  const decoded = sparkplugProtocol.decode(bytes, file);
  expect(decoded).toMatchObject({
    ok: true,
    value: {
      address: "city/N1/M0001",
      readings: [{ measuredAtMs: atMs, volume: { ml: 1e9 }, valve: "open", status: 0 }],
    },
  });
  const alias = uplinkBytes(node.data("M0001", { atMs }));
  expect(sparkplugProtocol.decode(alias, file)).toMatchObject({
    ok: false,
    fault: { kind: "unexplained", count: 4 },
  });
});

test("the explanation begins with the topic and covers every byte to the last", () => {
  const node = new EdgeNode("city", "N1", ["M0001"]);
  const bytes = uplinkBytes(node.meterBirth("M0001", atMs));
  const { fields, fault } = sparkplugProtocol.explain(bytes);
  expect(fault).toBeNull();
  const topic = "spBv1.0/city/DBIRTH/N1/M0001";
  expect(fields[0]).toMatchObject({ name: "topic", from: 0, to: topic.length + 1, value: topic });
  expect(Math.max(...fields.map(({ to }) => to))).toBe(bytes.length);
  // A payload alone, as it is captured from a broker, is explained too.
  const alone = sparkplugProtocol.explain(splitTopic(bytes)?.payload ?? bytes);
  expect(alone.fields.length).toBe(fields.length - 1);
});

test("the order is the profile's metric on the meter's own topic", () => {
  const encoded = sparkplugProtocol.encodeCommand(close, file);
  if (!encoded.ok) expect.unreachable("no order");
  const { topic, payload } = splitTopic(encoded.value) ?? {};
  expect(topic).toEqual({ type: "DCMD", group: "city", edge: "N1", device: "M0001" });
  expect(decodePayload(payload ?? new Uint8Array())).toMatchObject({
    value: { seq: null, metrics: [{ name: "Valve/Close", wire: { booleanValue: true } }] },
  });
});

test.each([
  ["nowhere to go", { ...close, frameAddress: null }, file, "noFrameAddress"],
  ["half an address", { ...close, frameAddress: "city/N1" }, file, "noFrameAddress"],
  ["no metric that closes", close, { metrics: {} }, "unsupported"],
  [
    "a metric that may open",
    close,
    { closeMetric: { metric: "Valve/Open", dataType: "Boolean", value: true } },
    "unsupported",
  ],
  [
    "a position that is not closed",
    close,
    {
      metrics: { Valve: { to: "valve", positions: { "0": "open", "1": "closed" } } },
      closeMetric: { metric: "Valve", dataType: "UInt8", value: 0 },
    },
    "unsupported",
  ],
  ["another action", { ...close, action: "permit_opening" }, file, "unsupported"],
] as const)("nothing leaves: %s", (_what, order, meterFile, kind) => {
  expect(sparkplugProtocol.encodeCommand(order, meterFile)).toMatchObject({
    ok: false,
    fault: { kind },
  });
});

/** Steps through messages; between two the state goes through the ledger's JSON. */
function follow(messages: readonly Uint8Array[]) {
  let state: LinkState = sparkplugLink.unknown;
  const effects: LinkEffect[] = [];
  for (const [ref, bytes] of messages.entries()) {
    const step = sparkplugLink.take(state, { bytes, ref }, () => file, timestampMs(atMs));
    state = JSON.parse(JSON.stringify(step.state)) as LinkState;
    effects.push(...step.effects);
  }
  return effects;
}

function registers(effects: readonly LinkEffect[]): readonly number[] {
  return effects.flatMap((effect) =>
    effect.kind === "telegram"
      ? effect.telegram.readings.flatMap(({ volume }) => volume?.ml ?? [])
      : [],
  );
}

property.prop([fc.shuffledSubarray([...Array(12).keys()], { minLength: 12 }), fc.nat(11)])(
  "any order of what is on its way, and one of it twice, says the same in the same order",
  (order, twice) => {
    const node = new EdgeNode("city", "N1", ["M0001", "M0002"]);
    const births = node.births(atMs).map(uplinkBytes);
    const data = order.map((_, place) => {
      const name = place % 2 === 0 ? "M0001" : "M0002";
      node.meter(name).litres += place + 1;
      return uplinkBytes(node.data(name, { metrics: ["Volume"], atMs: atMs + place }));
    });
    const expected = registers(follow([...births, ...data]));
    const mixed = order.flatMap((place) => data[place] ?? []);
    const again = data[twice] ?? new Uint8Array();
    const effects = follow([...births, ...mixed, again]);
    expect(registers(effects)).toEqual(expected);
    expect(effects.at(-1)).toMatchObject({ kind: "known" });
    expect(effects.filter(({ kind }) => kind === "ask" || kind === "fault")).toEqual([]);
  },
);

property.prop([fc.uint8Array({ maxLength: 200 }), fc.constantFrom("", "spBv1.0/g/DDATA/e/d\n")])(
  "any bytes: an answer and nothing thrown",
  (bytes, head) => {
    const whole = Buffer.concat([Buffer.from(head), bytes]);
    expect(sparkplugProtocol.decode(whole, file)).toHaveProperty("ok");
    sparkplugProtocol.explain(whole);
    const place = sparkplugLink.placeOf(whole);
    expect(place?.key ?? "g/e").toBe("g/e");
    follow([whole, whole]);
  },
);

test("a status holds until it says otherwise, and an old word does not undo a new one", () => {
  const node = new EdgeNode("city", "N1", ["M0001"]);
  const births = node.births(atMs).map(uplinkBytes);
  const meter = node.meter("M0001");
  const files = { ...file };
  let state = sparkplugLink.unknown;
  let levels = files.levels;
  const hear = (bytes: Uint8Array) => {
    const fileOf = () => ({ ...files, levels });
    const step = sparkplugLink.take(state, { bytes, ref: 1 }, fileOf, timestampMs(atMs));
    ({ state } = step);
    const told = step.effects.find((effect) => effect.kind === "telegram");
    levels = told?.telegram.learned?.levels ?? levels;
    return told?.telegram.readings.map(({ status }) => status);
  };
  births.forEach(hear);
  meter.hasLeak = true;
  expect(hear(uplinkBytes(node.data("M0001", { metrics: ["Leak"], atMs: atMs + 10 })))).toEqual([
    1,
  ]);
  meter.isBatteryLow = true;
  const low = node.data("M0001", { metrics: ["Battery/Low"], atMs: atMs + 20 });
  expect(hear(uplinkBytes(low))).toEqual([1 | (1 << 9)]);
  // Sent later, measured before the leak.
  meter.hasLeak = false;
  hear(uplinkBytes(node.data("M0001", { metrics: ["Leak"], atMs: atMs + 5 })));
  meter.isBatteryLow = false;
  const high = node.data("M0001", { metrics: ["Battery/Low"], atMs: atMs + 30 });
  expect(hear(uplinkBytes(high))).toEqual([1]);
});
