/** CJ/T 188: the closing order to the byte, what is refused, and frames of simulated meters. */
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { statusBits } from "#domain/status.ts";
import { emptyReading, valvePositions } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { decodeFrame, encodeFrame } from "#protocols/cjt188/frame.ts";
import { valveRequest } from "#protocols/cjt188/layouts.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { decodeCjt188Request } from "#protocols/cjt188/requests.ts";
import { gasDefault, nbIot, statusBytesOf, statusOf } from "#protocols/cjt188/status.ts";
import {
  encodeCjt188Uplink,
  encodeMeteringAnswer,
  encodeReport,
  encodeValveAnswer,
} from "#protocols/cjt188/uplink.ts";
import { reasonOf } from "#protocols/contract.ts";
import { bytesOfHex, loadCard } from "./cards.ts";

const address = "51510000000042";
const order = {
  commandId: commandId("c-1"),
  action: "close",
  sequence: 42,
  issuedAtMs: timestampMs(0),
  expiresAtMs: timestampMs(1),
  frameAddress: address,
} as const;

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

describe("the closing order", () => {
  test("is 04 A017 SER 99 to the printed address, low byte first", () => {
    const bytes = cjt188Protocol.encodeCommand(order);
    // 68+30+42+51+51+04+04+A0+17+2A+99 = 2FE
    const wanted = "6830420000000051510404a0172a99fe16";
    expect(bytes.ok && Buffer.from(bytes.value).toString("hex")).toBe(wanted);
    expect(bytes.ok && decodeCjt188Request(bytes.value)).toEqual({
      ok: true,
      value: {
        kind: "valve",
        meterType: 0x30,
        address,
        control: 4,
        diWire: "a017",
        sequence: 42,
        operation: "close",
      },
    });
  });

  test.each([null, "", "5151000000004", "AAAAAAAAAAAAAA", "515100000000421"])(
    "goes nowhere without 14 digits: %s",
    (frameAddress) => {
      const fault = { kind: "noFrameAddress" };
      expect(cjt188Protocol.encodeCommand({ ...order, frameAddress })).toEqual({
        ok: false,
        fault,
      });
    },
  );

  test("is the only operation that an order can become", () => {
    for (let sequence = 0; sequence < 256; sequence += 1) {
      const bytes = cjt188Protocol.encodeCommand({ ...order, sequence });
      expect(bytes.ok && bytes.value[14]).toBe(0x99);
    }
  });
});

test.each([
  [0x55, "open"],
  [0x99, "close"],
  [0x66, "open, not forced"],
  [0x77, "close, not forced"],
  [0x00, "read position"],
] as const)("operation %i is read as %s and written back", (code, operation) => {
  const data = bytesOfHex(`17a0ff${code.toString(16).padStart(2, "0")}`);
  const frame = encodeFrame({ meterType: 0x20, address, control: 0x2a }, data, 3);
  const request = decodeCjt188Request(frame);
  expect(request).toMatchObject({ ok: true, value: { kind: "valve", diWire: "17a0", operation } });
  expect(valveRequest.encode({ diWire: "17a0", sequence: 255, operation })).toEqual(data);
});

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
    ["UNSUPPORTED", "another DI", altered("cjt188/gasLeak", { 11: 0xd1, 12: 0x20 })],
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

  test("an answer of a heat meter, whose 901F is longer", () => {
    const data = bytesOfHex(`901f00${"00".repeat(43)}`);
    expect(reason(encodeFrame({ meterType: 0x20, address, control: 0x81 }, data))).toBe(
      "UNSUPPORTED",
    );
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

describe("status", () => {
  test("every position and flag of a gas meter comes back", () => {
    for (const valve of valvePositions) {
      for (let second = 0; second < 64; second += 1) {
        const { flags } = statusOf(gasDefault, 4, second);
        const [first = 0, back = 0] = statusBytesOf(gasDefault, { valve, flags });
        expect(back).toBe(second);
        const wanted = valve === "moving" ? "unknown" : valve;
        expect(statusOf(gasDefault, first, back).valve).toBe(wanted);
      }
    }
  });

  test("value 10 is unknown, and an unused second byte says nothing", () => {
    expect(statusOf(gasDefault, 2, 0xff)).toEqual({ valve: "unknown", flags: 0 });
    expect(statusOf(nbIot, 3, 0x02)).toEqual({ valve: "fault", flags: statusBits.valve_fault });
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

test("a quiet reading is not urgent; a water meter's vendor byte is no leak", () => {
  expect(cjt188Protocol.mayBeUrgent(loadCard("cjt188/gasClosedLitres").bytes)).toBe(false);
  expect(cjt188Protocol.mayBeUrgent(loadCard("cjt188/waterVendorByte").bytes)).toBe(false);
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
