/** What must hold for any telegram and for any bytes. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { commandId } from "#domain/ids.ts";
import { statusBits, statusNames, hasStatus, urgentStatus } from "#domain/status.ts";
import { emptyReading, valvePositions, type DecodedReading } from "#domain/telegram.ts";
import { timestampMs, volumeFromCount } from "#domain/units.ts";
import { encodeMeteringAnswer, encodeReport } from "#protocols/cjt188/uplink.ts";
import { printDecimal, scaleDecimal, wholeNumber } from "#protocols/codec/decimal.ts";
import { reasonOf } from "#protocols/contract.ts";
import { encodeJsonUplink, jsonProtocol } from "#protocols/json/protocol.ts";
import { encodeProtobufUplink } from "#protocols/protobuf/protocol.ts";
import { protocolByName } from "#protocols/registry.ts";
import { loadCards, utf8 } from "./cards.ts";
import { mulberry32 } from "./cardChecks.ts";

const instants = fc.integer({ min: 0, max: Date.UTC(2105, 11, 31) }).map(timestampMs);
const optional = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: null });
const registers = fc
  .record({
    count: fc.integer({ min: -99_999_999, max: 99_999_999 }),
    exponent: fc.integer({ min: -6, max: 0 }),
  })
  .map(({ count, exponent }) => {
    const ml = volumeFromCount(count, exponent);
    if (ml === undefined) throw new Error("eight digits are always millilitres");
    return { ml, count, exponent };
  });
const measured = {
  flowMlPerHour: optional(fc.integer({ min: -25_000_000, max: 25_000_000 })),
  temperatureCentiC: optional(fc.integer({ min: -4_000, max: 8_000 })),
  pressurePa: optional(fc.integer({ min: 0, max: 400_000 })),
};
const present: fc.Arbitrary<DecodedReading> = fc.record({
  measuredAtMs: optional(instants),
  volume: optional(registers),
  ...measured,
  batteryMv: optional(fc.integer({ min: 0, max: 5_000 })),
  batteryPct: optional(fc.integer({ min: 0, max: 100 })),
  signalDbm: optional(fc.integer({ min: -150, max: 0 })),
  valve: optional(fc.constantFrom(...valvePositions)),
  status: fc.integer({ min: 0, max: 2 ** statusNames.length - 1 }),
});
const old: fc.Arbitrary<DecodedReading> = fc
  .record({ measuredAtMs: instants, volume: registers, ...measured })
  .map((values) => ({ ...emptyReading, ...values }));
const replies = fc.record({
  commandId: fc.stringMatching(/^[0-9A-Za-z_-]{1,64}$/).map(commandId),
  sequence: fc.constant(null),
  result: fc.constantFrom("accepted", "executed", "refused", "failed"),
  reason: optional(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter(isCleanReason),
  ),
  valve: fc.constant(null),
});
const telegrams = fc.record({
  address: fc.constant(null),
  frameId: optional(fc.maxSafeNat()),
  readings: fc
    .tuple(present, fc.array(old, { maxLength: 8 }))
    .map(([first, rest]) => [first, ...rest]),
  replies: fc.array(replies, { maxLength: 1 }),
});

function isCleanReason(text: string): boolean {
  return !text.includes("\0") && text.length <= 256;
}

describe("any telegram comes back as it was", () => {
  test.prop([telegrams])("JSON", (telegram) => {
    const bytes = encodeJsonUplink(telegram);
    expect(jsonProtocol.decode(bytes)).toEqual({ ok: true, value: telegram });
    expect(() => JSON.parse(Buffer.from(bytes).toString())).not.toThrow();
    checkUrgency("json", bytes, telegram.readings);
  });

  test.prop([telegrams])("protobuf", (telegram) => {
    const bytes = encodeProtobufUplink(telegram);
    expect(protocolByName.protobuf.decode(bytes)).toEqual({ ok: true, value: telegram });
    checkUrgency("protobuf", bytes, telegram.readings);
  });

  const gasFlags = [
    "leak",
    "external_alarm",
    "over_flow",
    "micro_flow",
    "magnet",
    "valve_passing",
    "battery_low",
  ] as const;
  const meterReading = fc.record({
    address: fc.stringMatching(/^\d{14}$/),
    sequence: fc.nat(255),
    measuredAtMs: optional(instants.map((atMs) => timestampMs(atMs - (atMs % 1_000)))),
    count: fc.nat(99_999_999),
    exponent: fc.integer({ min: -5, max: 0 }),
    valve: fc.constantFrom("open", "closed", "unknown"),
    flags: fc.subarray([...gasFlags]),
    signalDbm: fc.integer({ min: -150, max: 0 }),
    flowMlPerHour: fc.integer({ min: 0, max: 9_999_999 }),
    temperatureCentiC: optional(fc.nat(9_999)),
    kilopascals: optional(fc.nat(9_999)),
  });

  test.prop([meterReading])(
    "CJ/T 188",
    ({ address, sequence, count, exponent, flags, kilopascals, ...rest }) => {
      const ml = volumeFromCount(count, exponent);
      if (ml === undefined) throw new Error("eight digits are always millilitres");
      const status = flags.reduce((sum, name) => sum | statusBits[name], 0);
      const pressurePa = kilopascals === null ? null : kilopascals * 1_000;
      const full = {
        ...emptyReading,
        ...rest,
        volume: { ml, count, exponent },
        status,
        pressurePa,
      };
      const { measuredAtMs, volume, valve } = full;
      const plain = { ...emptyReading, measuredAtMs, volume, valve, status };
      for (const [bytes, reading] of [
        [encodeReport({ address, sequence }, full), full],
        [encodeMeteringAnswer({ address, sequence }, plain), plain],
      ] as const) {
        const value = { address, frameId: null, readings: [reading], replies: [] };
        expect(protocolByName.cjt188.decode(bytes)).toEqual({ ok: true, value });
        checkUrgency("cjt188", bytes, [reading]);
      }
    },
  );
});

/** The cheap look may say yes wrongly, never no wrongly. */
function checkUrgency(
  name: keyof typeof protocolByName,
  bytes: Uint8Array,
  readings: readonly DecodedReading[],
): void {
  const isUrgent = readings.some(
    ({ status }) => status !== null && hasStatus(status, urgentStatus),
  );
  if (isUrgent) expect(protocolByName[name].mayBeUrgent(bytes)).toBe(true);
}

