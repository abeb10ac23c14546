/** JSON version 1: what is refused, with which reason; and orders both ways. */
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { emptyReading } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { reasonOf } from "#protocols/contract.ts";
import { decodeJsonCommand } from "#protocols/json/command.ts";
import { encodeJsonUplink, jsonProtocol } from "#protocols/json/protocol.ts";
import { utf8 } from "./cards.ts";

function reason(bytes: Uint8Array | string): string | undefined {
  const result = jsonProtocol.decode(typeof bytes === "string" ? utf8(bytes) : bytes);
  return result.ok ? undefined : reasonOf(result.fault);
}

function reading(json: string) {
  const result = jsonProtocol.decode(utf8(json));
  return result.ok ? result.value.readings[0] : result.fault;
}

const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const history = (entries: number) =>
  `{"v":1,"history":[${Array.from({ length: entries }, () => '{"measuredAt":1,"volumeM3":1}').join()}]}`;

const refused: readonly (readonly [string, string, string | Uint8Array])[] = [
  ["SIZE", "more than 64 KiB", `{"v":1,"volumeM3":"${"0".repeat(65_536)}"}`],
  ["DEPTH", "500 000 brackets would be too large", deep(17)],
  ["DEPTH", "nesting under a key", `{"v":1,"x":${deep(16)}}`],
  ["DEPTH", "brackets that never close", "{".repeat(60_000)],
  ["DEPTH", "nesting behind a bracket in a string", `{"v":1,"\\"[":${deep(16)}}`],
  ["SCHEMA", "sixteen levels", deep(16)],
  ["SCHEMA", "brackets in a string are no nesting", `"${"[".repeat(99)}"`],
  ["ENCODING", "byte-order mark", "\ufeff{}"],
  ["ENCODING", "NUL behind the object", '{"v":1,"volumeM3":"1"}\0'],
  ["ENCODING", "invalid UTF-8", Uint8Array.from([...utf8('{"v":1,"a'), 0xff, 0x22])],
  ["ENCODING", "overlong UTF-8", Uint8Array.from([...utf8('{"v":1,"'), 0xc0, 0xaf, 0x22])],
  ["ENCODING", "lone surrogate", '{"v":1,"reply":{"commandId":"\\ud800","result":"failed"}}'],
  ["ENCODING", "escaped NUL", '{"v":1,"reply":{"commandId":"a\\u0000","result":"failed"}}'],
  ["NONFINITE", "1e999", '{"v":1,"volumeM3":1e999}'],
  ["NONFINITE", "-1e999", '{"v":1,"batteryMv":-1e999}'],
  ["NONFINITE", "NaN", '{"v":1,"volumeM3":NaN}'],
  ["NONFINITE", "-Infinity", '{"v":1,"flowM3h":-Infinity}'],
  ["NONFINITE", "the word NaN", '{"v":1,"temperatureC":"NaN"}'],
  ["SCHEMA", "decimal comma", '{"v":1,"volumeM3":"1,5"}'],
  ["SCHEMA", "plus sign", '{"v":1,"volumeM3":"+1"}'],
  ["SCHEMA", "plus sign of a number", '{"v":1,"volumeM3":+1}'],
  ["SCHEMA", "400 digits", `{"v":1,"volumeM3":${"7".repeat(400)}}`],
  ["SCHEMA", "400 digits in a string", `{"v":1,"volumeM3":"${"7".repeat(400)}"}`],
  ["SCHEMA", "2^53 + 1", '{"v":1,"frameId":9007199254740993}'],
  ["SCHEMA", "a register beyond safe millilitres", '{"v":1,"volumeM3":"9007199255"}'],
  ["SCHEMA", "four decimals of a number", '{"v":1,"volumeM3":1.2345}'],
  ["SCHEMA", "parts of a millilitre", '{"v":1,"volumeM3":"0.0000001"}'],
  ["SCHEMA", "an exponent in a string", '{"v":1,"volumeM3":"1e3"}'],
  ["SCHEMA", "an exponent without digits", '{"v":1,"volumeM3":1e}'],
  ["SCHEMA", "a leading zero", '{"v":1,"volumeM3":01}'],
  ["SCHEMA", "a point without digits", '{"v":1,"volumeM3":1.}'],
  ["SCHEMA", "hexadecimal", '{"v":1,"volumeM3":"0x10"}'],
  ["SCHEMA", "an empty decimal", '{"v":1,"volumeM3":""}'],
  ["SCHEMA", "a list as a decimal", '{"v":1,"volumeM3":["1"]}'],
  ["SCHEMA", "half a millivolt", '{"v":1,"batteryMv":3600.5}'],
  ["SCHEMA", "a number as text", '{"v":1,"batteryMv":"3600"}'],
  ["SCHEMA", "a negative frame id", '{"v":1,"frameId":-1,"volumeM3":"1"}'],
  ["SCHEMA", "a repeated key", '{"v":1,"volumeM3":"1","volumeM3":"2"}'],
  ["SCHEMA", "a key repeated in disguise", '{"v":1,"volumeM3":"1","volume\\u004d3":"2"}'],
  ["SCHEMA", "a key repeated after null", '{"v":1,"volumeM3":null,"volumeM3":"2"}'],
  ["SCHEMA", "__proto__", '{"v":1,"volumeM3":"1","__proto__":{"polluted":1}}'],
  ["SCHEMA", "constructor", '{"v":1,"volumeM3":"1","constructor":{}}'],
  ["SCHEMA", "an unknown key", '{"v":1,"volumeM3":"1","meterId":"M1"}'],
  ["SCHEMA", "an unknown key in history", '{"v":1,"history":[{"valve":"open"}]}'],
  ["SCHEMA", "another version", '{"v":2,"volumeM3":"1"}'],
  ["SCHEMA", "no version", '{"volumeM3":"1"}'],
  ["SCHEMA", "nothing", '{"v":1}'],
  ["SCHEMA", "nothing but a time", '{"v":1,"measuredAt":"2026-11-22T08:00:00Z","history":[]}'],
  ["SCHEMA", "history without volume", '{"v":1,"history":[{"measuredAt":1}]}'],
  ["SCHEMA", "history without time", '{"v":1,"history":[{"volumeM3":"1"}]}'],
  ["SCHEMA", "1,001 older values", history(1_001)],
  ["SCHEMA", "a date without time", '{"v":1,"volumeM3":"1","measuredAt":"2026-11-22"}'],
  ["SCHEMA", "no offset", '{"v":1,"volumeM3":"1","measuredAt":"2026-11-22T08:00:00"}'],
  ["SCHEMA", "half a year", '{"v":1,"volumeM3":"1","measuredAt":"26-11-22T08:00:00Z"}'],
  ["SCHEMA", "a valve number", '{"v":1,"valve":1}'],
  ["SCHEMA", "a status word alone", '{"v":1,"status":"leak"}'],
  ["SCHEMA", "a status number", '{"v":1,"status":[1]}'],
  ["SCHEMA", "an unknown result", '{"v":1,"reply":{"commandId":"c","result":"done"}}'],
  ["SCHEMA", "no result", '{"v":1,"reply":{"commandId":"c"}}'],
  ["SCHEMA", "no command", '{"v":1,"reply":{"result":"executed"}}'],
  [
    "SCHEMA",
    "an id of 65 characters",
    `{"v":1,"reply":{"commandId":"${"c".repeat(65)}","result":"failed"}}`,
  ],
  ["SCHEMA", "a comma too many", '{"v":1,"volumeM3":"1",}'],
  ["SCHEMA", "no comma", '{"v":1 "volumeM3":"1"}'],
  ["SCHEMA", "no colon", '{"v" 1}'],
  ["SCHEMA", "single quotes", "{'v':1}"],
  ["SCHEMA", "a comment", '{"v":1,"volumeM3":"1"} // end'],
  ["SCHEMA", "two objects", '{"v":1,"volumeM3":"1"}{}'],
  ["SCHEMA", "a new line in a string", '{"v":1,"volumeM3":"1\n"}'],
  ["SCHEMA", "no bytes", ""],
  ["SCHEMA", "a list", '[{"v":1,"volumeM3":"1"}]'],
];

