/** Sparkplug B payloads, topics, downlinks, and from metrics to readings. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { reasonOf, type FieldTrace } from "#protocols/contract.ts";
import { timestampMs } from "#domain/units.ts";
import { readArray } from "#protocols/sparkplug/arrays.ts";
import { dataTypeNames, dataTypeOf, numberOfDataType } from "#protocols/sparkplug/dataTypes.ts";
import {
  decodeHostState,
  encodeHostState,
  encodeRebirthRequest,
  encodeSparkplugCommand,
  encodeWrite,
} from "#protocols/sparkplug/downlink.ts";
import { decodePayload, payloadBytesMax, type Metric } from "#protocols/sparkplug/payload.ts";
import { parseTopic, printTopic, topicIdCharsMax } from "#protocols/sparkplug/topic.ts";
import { integerOf, valueOf } from "#protocols/sparkplug/values.ts";
import { fuzz } from "./cardChecks.ts";
import { bytesOfHex, utf8 } from "./cards.ts";
import { writtenPayload } from "./sparkplugSchema.ts";

interface Card {
  readonly title: string;
  readonly hex: string;
  readonly expect: {
    readonly seq: number | null;
    readonly atMs: number | null;
    readonly metrics: readonly Readonly<Record<string, unknown>>[];
  };
}

const directory = new URL("../../cards/sparkplug/", import.meta.url);
const cards = readdirSync(directory).map((file) => {
  return JSON.parse(readFileSync(new URL(file, directory), "utf8")) as Card;
});

function factsOf({ name, alias, dataType, atMs, isHistorical, isNull, quality, wire }: Metric) {
  const value = dataType === null ? { kind: "unread" as const } : valueOf(wire, dataType);
  const plain = value.kind === "unread" ? "unread" : value.value;
  const isFloat = dataType === "Float" && typeof plain === "number";
  return {
    name,
    alias: alias === null ? null : String(alias),
    dataType,
    value: isFloat ? Number(plain.toPrecision(7)) : plain,
    atMs,
    isHistorical,
    isNull,
    quality,
  };
}

describe.each(cards.map((card) => [card.title, card] as const))("card: %s", (_, card) => {
  const bytes = bytesOfHex(card.hex);

  test("says what it says", () => {
    const payload = decodePayload(bytes);
    if (!payload.ok) throw new Error("refused");
    const { seq, atMs, metrics } = payload.value;
    expect({ seq, atMs }).toEqual({ seq: card.expect.seq, atMs: card.expect.atMs });
    expect(metrics).toHaveLength(card.expect.metrics.length);
    for (const [index, metric] of metrics.entries()) {
      expect(factsOf(metric)).toMatchObject(card.expect.metrics[index] ?? {});
    }
  });

  test("is explained field by field", () => {
    const fields: FieldTrace[] = [];
    decodePayload(bytes, fields);
    expect(fields.length).toBeGreaterThan(card.expect.metrics.length);
    for (const { from, to } of fields) expect(to).toBeGreaterThan(from);
  });

  test("cut or flipped anywhere it gets a typed answer", () => {
    for (let length = 0; length < bytes.length; length += 1) takePayload(bytes.slice(0, length));
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      takePayload(bytes.with(bit >> 3, (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))));
    }
  });
});

function takePayload(bytes: Uint8Array): string {
  const payload = decodePayload(bytes);
  if (!payload.ok) return reasonOf(payload.fault);
  for (const { wire, dataType } of payload.value.metrics) {
    if (dataType !== null) valueOf(wire, dataType);
  }
  return "taken";
}

test("random and damaged payloads: a typed answer, nothing thrown, nothing polluted", () => {
  const seeds = cards.map(({ hex }) => bytesOfHex(hex));
  const answers = fuzz(seeds, 20_261_125, takePayload);
  expect(answers.size).toBeGreaterThan(1);
}, 180_000);

test("a birth larger than any is refused by its size, and text that is none by its encoding", () => {
  const large = decodePayload(new Uint8Array(payloadBytesMax + 1));
  expect(large).toEqual({ ok: false, fault: { kind: "tooLarge", limitBytes: payloadBytesMax } });
  const badText = decodePayload(bytesOfHex("12040a02fffe"));
  expect(badText).toMatchObject({ fault: { kind: "illFormedText", path: "metrics[0].name" } });
});

test("a compressed payload is not one that says nothing", () => {
  const uuid = Buffer.from("SPBV1.0_COMPRESSED").toString("hex");
  const compressed = bytesOfHex(`18052212${uuid}2a021f8b`);
  expect(decodePayload(compressed)).toMatchObject({ fault: { kind: "unsupported" } });
  expect(decodePayload(bytesOfHex("18052203414243"))).toMatchObject({ ok: true });
});

describe("data types", () => {
  test("have the numbers 1 to 34", () => {
    expect(dataTypeNames.map(numberOfDataType)).toEqual(dataTypeNames.map((_, index) => index + 1));
    expect(dataTypeNames.map((name) => dataTypeOf(numberOfDataType(name)))).toEqual(dataTypeNames);
    expect([0, 35, -1, 1.5].map(dataTypeOf)).toEqual(Array(4).fill(undefined));
  });

  test.each([
    ["Int8", 127n, 127n],
    ["Int8", 128n, -128n],
    ["Int8", 0xffff_ff80n, -128n],
    ["Int8", 0xffff_ff7fn, undefined],
    ["UInt8", 255n, 255n],
    ["UInt8", 0xffff_ffffn, undefined],
    ["Int32", 0xffff_ffff_ffff_ffffn, -1n],
    ["Int64", 1n << 63n, -(1n << 63n)],
    ["UInt64", 1n << 63n, 1n << 63n],
    ["Float", 1n, undefined],
  ] as const)("%s with the bits %s", (type, bits, value) => {
    expect(integerOf(bits, type)).toBe(value);
  });

  test("a value that does not fit its type is not read", () => {
    const read = (metric: string, type: (typeof dataTypeNames)[number]) => {
      const payload = decodePayload(bytesOfHex(`12${metric}`));
      const [first] = payload.ok ? payload.value.metrics : [];
      return first === undefined ? undefined : valueOf(first.wire, type);
    };
    expect(read("025001", "Boolean")).toEqual({ kind: "boolean", value: true });
    expect(read("025002", "Boolean")).toEqual({ kind: "unread" });
    expect(read("025001", "Float")).toEqual({ kind: "unread" });
    expect(read("05650000c07f", "Float")).toEqual({ kind: "unread" });
    expect(read("027000", "String")).toEqual({ kind: "unread" });
    expect(read("025800", "DateTime")).toEqual({ kind: "time", value: null });
    expect(read("00", "Int32")).toEqual({ kind: "unread" });
    expect(read("0482010141", "Bytes")).toEqual({ kind: "bytes", value: Uint8Array.of(0x41) });
  });

  test.each([
    ["BooleanArray", "03"],
    ["BooleanArray", "09000000ff"],
    ["BooleanArray", "ffffffff"],
    ["StringArray", "4142"],
    ["StringArray", "ff00"],
    ["Int16Array", "01"],
    ["Int32", "01000000"],
  ] as const)("no array of %s: %s", (type, hex) => {
    expect(readArray(bytesOfHex(hex), type)).toBeUndefined();
  });

  test("empty arrays are empty", () => {
    expect(readArray(bytesOfHex(""), "Int64Array")).toEqual([]);
    expect(readArray(bytesOfHex(""), "StringArray")).toEqual([]);
    expect(readArray(bytesOfHex("00"), "StringArray")).toEqual([""]);
    expect(readArray(bytesOfHex("00000000"), "BooleanArray")).toEqual([]);
  });
});

describe("topics", () => {
  test.each([
    ["spBv1.0/Gas/NBIRTH/Gate 7", { type: "NBIRTH", group: "Gas", edge: "Gate 7", device: null }],
    ["spBv1.0/Gas/DDATA/G7/M1", { type: "DDATA", group: "Gas", edge: "G7", device: "M1" }],
    ["spBv1.0/STATE/host", { type: "STATE", host: "host" }],
  ] as const)("%s", (topic, parts) => {
    expect(parseTopic(topic)).toEqual(parts);
    expect(printTopic(parts)).toBe(topic);
  });

  test.each([
    "spAv1.0/Gas/NBIRTH/G7",
    "spBv1.0/Gas/NBIRTH",
    "spBv1.0/Gas/NBIRTH/G7/M1",
    "spBv1.0/Gas/DBIRTH/G7",
    "spBv1.0/Gas/DBIRTH/G7/M1/x",
    "spBv1.0/Gas/XDATA/G7",
    "spBv1.0/STATE/a/b",
    "spBv1.0//NBIRTH/G7",
    "spBv1.0/Gas/NBIRTH/+",
    `spBv1.0/Gas/NBIRTH/${"x".repeat(topicIdCharsMax + 1)}`,
    "",
  ])("not of this namespace: %s", (topic) => {
    expect(parseTopic(topic)).toBeUndefined();
  });
});

describe("what a host sends", () => {
  const atMs = timestampMs(1_795_305_605_000);

  test("a rebirth request has a time and no sequence, as another encoder writes it", () => {
    const metric = {
      name: "Node Control/Rebirth",
      timestamp: atMs,
      dataType: "Boolean",
      value: true,
    } as const;
    expect(encodeRebirthRequest(atMs)).toEqual(
      writtenPayload({ timestamp: atMs, metrics: [metric] }),
    );
  });

  test.each([
    ["Int8", -1],
    ["Int16", 30_000],
    ["Int64", -5],
    ["UInt32", 4_294_967_295],
    ["Double", 1.5],
    ["Float", 1.5],
    ["Boolean", false],
    ["String", "CLOSED"],
    ["DateTime", 1_795_305_605_000],
  ] as const)("a value of %s comes back", (dataType, value) => {
    const payload = decodePayload(encodeWrite({ metric: "Valve", dataType, value }, atMs));
    const [metric] = payload.ok ? payload.value.metrics : [];
    expect(payload).toMatchObject({ ok: true, value: { seq: null, atMs } });
    expect(metric && valueOf(metric.wire, dataType)).toMatchObject({ value });
  });

  test("closing is the metric that the table names, and nothing where it names none", () => {
    const close = { metric: "Valve/Close", dataType: "Boolean", value: true } as const;
    const order = { action: "close", issuedAtMs: atMs } as const;
    expect(encodeSparkplugCommand(order, close)).toEqual({
      ok: true,
      value: encodeWrite(close, atMs),
    });
    expect(encodeSparkplugCommand(order, null)).toMatchObject({ fault: { kind: "unsupported" } });
    const other = { action: "set_clock", issuedAtMs: atMs } as const;
    expect(encodeSparkplugCommand(other, close)).toMatchObject({ fault: { kind: "unsupported" } });
  });

  test("its state is JSON; other text is none", () => {
    const bytes = encodeHostState({ isOnline: true, atMs });
    expect(Buffer.from(bytes).toString()).toBe('{"online":true,"timestamp":1795305605000}');
    expect(decodeHostState(bytes)).toEqual({ isOnline: true, atMs });
    expect(decodeHostState(utf8("OFFLINE"))).toEqual({ isOnline: false, atMs: null });
    for (const text of [
      "",
      "[]",
      "null",
      '{"online":1,"timestamp":1}',
      '{"online":true}',
      "{",
      "x".repeat(300),
    ]) {
      expect(decodeHostState(utf8(text))).toBeUndefined();
    }
  });
});