describe("any bytes", () => {
  test("100,000 random or damaged uplinks of each protocol: a typed answer, nothing thrown, nothing polluted", () => {
    const before = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
    const random = mulberry32(20_261_122);
    const cards = loadCards();
    for (const protocol of Object.values(protocolByName)) {
      const seeds = cards.filter((card) => card.protocol === protocol.name);
      const reasons = new Map<string, number>();
      for (let round = 0; round < 100_000; round += 1) {
        const bytes = damaged(random, seeds[round % seeds.length]?.bytes ?? new Uint8Array());
        const result = protocol.decode(bytes);
        const isUrgent = protocol.mayBeUrgent(bytes);
        const reason = result.ok ? "taken" : reasonOf(result.fault);
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        if (round % 50 === 0) protocol.explain(bytes);
        if (result.ok && !isUrgent)
          checkNotUrgent(result.value.readings, result.value.replies.length);
      }
      expect(reasons.size).toBeGreaterThan(1);
    }
    expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(before);
  }, 180_000);

  function checkNotUrgent(readings: readonly DecodedReading[], replyCount: number): void {
    if (replyCount > 0) throw new Error("an answer was not seen as urgent");
    for (const { status } of readings) {
      if (status !== null && hasStatus(status, urgentStatus))
        throw new Error("urgent was not seen");
    }
  }

  /** A third is noise, a third a card with some bytes changed, a third a card cut and joined. */
  function damaged(random: () => number, seed: Uint8Array): Uint8Array {
    const pick = (below: number) => Math.floor(random() * below);
    const way = pick(3);
    if (way === 0) return Uint8Array.from({ length: pick(300) }, () => pick(256));
    const bytes = seed.slice();
    if (way === 2)
      return Uint8Array.from([
        ...bytes.subarray(0, pick(bytes.length)),
        ...bytes.subarray(pick(bytes.length)),
      ]);
    for (let change = 0; change <= pick(3); change += 1) bytes[pick(bytes.length)] = pick(256);
    return bytes;
  }
});

describe("our JSON is JSON", () => {
  const values = fc.json({ maxDepth: 3 });

  test.prop([values])("whatever we take, JSON.parse takes too", (json) => {
    for (const text of [
      json,
      `{"v":1,"volumeM3":${json}}`,
      `{"v":1,"status":["leak"],"reply":${json}}`,
    ]) {
      const result = jsonProtocol.decode(utf8(text));
      if (result.ok) expect(JSON.parse(text)).toMatchObject({ v: 1 });
    }
  });

  const spaces = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

  test.prop([fc.double({ min: -1e6, max: 1e6, noNaN: true }), spaces])(
    "numbers mean the same",
    (double, space) => {
      const json = `${space}{${space}"v"${space}:${space}1,"flowM3h"${space}:${double.toFixed(3)}${space}}${space}`;
      const result = jsonProtocol.decode(utf8(json));
      const flow = result.ok ? result.value.readings[0]?.flowMlPerHour : undefined;
      expect(flow).toBe(Math.round(Number(double.toFixed(3)) * 1e6) + 0);
    },
  );

  test.prop([fc.string({ unit: "binary", minLength: 1, maxLength: 60 })])(
    "text means the same",
    (reason) => {
      const text = JSON.stringify({ v: 1, reply: { commandId: "c", result: "failed", reason } });
      const result = jsonProtocol.decode(utf8(text));
      if (reason.includes("\0") || !reason.isWellFormed()) expect(result.ok).toBe(false);
      else expect(result.ok && result.value.replies[0]?.reason).toBe(reason);
    },
  );
});

test.prop([fc.maxSafeInteger(), fc.integer({ min: -9, max: 0 })])(
  "a printed decimal is exact",
  (count, exponent) => {
    const text = printDecimal({ count, exponent });
    const [whole = "", fraction = ""] = text.split(".");
    expect(fraction.length).toBe(Math.abs(exponent));
    expect(BigInt(whole + fraction)).toBe(BigInt(count));
    const isWhole = count % 10 ** -exponent === 0;
    expect(wholeNumber({ count, exponent })).toBe(
      isWhole ? scaleDecimal({ count, exponent }, 0) : undefined,
    );
  },
);