describe("refused", () => {
  test.each(refused)("%s: %s", (wanted, _, json) => {
    expect(reason(json)).toBe(wanted);
  });

  test("the fault names the place", () => {
    const json =
      '{"v":1,"history":[{"measuredAt":1,"volumeM3":1},{"measuredAt":1,"volumeM3":"x"}]}';
    expect(reading(json)).toMatchObject({ kind: "schema", path: "history[1].volumeM3" });
  });

  test("nothing of a refused text reaches any object", () => {
    reason('{"v":1,"__proto__":{"polluted":true}}');
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("taken", () => {
  test("1,000 older values", () => {
    expect(reason(history(1_000))).toBeUndefined();
  });

  // text of a decimal, count, exponent, millilitres
  test.each([
    ['"1234.567"', 1_234_567, -3, 1_234_567_000],
    ["1234.5", 12_345, -1, 1_234_500_000],
    ["-0", 0, 0, 0],
    ['"-0.000"', 0, -3, 0],
    ["-2.5", -25, -1, -2_500_000],
    ['"000012.50"', 1250, -2, 12_500_000],
    ["1e3", 1, 3, 1_000_000_000],
    ["1.5E+2", 15, 1, 150_000_000],
    ["0e999", 0, 0, 0],
    ['"9007199254.740991"', 9_007_199_254_740_991, -6, 9_007_199_254_740_991],
  ])("volume %s", (text, count, exponent, ml) => {
    expect(reading(`{"v":1,"volumeM3":${text}}`)).toMatchObject({
      volume: { count, exponent, ml },
    });
  });

  // text of a time, milliseconds
  test.each([
    ['"2026-11-22T08:00:00+08:00"', Date.UTC(2026, 10, 22)],
    ['"2026-11-22t00:00:00.1239z"', Date.UTC(2026, 10, 22, 0, 0, 0, 123)],
    ['"2024-02-29T23:59:60Z"', Date.UTC(2024, 2, 1)],
    ['"2026-11-21T18:30:00-05:30"', Date.UTC(2026, 10, 22)],
    ["1795305600000", 1_795_305_600_000],
    ["1.7953056e12", 1_795_305_600_000],
    ['"2026-02-31T08:00:00Z"', null],
    ['"2023-02-29T08:00:00Z"', null],
    ['"2026-00-10T08:00:00Z"', null],
    ['"2026-13-10T08:00:00Z"', null],
    ['"2026-11-22T24:00:00Z"', null],
    ['"2026-11-22T12:60:00Z"', null],
    ['"2026-11-22T12:00:00+24:00"', null],
    ['"2106-02-07T06:28:16Z"', null],
    ['"0000-00-00T00:00:00Z"', null],
    ['"1969-12-31T23:59:59Z"', null],
    ["-1", null],
    ["4294967296000000", null],
  ])("time %s", (text, measuredAtMs) => {
    expect(reading(`{"v":1,"volumeM3":"1","measuredAt":${text}}`)).toMatchObject({ measuredAtMs });
  });

  test("white space anywhere, keys in any order", () => {
    const json = ' \t\r\n{ "status" : [ "leak" , "tilt" ] ,\n"volumeM3":"1" , "v" : 1 } \n';
    expect(reading(json)).toMatchObject({ status: (1 << 0) | (1 << 12), volume: { count: 1 } });
  });

  test("an unknown status does not hide a leak", () => {
    expect(reading('{"v":1,"status":["earthquake","leak"]}')).toMatchObject({ status: 1 });
  });
});

describe("the cheap look", () => {
  const quiet = '{"v":1,"volumeM3":"1","status":["battery_low","micro_flow"],"valve":"open"}';

  test("an ordinary reading is not urgent", () => {
    expect(jsonProtocol.mayBeUrgent(utf8(quiet))).toBe(false);
  });

  test.each(["leak", "external_alarm", "over_flow", "valve_passing", "\\u006ceak"])(
    "%s",
    (word) => {
      expect(jsonProtocol.mayBeUrgent(utf8(quiet.replace("micro_flow", word)))).toBe(true);
    },
  );
});

describe("orders", () => {
  const order = {
    commandId: commandId("0192-ab"),
    action: "close",
    issuedAtMs: timestampMs(1_795_305_600_000),
    expiresAtMs: timestampMs(1_795_306_500_000),
  } as const;

  test("the downlink is the contract's", () => {
    const bytes = jsonProtocol.encodeCommand({ ...order, sequence: 7, frameAddress: null });
    expect(bytes.ok && JSON.parse(Buffer.from(bytes.value).toString())).toEqual({
      v: 1,
      commandId: "0192-ab",
      action: "close",
      issuedAt: "2026-11-22T00:00:00.000Z",
      expiresAt: "2026-11-22T00:15:00.000Z",
    });
    expect(bytes.ok && decodeJsonCommand(bytes.value)).toEqual({ ok: true, value: order });
  });

  test("parameters are said with their action, and hours of the day not at all", () => {
    const parameters = { reportEverySeconds: 3_600 };
    const wanted = { ...order, action: "change_parameters", parameters } as const;
    const to = { sequence: 7, frameAddress: null };
    const bytes = jsonProtocol.encodeCommand({ ...wanted, ...to });
    expect(bytes.ok && JSON.parse(Buffer.from(bytes.value).toString())).toMatchObject({
      action: "change_parameters",
      reportEverySeconds: 3_600,
    });
    expect(bytes.ok && decodeJsonCommand(bytes.value)).toEqual({ ok: true, value: wanted });
    const hours = { ...wanted, ...to, parameters: { reportHours: [3, 15] } };
    const fault = { kind: "unsupported" };
    expect(jsonProtocol.encodeCommand(hours)).toMatchObject({ ok: false, fault });
  });

  test.each([
    [
      "closes and changes something",
      '{"v":1,"commandId":"c","action":"close","issuedAt":1,"expiresAt":2,"reportEverySeconds":9}',
    ],
    [
      "changes nothing",
      '{"v":1,"commandId":"c","action":"change_parameters","issuedAt":1,"expiresAt":2}',
    ],
    ["opens", '{"v":1,"commandId":"c","action":"open","issuedAt":1,"expiresAt":2}'],
    ["never expires", '{"v":1,"commandId":"c","action":"close","issuedAt":1}'],
    ["expires on no day", '{"v":1,"commandId":"c","action":"close","issuedAt":1,"expiresAt":-1}'],
  ])("an order that %s is none", (_, json) => {
    expect(decodeJsonCommand(utf8(json)).ok).toBe(false);
  });
});

test("the encoder writes what JSON.parse reads", () => {
  const volume = { ml: volumeMl(1_500_000), count: 1500, exponent: -3 };
  const bytes = encodeJsonUplink({
    address: null,
    frameId: 1,
    readings: [{ ...emptyReading, volume, temperatureCentiC: -5, status: 1 }],
    replies: [],
  });
  expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({
    v: 1,
    frameId: 1,
    volumeM3: "1.500",
    temperatureC: "-0.05",
    status: ["leak"],
  });
});
