/** From metrics to readings by a table. */
import { describe, expect, test } from "vitest";
import { timestampMs } from "#domain/units.ts";
import type { KnownMetric } from "#protocols/sparkplug/births.ts";
import type { EdgeTable } from "#domain/edgeTable.ts";
import { telegramOf } from "#protocols/sparkplug/mapping.ts";
import { valueOf } from "#protocols/sparkplug/values.ts";

describe("from metrics to readings", () => {
  const mapping: EdgeTable = {
    metrics: {
      Volume: { to: "volume", unit: "m3" },
      Litres: { to: "volume", unit: "l" },
      Pulses: { to: "volume", unit: "l", exponent: 1 },
      Flow: { to: "flowMlPerHour", unit: "m3/h" },
      FlowS: { to: "flowMlPerHour", unit: "m3/s" },
      FlowMin: { to: "flowMlPerHour", unit: "l/min" },
      Celsius: { to: "temperatureCentiC", unit: "degC" },
      Kelvin: { to: "temperatureCentiC", unit: "K" },
      Pressure: { to: "pressurePa", unit: "mbar" },
      Battery: { to: "batteryMv", unit: "V" },
      Signal: { to: "signalDbm", unit: "dBm" },
      Strange: { to: "volume", unit: "furlong" },
      Own: { to: "volume", unit: "constructor" },
      Valve: { to: "valve", positions: { "0": "open", "1": "closed", SHUT: "closed" } },
      Leak: { to: "status", flag: "leak" },
      Bits: { to: "statusBits", bits: [null, "battery_low", "magnet"] },
      State: { to: "statusWords", words: { OK: [], LEAK: ["leak"], BOTH: ["leak", "magnet"] } },
    },
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

  test.each([
    ["Pulses", 123_456, { volume: { ml: 1_234_560_000, count: 123_456, exponent: -2 } }],
    ["FlowS", 0.0001, { flowMlPerHour: 360_000 }],
    ["FlowMin", 5, { flowMlPerHour: 300_000 }],
    ["Celsius", 21.37, { temperatureCentiC: 2_137 }],
    ["Kelvin", 293.15, { temperatureCentiC: 2_000 }],
    ["Pressure", 21.5, { pressurePa: 2_150 }],
    ["Strange", 1, null],
    ["Own", 1, null],
    ["constructor", 1, null],
    ["__proto__", 1, null],
  ])("%s of %s", (name, value, reading) => {
    const read = readingsOf({ name, value: number(value) });
    if (reading === null) expect(read).toEqual([]);
    else expect(read).toMatchObject([reading]);
  });

  test.each([
    ["OK", [{ status: 0 }]],
    ["BOTH", [{ status: 1 | (1 << 11) }]],
    ["constructor", []],
  ])("a status of the word %s", (text, readings) => {
    const read = readingsOf({ name: "State", value: { kind: "text", value: text } });
    expect(read).toMatchObject(readings);
    expect(read).toHaveLength(readings.length);
  });

  test("history is registers at its own time: what a node remembers does not ring", () => {
    const old = { isHistorical: true } as const;
    const leak = { name: "Leak", value: { kind: "boolean", value: true } } as const;
    expect(readingsOf({ ...old, ...leak })).toEqual([]);
    expect(readingsOf({ ...old, name: "Valve", value: number(1) })).toEqual([]);
    expect(readingsOf({ ...old, name: "Volume", value: number(1), atMs: null })).toEqual([]);
    expect(readingsOf({ ...old, name: "Volume", value: number(1) }, leak)).toMatchObject([
      { volume: { ml: 1_000_000 }, status: 1 },
    ]);
  });

  test("a leak that is heard badly is heard; that there is none is not", () => {
    const leak = (value: boolean, quality: number) =>
      readingsOf({ name: "Leak", value: { kind: "boolean", value }, quality });
    expect(leak(true, 0)).toMatchObject([{ status: 1 }]);
    expect(leak(true, 500)).toMatchObject([{ status: 1 }]);
    expect(leak(false, 500)).toEqual([]);
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
