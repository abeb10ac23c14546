/** M-Bus readings, frames and requests as tables, a line a value. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { statusBits } from "#domain/status.ts";
import { emptyReading } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { manufacturerCode, manufacturerName, statusWords } from "#protocols/mbus/header.ts";
import { mbusProtocol } from "#protocols/mbus/protocol.ts";
import {
  anyMeter,
  decodeMbusRequest,
  encodeAlarmRequest,
  encodeApplicationReset,
  encodeDataRequest,
  encodeInitialise,
  encodeSelection,
} from "#protocols/mbus/requests.ts";
import { decodeMbusTelegram } from "#protocols/mbus/telegram.ts";
import { encodeMbusUplink } from "#protocols/mbus/uplink.ts";
import { bytesOfHex } from "./cards.ts";

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** A telegram of these records, with a long header. */
function frameOf(records: string): Uint8Array {
  const content = bytesOfHex(`08017278563412931533032a000000${records.replaceAll(" ", "")}`);
  const sum = content.reduce((total, byte) => (total + byte) & 0xff, 0);
  const length = content.length;
  return Uint8Array.from([0x68, length, length, 0x68, ...content, sum, 0x16]);
}

describe("readings", () => {
  const utc = { clockOffsetMs: 0 };

  function first(records: string, options = {}) {
    const result = mbusProtocol.decode(frameOf(records), options);
    return result.ok ? result.value.readings[0] : undefined;
  }

  test.each([
    // what is another register, another time or another kind of value is not the register
    ["84 10 13 01000000", null],
    ["84 40 13 01000000", null],
    ["14 13 01000000", null],
    ["44 13 01000000", null],
    ["04 93 7f 01000000", null],
    ["04 93 28 01000000", null],
    ["04 93 15 01000000", null],
    ["04 93 3e 01000000", null],
    ["04 93 3b 01000000", null],
    ["04 fb 21 01000000", null],
    ["04 93 fc 10 01000000", null],
    ["04 93 78 01000000", null],
    ["04 93 3a 01000000", 1_000],
    ["04 93 00 01000000", 1_000],
    ["04 93 80 3a 01000000", 1_000],
    ["04 96 70 01000000", 1],
    ["04 13 01000000", 1_000],
    ["04 10 01000000", 1],
    // the uncorrected one, wherever it stands
    ["04 13 05000000 04 93 3a 01000000", 1_000],
    // half a millilitre, and more than a safe integer holds
    ["04 93 70 01000000", null],
    ["07 16 ffffffffffffff7f", null],
  ])("%s is a register of %s ml", (records, ml) => {
    expect(first(records)?.volume?.ml ?? null).toBe(ml);
  });

  test("by base conditions: the marked one, or the unmarked beside an uncorrected", () => {
    const base = { volumeAt: "base" } as const;
    expect(first("04 93 3e 01000000", base)?.volume?.ml).toBe(1_000);
    expect(first("04 13 05000000 04 93 3a 01000000", base)?.volume?.ml).toBe(5_000);
    expect(first("04 13 05000000", base)?.volume).toBeNull();
  });

  test("a clock counts only with its zone", () => {
    const records = "04 13 05000000 04 6d 1a0ecd13 44 13 04000000 44 6d 1a0ecc13";
    expect(first(records)?.measuredAtMs).toBeNull();
    expect(mbusProtocol.decode(frameOf(records))).toMatchObject({ value: { readings: [{}] } });
    const known = mbusProtocol.decode(frameOf(records), utc);
    expect(known).toMatchObject({
      value: {
        readings: [
          { measuredAtMs: Date.UTC(2014, 2, 13, 14, 26), volume: { ml: 5_000 } },
          { measuredAtMs: Date.UTC(2014, 2, 12, 14, 26), volume: { ml: 4_000 }, status: null },
        ],
      },
    });
  });

  test("a stored register with a date but no time is no reading", () => {
    const result = mbusProtocol.decode(frameOf("44 13 04000000 42 6c bf1c"), utc);
    expect(result).toMatchObject({ value: { readings: [{ volume: null, status: 0 }] } });
  });

  test("flow in any unit of time, rounded; a signal level", () => {
    expect(first("01 3b 05")?.flowMlPerHour).toBe(5_000);
    expect(first("01 41 05")?.flowMlPerHour).toBe(300);
    expect(first("01 4b 05")?.flowMlPerHour).toBe(18_000);
    expect(first("05 3e 0000803f")?.flowMlPerHour).toBe(1_000_000);
    expect(first("01 fd 71 a1")?.signalDbm).toBe(-95);
    expect(first("01 13 05 1b 3b 050000")?.flowMlPerHour).toBeNull();
  });
});

