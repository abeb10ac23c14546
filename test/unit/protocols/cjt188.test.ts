/** CJ/T 188: what is refused, clocks, half hours, and frames of simulated meters. */
import { describe, expect, test } from "vitest";
import { statusBits } from "#domain/status.ts";
import { emptyReading } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { decodeFrame, encodeFrame } from "#protocols/cjt188/frame.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import {
  encodeCjt188Uplink,
  encodeMeteringAnswer,
  encodeReport,
  encodeValveAnswer,
} from "#protocols/cjt188/uplink.ts";
import { reasonOf } from "#protocols/contract.ts";
import { bytesOfHex, loadCard } from "./cards.ts";

const address = "51510000000042";
function reason(bytes: Uint8Array): string | undefined {
  const result = cjt188Protocol.decode(bytes);
  return result.ok ? undefined : reasonOf(result.fault);
}

/** A card's frame with some bytes replaced and the checksum made right again. */
function altered(name: string, changes: Readonly<Record<number, number>>): Uint8Array {
  const bytes = loadCard(name).bytes.slice();
  for (const [at, byte] of Object.entries(changes)) bytes[Number(at)] = byte;
  bytes[bytes.length - 2] = bytes.subarray(0, -2).reduce((sum, byte) => (sum + byte) & 0xff, 0);
  return bytes;
}

describe("refused", () => {
  // offsets in the card's frame: 14 register, 18 unit, 10 L, 9 C
  test.each([
    ["BCD", "a digit of the register is none", altered("cjt188/gasLeak", { 15: 0x3a })],
    [
      "BCD",
      "a register before calibration",
      altered("cjt188/gasLeak", { 14: 255, 15: 255, 16: 255, 17: 255 }),
    ],
    ["UNSUPPORTED", "a register in kilowatt hours", altered("cjt188/gasLeak", { 18: 0x05 })],
    ["UNSUPPORTED", "a request", altered("cjt188/gasLeak", { 9: 0x01 })],
    ["UNSUPPORTED", "a DI of another length", altered("cjt188/gasLeak", { 11: 0xd1, 12: 0x20 })],
    ["UNSUPPORTED", "a DI that is not in the tables", altered("cjt188/gasLeak", { 11: 0x99 })],
    ["UNSUPPORTED", "an abnormal answer of this length", altered("cjt188/gasLeak", { 9: 0xc1 })],
    ["SCHEMA", "a freeze without a date", altered("cjt188/timedFreeze", { 17: 0x32 })],
    ["BCD", "a freeze without a register", altered("cjt188/timedFreeze", { 23: 0xfa })],
    ["UNSUPPORTED", "a freeze in kilowatt hours", altered("cjt188/timedFreeze", { 25: 0x05 })],
    ["BCD", "the short frame before calibration", altered("cjt188/short", { 17: 0xff })],
    ["LENGTH", "L too small", altered("cjt188/gasLeak", { 10: 0x15 })],
    ["LENGTH", "L too large", altered("cjt188/gasLeak", { 10: 0xff })],
    ["LENGTH", "L zero", altered("cjt188/gasLeak", { 10: 0 })],
    ["LENGTH", "bytes behind the frame", Uint8Array.from([...loadCard("cjt188/gasLeak").bytes, 0])],
    [
      "CHECKSUM",
      "a wrong sum",
      Uint8Array.from([...loadCard("cjt188/gasLeak").bytes.slice(0, -2), 0, 0x16]),
    ],
    ["TRUNCATED", "half a frame", loadCard("cjt188/gasLeak").bytes.slice(0, 20)],
    ["TRUNCATED", "no bytes", new Uint8Array()],
    [
      "SCHEMA",
      "five wake-up bytes",
      Uint8Array.from([0xfe, 0xfe, 0xfe, 0xfe, 0xfe, ...loadCard("cjt188/gasLeak").bytes]),
    ],
  ])("%s: %s", (wanted, _, bytes) => {
    expect(reason(bytes)).toBe(wanted);
  });

  test.each([43, 44, 47])("a heat meter's 901F of another length: %i", (dataBytes) => {
    const data = bytesOfHex(`901f00${"00".repeat(dataBytes - 3)}`);
    const frame = encodeFrame({ meterType: 0x20, address, control: 0x81 }, data);
    expect(reason(frame)).toBe("UNSUPPORTED");
  });
});

