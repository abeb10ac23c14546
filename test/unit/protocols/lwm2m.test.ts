/** LwM2M: every encoding to the same values, 64 bits exact, and the maker's frame in object 19. */
import { describe, expect, test } from "vitest";
import { emptyReading, type Telegram } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { registerOf } from "#protocols/codec/exactNumber.ts";
import { decodeRecords, encodingOf, type Encoding } from "#protocols/lwm2m/decode.ts";
import { omaObjects } from "#protocols/lwm2m/objects.ts";
import { parsePath, printPath } from "#protocols/lwm2m/path.ts";
import { lwm2mOver, lwm2mProtocol } from "#protocols/lwm2m/protocol.ts";
import { recordsMax } from "#protocols/lwm2m/record.ts";
import { encodeLwm2mUplink } from "#protocols/lwm2m/uplink.ts";
import {
  instantFromSeconds,
  numberFromFloat,
  numberFromText,
  printValue,
} from "#protocols/lwm2m/values.ts";
import { cardsIn, checkCards, fuzz, takeBy, type PlainCard } from "./cardChecks.ts";
import { bytesOfHex, utf8 } from "./cards.ts";

type TlvCard = PlainCard & { readonly path: string };

const packs = cardsIn("lwm2m");
const trees = cardsIn("lwm2mTlv") as readonly TlvCard[];
const overTlv = (card: PlainCard) => lwm2mOver({ encoding: "tlv", path: (card as TlvCard).path });

checkCards(packs, () => lwm2mProtocol, false);
checkCards(trees, overTlv, false);

const nowhere = { object: null, instance: null, resource: null, item: null };

function valuesOf(bytes: Uint8Array, encoding: Encoding, path = "") {
  const place = parsePath(path) ?? nowhere;
  const context = { path: place, objects: omaObjects, receivedAtMs: null };
  const records = decodeRecords(bytes, encoding, context, null);
  if (!records.ok) return records.fault;
  return records.value.map(({ path: at, value }) => {
    return [printPath(at), value.kind, "value" in value ? value.value : null];
  });
}

const json = (text: string, path = "") => valuesOf(utf8(text), "senmlJson", path);
const tlv = (hex: string, path: string) => valuesOf(bytesOfHex(hex), "tlv", path);
const cbor = (hex: string) => valuesOf(bytesOfHex(hex), "senmlCbor");

describe("64 bits are exact", () => {
  test.each([
    ["9007199254740991", 9_007_199_254_740_991],
    ["9007199254740993", "9007199254740993"],
    ["18446744073709551615", "18446744073709551615"],
    ["-9223372036854775808", "-9223372036854775808"],
    ["-0", 0],
    ["1e3", 1_000],
    ["12.50", 12.5],
  ])("JSON %s", (digits, value) => {
    expect(json(`[{"n":"/3442/0/120","v":${digits}}]`)).toEqual([["/3442/0/120", "number", value]]);
  });

  test.each([
    ["c87808ffffffffffffffff", "/3442/0", ["/3442/0/120", "number", -1]],
    ["c878087fffffffffffffff", "/3442/0", ["/3442/0/120", "number", "9223372036854775807"]],
    ["c87d08ffffffffffffffff", "/3442/0", ["/3442/0/125", "number", "18446744073709551615"]],
    ["c178ff", "/3442/0", ["/3442/0/120", "number", -1]],
    ["c8780800000000ffffffff", "/3442/0/120", ["/3442/0/120", "number", 4_294_967_295]],
  ])("TLV %s", (hex, path, value) => {
    expect(tlv(hex, path)).toEqual([value]);
  });

  test.each([
    ["02", "1bffffffffffffffff", "18446744073709551615"],
    ["02", "3b7fffffffffffffff", "-9223372036854775808"],
    ["02", "c249010000000000000000", "18446744073709551616"],
    ["02", "c34900ffffffffffffffff", "-18446744073709551616"],
    ["02", "f9c400", -4],
    ["02", "c11a5182428f", 1_367_491_215],
  ])("CBOR label %s, %s", (label, item, value) => {
    const name = "6b2f333434322f302f313230";
    expect(cbor(`81a200${name}${label}${item}`)).toEqual([["/3442/0/120", "number", value]]);
  });
});

