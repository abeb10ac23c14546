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
import type { KnownMetric } from "#protocols/sparkplug/edgeNode.ts";
import { telegramOf, type MetricMapping } from "#protocols/sparkplug/mapping.ts";
import { decodePayload, payloadBytesMax, type Metric } from "#protocols/sparkplug/payload.ts";
import { parseTopic, printTopic } from "#protocols/sparkplug/topic.ts";
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
}, 60_000);

test("a birth larger than any is refused by its size, and text that is none by its encoding", () => {
  const large = decodePayload(new Uint8Array(payloadBytesMax + 1));
  expect(large).toEqual({ ok: false, fault: { kind: "tooLarge", limitBytes: payloadBytesMax } });
  const badText = decodePayload(bytesOfHex("12040a02fffe"));
  expect(badText).toMatchObject({ fault: { kind: "illFormedText", path: "metrics[0].name" } });
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

describe("from metrics to readings", () => {
  const mapping: MetricMapping = {
    metrics: new Map([
      ["Volume", { to: "volumeM3", exponent: 0 }],
      ["Litres", { to: "volumeM3", exponent: -3 }],
      ["Flow", { to: "flowMlPerHour", exponent: 6 }],
      ["Battery", { to: "batteryMv", exponent: 3 }],
      ["Signal", { to: "signalDbm", exponent: 0 }],
      ["Valve", { to: "valve", positions: { "0": "open", "1": "closed", SHUT: "closed" } }],
      ["Leak", { to: "status", flag: "leak" }],
      ["Bits", { to: "statusBits", bits: [null, "battery_low", "magnet"] }],
    ]),
    close: null,
  };
  const atMs = timestampMs(1_795_305_605_000);

  function readingsOf(...written: readonly Partial<KnownMetric>[]) {
    const metrics = written.map((metric): KnownMetric => ({
      name: "",
      dataType: "Double",
      value: null,
      atMs,
      isHistorical: false,
      quality: null,
      ...metric,
    }));
    return telegramOf(metrics, mapping).readings;
  }

  const unread = { kind: "unread" } as const;

  function number(value: number): KnownMetric["value"] {
    return valueOf({ doubleValue: value }, "Double");
  }

  test("metrics of one time are one reading, of two times two", () => {
    const readings = readingsOf(
      { name: "Volume", value: number(1234.567) },
      { name: "Flow", value: number(0.35) },
      { name: "Battery", value: number(3.6) },
      { name: "Signal", value: number(-97) },
      { name: "Unknown", value: number(1) },
      {
        name: "Litres",
        value: number(1_234_000),
        atMs: timestampMs(atMs - 60_000),
        isHistorical: true,
      },
    );
    expect(readings).toMatchObject([
      {
        measuredAtMs: atMs,
        volume: { ml: 1_234_567_000, count: 1_234_567, exponent: -3 },
        flowMlPerHour: 350_000,
        batteryMv: 3_600,
        signalDbm: -97,
        valve: null,
        status: null,
      },
      {
        measuredAtMs: atMs - 60_000,
        volume: { ml: 1_234_000_000, count: 1_234_000, exponent: -3 },
      },
    ]);
  });

  test.each([
    [0, "open"],
    [1, "closed"],
    [2, "unknown"],
    ["SHUT", "closed"],
    ["constructor", "unknown"],
    [null, "unknown"],
  ] as const)("the valve %s is %s", (said, valve) => {
    const text = { kind: "text", value: String(said) } as const;
    const value = typeof said === "number" ? number(said) : said === null ? unread : text;
    expect(readingsOf({ name: "Valve", value })).toMatchObject([{ valve }]);
  });

  test("status comes from truths, numbers and bits", () => {
    const set = readingsOf(
      { name: "Leak", value: { kind: "boolean", value: true } },
      { name: "Bits", value: number(7) },
    );
    expect(set).toMatchObject([{ status: 1 | (1 << 9) | (1 << 11) }]);
    expect(readingsOf({ name: "Leak", value: number(0) })).toMatchObject([{ status: 0 }]);
    expect(readingsOf({ name: "Leak", value: { kind: "text", value: "yes" } })).toEqual([]);
    expect(readingsOf({ name: "Bits", value: { kind: "boolean", value: true } })).toEqual([]);
  });

  test("what is null, stale, bad or no number says nothing", () => {
    expect(readingsOf({ name: "Volume", value: null })).toEqual([]);
    expect(readingsOf({ name: "Volume", value: number(1), quality: 500 })).toEqual([]);
    expect(readingsOf({ name: "Volume", value: number(1), quality: 0 })).toEqual([]);
    expect(readingsOf({ name: "Volume", value: number(1), quality: 192 })).toHaveLength(1);
    expect(readingsOf({ name: "Volume", value: { kind: "text", value: "1" } })).toEqual([]);
    expect(readingsOf({ name: "Volume", value: number(1e20) })).toEqual([]);
    expect(readingsOf({ name: "Flow", value: number(1e20) })).toEqual([]);
  });
});