describe("clock", () => {
  // ss mm hh DD MM YY CC at offset 24
  test.each([
    ["all zero", [0, 0, 0, 0, 0, 0, 0]],
    ["FF", [255, 255, 255, 255, 255, 255, 255]],
    ["month 00", [0, 0, 8, 0x22, 0, 0x26, 0x20]],
    ["24:60", [0, 0x60, 0x24, 0x22, 0x11, 0x26, 0x20]],
    ["year 2106", [0, 0, 8, 0x22, 0x11, 0x06, 0x21]],
  ])("%s is no time, and the register is kept", (_, clock) => {
    const changes = Object.fromEntries(clock.map((byte, i) => [24 + i, byte]));
    expect(cjt188Protocol.decode(altered("cjt188/gasLeak", changes))).toMatchObject({
      ok: true,
      value: { readings: [{ measuredAtMs: null, volume: { count: 123_456 } }] },
    });
  });
});

describe("half hours", () => {
  test.each([
    ["the freeze is above the present register", { 85: 0x99, 86: 0x99, 87: 0x99 }],
    ["a decrement leads below zero", { 89: 0xfe, 91: 0xfe, 93: 0xfe, 95: 0xfe }],
    ["the freeze is missing", { 85: 0xff }],
    ["the clock is none", { 50: 0 }],
  ])("give no readings when %s", (_, changes) => {
    const result = cjt188Protocol.decode(altered("cjt188/nbIotReport", changes));
    expect(result.ok && result.value.readings.length).toBe(1);
  });

  test("end at one that was never written", () => {
    const bytes = altered("cjt188/nbIotReport", { 93: 0xff, 94: 0xff });
    const result = cjt188Protocol.decode(bytes);
    expect(result.ok && result.value.readings.length).toBe(1 + 1 + 2);
  });
});

describe("simulated meters", () => {
  const reading = {
    ...emptyReading,
    measuredAtMs: timestampMs(1_795_305_605_000),
    volume: { ml: volumeMl(1_234_560_000), count: 123_456, exponent: -2 },
    valve: "open",
    status: statusBits.leak | statusBits.battery_low,
  } as const;

  test("answer 901F to the byte", () => {
    const card = loadCard("cjt188/gasLeak");
    expect(encodeMeteringAnswer({ address, sequence: 5 }, reading)).toEqual(card.bytes);
  });

  test("report 9097 and are understood", () => {
    const full = {
      ...reading,
      flowMlPerHour: 250_000,
      temperatureCentiC: 1815,
      pressurePa: 2000,
      signalDbm: -76,
    };
    const bytes = encodeCjt188Uplink({ address, frameId: null, readings: [full], replies: [] });
    const value = { address, frameId: null, readings: [full], replies: [] };
    expect(cjt188Protocol.decode(bytes)).toEqual({ ok: true, value });
    expect(cjt188Protocol.mayBeUrgent(bytes)).toBe(true);
  });

  test("report a day of half hours", () => {
    const freeze = { count: 123_400, decrements: Array.from({ length: 47 }, (_, i) => i) };
    const result = cjt188Protocol.decode(encodeReport({ address, sequence: 0 }, reading, freeze));
    const oldest = result.ok ? result.value.readings.at(-1) : undefined;
    // 46 * 47 / 2 = 1,081 litres below 1,234.00 m³, at 00:30 of the day before
    expect(oldest).toMatchObject({ volume: { count: 1_232_919, exponent: -3 } });
    expect(oldest?.measuredAtMs).toBe(Date.UTC(2026, 10, 20, 16, 30));
  });

  test("answer orders: accepted and refused", () => {
    for (const result of ["accepted", "refused"] as const) {
      const bytes = encodeValveAnswer({ address, sequence: 9 }, reading, result);
      expect(cjt188Protocol.decode(bytes)).toMatchObject({
        ok: true,
        value: {
          readings: [{ status: reading.status, valve: null }],
          replies: [{ commandId: null, sequence: 9, result, valve: "open" }],
        },
      });
      expect(cjt188Protocol.mayBeUrgent(bytes)).toBe(true);
    }
  });
});

test("the frame keeps its address whatever its digits", () => {
  const frame = encodeFrame(
    { meterType: 0x30, address: "aaaaaaaaaaaaaa", control: 3 },
    new Uint8Array(),
  );
  expect(decodeFrame(frame, null)).toMatchObject({
    ok: true,
    value: { address: "AAAAAAAAAAAAAA" },
  });
});