describe("kinds of value", () => {
  test("TLV by the table, and bytes where it has nothing or they do not fit", () => {
    expect(tlv("c4aa00030000", "/3442/0")).toEqual([["/3442/0/170", "link", "3:0"]]);
    expect(tlv("c4aaffffffff", "/3442/0")).toEqual([["/3442/0/170", "missing", null]]);
    expect(tlv("c18c02", "/3442/0")).toEqual([["/3442/0/140", "bytes", Uint8Array.of(2)]]);
    expect(tlv("c378010203", "/3442/0")).toEqual([
      ["/3442/0/120", "bytes", Uint8Array.of(1, 2, 3)],
    ]);
    expect(tlv("c26efffe", "/3442/0")).toEqual([["/3442/0/110", "bytes", Uint8Array.of(255, 254)]]);
    expect(tlv("c06e", "/3442/0")).toEqual([["/3442/0/110", "text", ""]]);
    expect(tlv("e41b167fc00000", "/3423/0")).toEqual([
      ["/3423/0/6934", "bytes", expect.anything()],
    ]);
    expect(tlv("c4017fc00000", "/3423/0")).toEqual([["/3423/0/1", "missing", null]]);
    expect(tlv("410a41", "/3442/0/1110")).toEqual([["/3442/0/1110/10", "text", "A"]]);
  });

  test("JSON: text, truth, bytes, links, times; null is no value", () => {
    const text =
      '[{"bn":"/3442/0/","n":"110","vs":"a\\"b"},{"n":"140","vb":true},{"n":"150","vd":"_-8"},' +
      '{"n":"170","vlo":"3:0"},{"n":"160","v":1367491215},{"n":"120","v":null},{"n":"130"}]';
    expect(json(text)).toEqual([
      ["/3442/0/110", "text", 'a"b'],
      ["/3442/0/140", "boolean", true],
      ["/3442/0/150", "bytes", Uint8Array.of(0xff, 0xef)],
      ["/3442/0/170", "link", "3:0"],
      ["/3442/0/160", "time", Date.UTC(2013, 4, 2, 10, 40, 15)],
      ["/3442/0/120", "missing", null],
    ]);
  });

  test("JSON of version 1.0: its own names, the base before or behind, bytes in base64", () => {
    const old = (text: string, path = "") => valuesOf(utf8(text), "json", path);
    const values = [
      ["/3/0/0", "text", "a"],
      ["/3/0/9", "number", 7],
    ];
    expect(old('{"bn":"/3/0/","e":[{"n":"0","sv":"a"},{"n":"9","v":7}]}')).toEqual(values);
    expect(old('{"e":[{"n":"0","sv":"a"},{"n":"9","v":7}],"bn":"3/0/"}')).toEqual(values);
    expect(old('{"e":[{"n":"0","sv":"a"},{"n":"9","v":7}]}', "/3/0")).toEqual(values);
    expect(old('{"bn":"/19/0/","e":[{"n":"0","sv":"aP8="}]}')).toEqual([
      ["/19/0/0", "bytes", Uint8Array.of(0x68, 0xff)],
    ]);
    expect(old('{"bn":"/1/0/","e":[{"n":"6","bv":true}]}')).toEqual([["/1/0/6", "boolean", true]]);
  });

  test.each([
    ["text", "/3/0/9", "87", ["/3/0/9", "number", 87]],
    ["text", "/3/0/0", "Maker", ["/3/0/0", "text", "Maker"]],
    ["text", "/3423/0/10", "1", ["/3423/0/10", "boolean", true]],
    ["text", "/3/0/13", "1367491215", ["/3/0/13", "time", 1_367_491_215_000]],
    ["text", "/3/0/22", "3:0", ["/3/0/22", "link", "3:0"]],
    ["opaque", "/19/0/0", "h", ["/19/0/0", "bytes", Uint8Array.of(0x68)]],
  ] as const)("one value as %s at %s", (encoding, path, text, value) => {
    expect(valuesOf(utf8(text), encoding, path)).toEqual([value]);
  });

  test("floats keep the digits that were meant", () => {
    const digits = (value: number, sizeBytes: number) => {
      const number = numberFromFloat(value, sizeBytes);
      return number.kind === "number" ? number.decimal : number;
    };
    expect(digits(Math.fround(1234.567), 4)).toEqual({ coefficient: 1_234_567n, exponent: -3 });
    expect(digits(0.1, 8)).toEqual({ coefficient: 1n, exponent: -1 });
    expect(digits(300, 2)).toEqual({ coefficient: 3n, exponent: 2 });
    expect(numberFromFloat(Number.NaN, 8)).toEqual({ kind: "missing" });
    expect(numberFromText("1e999")).toEqual({ kind: "missing" });
    expect(numberFromText("9".repeat(500))).toEqual({ kind: "missing" });
    expect(printValue(numberFromText("-1.50"))).toBe("-1.5");
  });

  test("a register is exact to the millilitre, and none where it cannot be", () => {
    const register = (coefficient: bigint, exponent: number) =>
      registerOf({ coefficient, exponent });
    expect(register(3n, 2)).toEqual({ ml: 300_000_000, count: 300, exponent: 0 });
    expect(register(12_345_678_905n, -7)).toEqual({
      ml: 1_234_567_891,
      count: 1_234_567_891,
      exponent: -6,
    });
    expect(register(1n, 20)).toBeUndefined();
  });

  test.each([
    [0n, null],
    [-5n, null],
    [1n, 1_000],
    [5_000_000_000n, null],
  ])("%s seconds are the instant %s", (coefficient, atMs) => {
    expect(instantFromSeconds({ coefficient, exponent: 0 })).toBe(atMs);
  });
});