describe("other frames", () => {
  test.each([
    ["e5", "unsupported"],
    ["", "truncated"],
    ["1040014116", "unsupported"],
    ["680303680801707916", "unsupported"],
    ["68040468080170057e16", "unsupported"],
    ["680303680801717a16", "wrongLength"],
    ["68040468080171017b16", "unsupported"],
    ["680303680801a0a916", "unsupported"],
    ["6802026808010916", "wrongLength"],
    ["680304680801707916", "wrongLength"],
    ["690303680801707916", "unexpectedValue"],
    ["680303680801707816", "checksumMismatch"],
    ["680303680801707917", "unexpectedValue"],
  ])("%s is refused: %s", (hex, kind) => {
    expect(mbusProtocol.decode(bytesOfHex(hex))).toMatchObject({ ok: false, fault: { kind } });
  });

  test("a readout has an end", () => {
    const frame = frameOf("01 13 05");
    const many = Uint8Array.from(Array.from({ length: 400 }, () => [...frame]).flat());
    expect(mbusProtocol.decode(many.subarray(0, frame.length * 300)).ok).toBe(true);
    expect(mbusProtocol.decode(many)).toMatchObject({ fault: { kind: "tooLarge" } });
  });

  test("telegrams of two meters are not one readout", () => {
    const one = frameOf("01 13 05");
    const other = one.slice();
    other[7] = 0x79;
    other[other.length - 2] = ((other.at(-2) ?? 0) + 1) & 0xff;
    const joined = Uint8Array.from([...one, ...other]);
    expect(mbusProtocol.decode(other).ok).toBe(true);
    expect(mbusProtocol.decode(joined)).toMatchObject({ fault: { kind: "unsupported" } });
  });

  test("modes that are not read are named; a word that is no mode is none", () => {
    const frame = (configuration: number) => {
      const bytes = frameOf("01 13 05").slice();
      bytes[18] = configuration;
      bytes[bytes.length - 2] = ((bytes.at(-2) ?? 0) + configuration) & 0xff;
      return bytes;
    };
    expect(mbusProtocol.decode(frame(0x0d))).toMatchObject({
      fault: { kind: "unsupported", what: "security mode 13" },
    });
    expect(mbusProtocol.decode(frame(0xb6)).ok).toBe(true);
  });
});

describe("requests", () => {
  const meter = { identification: "12345678", manufacturer: 0x1593, version: 0x33, medium: 0x03 };

  test.each([
    ["SND_NKE", encodeInitialise(1), "1040014116", { kind: "initialise", address: 1 }],
    [
      "REQ_UD2",
      encodeDataRequest(0xfd, true),
      "107bfd7816",
      { kind: "askForData", address: 253, hasCountBit: true },
    ],
    [
      "REQ_UD1",
      encodeAlarmRequest(1, false),
      "105a015b16",
      { kind: "askForAlarm", address: 1, hasCountBit: false },
    ],
    [
      "select",
      encodeSelection(meter),
      "680b0b6853fd5278563412931533039416",
      { kind: "select", meter, fabricationNumber: null },
    ],
    [
      "select among namesakes",
      encodeSelection(meter, "00112233"),
      "6811116853fd5278563412931533030c78332211007e16",
      { kind: "select", meter, fabricationNumber: "00112233" },
    ],
    [
      "search",
      encodeSelection(anyMeter),
      "680b0b6853fd52ffffffffffffffff9a16",
      { kind: "select", meter: anyMeter, fabricationNumber: null },
    ],
    [
      "reset",
      encodeApplicationReset(1),
      "68030368530150a416",
      { kind: "reset", address: 1, code: null },
    ],
    [
      "reset to instantaneous values",
      encodeApplicationReset(1, 0x50),
      "6804046853015050f416",
      { kind: "reset", address: 1, code: 0x50 },
    ],
  ] as const)("%s", (_, frame, hex, request) => {
    expect(hexOf(frame)).toBe(hex);
    expect(decodeMbusRequest(frame)).toEqual({ ok: true, value: request });
    expect(mbusProtocol.decode(frame)).toMatchObject({ fault: { kind: "unsupported" } });
  });

  test("answers of meters are no requests", () => {
    expect(decodeMbusRequest(frameOf("01 13 05"))).toMatchObject({
      fault: { kind: "unsupported" },
    });
    expect(decodeMbusRequest(bytesOfHex("e5"))).toMatchObject({ fault: { kind: "unsupported" } });
  });

  test("no order has a frame", () => {
    expect(mbusProtocol.encodeCommand()).toMatchObject({ fault: { kind: "unsupported" } });
  });
});

test.prop([
  fc.record({
    count: fc.nat(999_999_999_999),
    exponent: fc.integer({ min: -6, max: 1 }),
    minutes: fc.integer({ min: Date.UTC(2000, 0) / 60_000, max: Date.UTC(2080, 0) / 60_000 }),
    flowMlPerHour: fc.integer({ min: -25_000_000, max: 25_000_000 }),
    offsetHours: fc.integer({ min: -3, max: 12 }),
    isLow: fc.boolean(),
  }),
])("what a simulated meter sends comes back as it was", (values) => {
  const { count, exponent, minutes, flowMlPerHour, offsetHours, isLow } = values;
  const ml = count * 10 ** (exponent + 6);
  fc.pre(Number.isSafeInteger(ml));
  const clockOffsetMs = offsetHours * 3_600_000;
  const reading = {
    ...emptyReading,
    measuredAtMs: timestampMs(minutes * 60_000),
    volume: { ml: volumeMl(ml), count, exponent },
    flowMlPerHour,
    status: isLow ? statusBits.battery_low : 0,
  };
  const address = { identification: "12345678", manufacturer: 0x1593, version: 1, medium: 3 };
  const frame = encodeMbusUplink({ address, accessNumber: 7, clockOffsetMs }, reading);
  expect(mbusProtocol.decode(frame, { clockOffsetMs })).toEqual({
    ok: true,
    value: { address: "ELS-12345678-01-03", frameId: null, readings: [reading], replies: [] },
  });
});

test.prop([fc.stringMatching(/^[A-Z]{3}$/)])("a maker's letters come back", (name) => {
  expect(manufacturerName(manufacturerCode(name))).toBe(name);
});

test("the status byte in words", () => {
  expect(statusWords(0)).toBe("no error");
  expect(statusWords(0x0c)).toBe("power low, permanent error");
  expect(statusWords(0x33)).toBe("abnormal condition, temporary error, manufacturer's bits 1");
});

test("a telegram keeps what a reading cannot say", () => {
  const telegram = decodeMbusTelegram(frameOf("01 13 05 01 fd 17 03"), {}, null);
  expect(telegram).toMatchObject({
    value: {
      state: { accessNumber: 42 },
      records: [{ quantity: "volume" }, { quantity: "error flags" }],
    },
  });
});