describe("times of SenML", () => {
  const pack = utf8('[{"bn":"/3423/0/1","v":1},{"t":-3600,"v":0.5}]');

  test("relative ones need our clock, and are refused without: a wrong time is worse", () => {
    expect(lwm2mProtocol.decode(pack)).toMatchObject({ ok: false, fault: { kind: "unsupported" } });
    const receivedAtMs = timestampMs(1_795_305_605_000);
    const telegram = lwm2mOver({ receivedAtMs }).decode(pack);
    const times = telegram.ok && telegram.value.readings.map(({ measuredAtMs }) => measuredAtMs);
    expect(times).toEqual([null, receivedAtMs - 3_600_000]);
  });

  test("the present has the time of arrival, and no year that no meter can mean is believed", () => {
    const now = lwm2mProtocol.decode(utf8('[{"n":"/3423/0/1","v":1,"t":0}]'));
    expect(now).toMatchObject({ ok: true, value: { readings: [{ measuredAtMs: null }] } });
    const late = lwm2mProtocol.decode(utf8('[{"n":"/3423/0/1","v":1,"t":9e9}]'));
    expect(late).toMatchObject({ ok: true, value: { readings: [{ measuredAtMs: null }] } });
  });
});

describe("refused", () => {
  test.each([
    ["not a list", '{"n":"/3/0/9","v":1}'],
    ["no path", '[{"v":1}]'],
    ["a path that is none", '[{"n":"/3/0/x","v":1}]'],
    ["an object alone", '[{"n":"/3","v":1}]'],
    ["a number beyond the ids", '[{"n":"/3/0/65535","v":1}]'],
    ["two values", '[{"n":"/3/0/9","v":1,"vs":"1"}]'],
    ["a field twice", '[{"n":"/3/0/9","v":1,"v":2}]'],
    ["a base value", '[{"bn":"/3/0/9","bv":1,"v":2}]'],
    ["a field that must be understood", '[{"n":"/3/0/9","v":2,"x_":1}]'],
    ["a later version", '[{"bver":11,"n":"/3/0/9","v":2}]'],
    ["no number", '[{"n":"/3/0/9","v":01}]'],
    ["a bad escape", '[{"n":"/3/0/0","vs":"\\x"}]'],
    ["half a pair", '[{"n":"/3/0/0","vs":"\\ud800"}]'],
    ["no end", '[{"n":"/3/0/0","vs":"a'],
    ["more behind", '[{"n":"/3/0/9","v":1}] x'],
    ["a list inside", '[{"n":"/3/0/9","v":[1]}]'],
    ["a base time that is none", '[{"bt":"x","n":"/3/0/9","v":1}]'],
    ["a name that is none", '[{"n":1,"v":1}]'],
    ["no base64", '[{"n":"/19/0/0","vd":"?"}]'],
    ["a NUL", '[{"n":"/3/0/0","vs":"\0"}]'],
  ])("JSON: %s", (_, text) => {
    expect(json(text)).not.toBeInstanceOf(Array);
  });

  test.each([
    ["nothing", ""],
    ["no list", "a0"],
    ["no map", "8101"],
    ["ends early", "81a2006b"],
    ["more behind", "8000"],
    ["a list as a value", "81a2006b2f333434322f302f3132300280"],
    ["a field twice", "81a3006b2f333434322f302f31323002010201"],
    ["a length beyond the bytes", "81a1007bffffffffffffffff"],
    ["more entries than bytes", "9bffffffffffffffff"],
    ["a reserved head", "81a100fc"],
    ["a big number of text", "81a2006b2f333434322f302f31323002c26101"],
    ["a fraction of three", "81a2006b2f333434322f302f31323002c483010203"],
    ["text that is none", "81a10062fffe"],
    ["pieces of another kind", "81a2007f416bff0201"],
    ["pieces in pieces", "81a2007f7f616bffff0201"],
    ["pieces without end", "81a2007f616b"],
    ["tags without end", `81a100${"c1".repeat(40)}00`],
  ])("CBOR: %s", (_, hex) => {
    expect(cbor(hex)).not.toBeInstanceOf(Array);
  });

  test("CBOR strings may come in pieces", () => {
    const name = "7f652f33343432662f302f313230ff";
    expect(cbor(`9fbf00${name}02187bffff`)).toEqual([["/3442/0/120", "number", 123]]);
    const path = "6b2f333434322f302f313530";
    expect(cbor(`81a200${path}085f4101420203ff`)).toEqual([
      ["/3442/0/150", "bytes", Uint8Array.of(1, 2, 3)],
    ]);
    expect(cbor(`81a200${path}085fff`)).toEqual([["/3442/0/150", "bytes", new Uint8Array()]]);
  });

  test.each([
    ["187b", "/3442/0/120", ["/3442/0/120", "number", 123]],
    ["f95cb0", "/3442/0/130", ["/3442/0/130", "number", 300]],
    ["c11a6923fd10", "/3442/0/160", ["/3442/0/160", "time", 0x6923fd10 * 1_000]],
    ["624f4b", "/3442/0/110", ["/3442/0/110", "text", "OK"]],
  ])("one value in CBOR: %s", (hex, path, value) => {
    expect(valuesOf(bytesOfHex(hex), "cbor", path)).toEqual([value]);
    expect(valuesOf(bytesOfHex(`${hex}00`), "cbor", path)).toMatchObject({ kind: "schema" });
  });

  test("what a CBOR pack has besides is passed over, but not for ever", () => {
    const name = "6b2f333434322f302f313230";
    const with9 = (item: string) => cbor(`81a300${name}09${item}0205`);
    for (const item of [
      "5f4101ff",
      "7f61616162ff",
      "82a1010203",
      "9f01ff",
      "c100",
      "f6",
      "fa00000000",
      "63616263",
      "1903e8",
    ]) {
      expect(with9(item)).toEqual([["/3442/0/120", "number", 5]]);
    }
    expect(with9(`${"81".repeat(40)}00`)).toMatchObject({ kind: "tooDeep" });
  });

  test.each([
    ["longer than the bytes", "c80a09", "/3/0"],
    ["an instance inside a resource", "8302000000", "/3/0"],
    ["an instance inside an instance", "0200000a", "/3"],
    ["a head cut short", "e8", "/3/0"],
    ["no object", "c10901", ""],
    ["no resource", "410901", "/3/0"],
  ])("TLV: %s", (_, hex, path) => {
    expect(tlv(hex, path)).toMatchObject({ kind: "schema" });
  });

  test("limits have names", () => {
    const many = Array.from({ length: recordsMax + 1 }, () => '{"n":"/3/0/9","v":1}').join();
    expect(json(`[${many}]`)).toMatchObject({ kind: "tooLarge" });
    const short = Array.from({ length: recordsMax + 1 }, () => "{}").join();
    expect(json(`[${short}]`)).toMatchObject({ kind: "schema" });
    expect(tlv("c00a".repeat(recordsMax + 1), "/3/0")).toMatchObject({ kind: "schema" });
    expect(cbor(`9f${"a0".repeat(recordsMax + 1)}ff`)).toMatchObject({ kind: "schema" });
  });

  test("two registers are none", () => {
    const two = utf8('[{"n":"/3423/0/1","v":1},{"n":"/3423/1/1","v":2}]');
    expect(lwm2mProtocol.decode(two)).toMatchObject({ fault: { kind: "unsupported" } });
    const twice = utf8('[{"n":"/3423/0/1","v":1},{"n":"/3423/0/1","v":2}]');
    expect(lwm2mProtocol.decode(twice)).toMatchObject({ fault: { kind: "schema" } });
    const foreign = utf8('[{"n":"/3423/0/1","v":1,"u":"ft3"}]');
    expect(lwm2mProtocol.decode(foreign)).toMatchObject({ fault: { kind: "unsupported" } });
    const huge = utf8('[{"n":"/3423/0/1","v":1e30}]');
    expect(lwm2mProtocol.decode(huge)).toMatchObject({ fault: { kind: "implausible" } });
  });
});

test("numbers of content formats, those of drafts among them", () => {
  expect([0, 42, 60, 110, 112, 11_542, 11_543, 1_542, 1_543, 7].map(encodingOf)).toEqual([
    "text",
    "opaque",
    "cbor",
    "senmlJson",
    "senmlCbor",
    "tlv",
    "json",
    "tlv",
    "json",
    undefined,
  ]);
});

test.each(["senmlJson", "senmlCbor"] as const)("a simulated meter in %s comes back", (encoding) => {
  const register = (count: number) => ({ ml: volumeMl(count * 1_000), count, exponent: -3 });
  const telegram: Telegram = {
    address: null,
    frameId: null,
    readings: [
      {
        ...emptyReading,
        measuredAtMs: timestampMs(1_795_305_605_000),
        volume: register(1_234_567),
        batteryMv: 3_600,
        batteryPct: 90,
        signalDbm: -101,
        status: 1,
      },
      {
        ...emptyReading,
        measuredAtMs: timestampMs(1_795_302_005_000),
        volume: register(1_234_001),
      },
    ],
    replies: [],
  };
  const bytes = encodeLwm2mUplink(telegram, encoding);
  expect(lwm2mProtocol.decode(bytes)).toEqual({ ok: true, value: telegram });
  expect(lwm2mProtocol.mayBeUrgent(bytes)).toBe(true);
});

describe("random and damaged payloads: a typed answer, nothing thrown, nothing polluted", () => {
  const seeds = [...packs, ...trees].map(({ bytes }) => bytes);
  const polluting = utf8('[{"__proto__":{"x":1},"n":"/3/0/9","v":1,"constructor":"y"}]');

  test.each([
    ["by their first byte", lwm2mOver({ path: "/3423/0" })],
    ["as TLV", lwm2mOver({ path: "/3423", encoding: "tlv" })],
    ["as SenML-CBOR", lwm2mOver({ encoding: "senmlCbor" })],
    ["as SenML-JSON", lwm2mOver({ encoding: "senmlJson" })],
    ["as JSON of version 1.0", lwm2mOver({ path: "/3423/0", encoding: "json" })],
  ] as const)(
    "%s",
    (_, protocol) => {
      const answers = fuzz([...seeds, polluting], 20_261_124, takeBy(protocol));
      expect(answers.size).toBeGreaterThan(1);
    },
    60_000,
  );
});
