/** CJ/T 188: whatever a meter's registers hold, and in whichever order it writes DI, it is read as it was. */
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { emptyReading } from "#domain/telegram.ts";
import { timestampMs, volumeFromCount } from "#domain/units.ts";
import { encodeFrame, startOf } from "#protocols/cjt188/frame.ts";
import { freeze, meteringShort, valveAnswer } from "#protocols/cjt188/layouts.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { sum8 } from "#protocols/codec/layout.ts";
import { cardsIn } from "./cardChecks.ts";

const address = "51510000000042";
const gas = 0x30;

/** Refusals without DI; a swap of their SER and ST would be another frame. */
const withoutDi = ["valveRefused.json", "refusedBare.json", "refusedVendor.json"];
const cards = cardsIn("cjt188").filter(({ file }) => !withoutDi.includes(file));

test.each(cards.map((card) => [card.file, card] as const))(
  "%s with DI the other way round",
  (_, card) => {
    const diAt = startOf(card.bytes) + 11;
    const [first = 0, second = 0] = card.bytes.subarray(diAt, diAt + 2);
    // The sum does not see a swap.
    const swapped = card.bytes.with(diAt, second).with(diAt + 1, first);
    expect(cjt188Protocol.decode(swapped)).toEqual({ ok: true, value: card.expect });
    const { fields } = cjt188Protocol.explain(swapped);
    const told = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    const back = cjt188Protocol.explain(card.bytes).fields;
    expect(told["identifier"]).toBe(back.find(({ name }) => name === "identifier")?.value);
    expect(told["identifier"]).not.toBe("not in the tables");
  },
);

const clocks = fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => timestampMs(s * 1_000));
const counts = fc.nat(99_999_999);
const volumeUnits = fc.constantFrom(
  [0x29, -5],
  [0x2a, -4],
  [0x2b, -3],
  [0x2c, -2],
  [0x2d, -1],
  [0x2e, 0],
) as fc.Arbitrary<readonly [number, number]>;
const flowUnits = fc.constantFrom(
  [0x32, -7],
  [0x33, -6],
  [0x34, -5],
  [0x35, -4],
  [0x36, -3],
  [0x37, -2],
) as fc.Arbitrary<readonly [number, number]>;
const diOfFreezes = fc
  .tuple(fc.constantFrom("d3", "d4"), fc.nat(255), fc.boolean())
  .map(([high, low, isSwapped]) => {
    const last = low.toString(16).padStart(2, "0");
    return isSwapped ? last + high : high + last;
  });

describe("registers", () => {
  propertyTest.prop([diOfFreezes, clocks, counts, volumeUnits, counts, flowUnits, fc.nat(999_999)])(
    "a freeze is a reading of its own time, exact",
    (diWire, frozenAt, count, [unit, exponent], flowCount, [flowUnit, flowExponent], degrees) => {
      const data = freeze.encode({
        diWire,
        sequence: 1,
        frozenAt,
        current: { count, unit },
        flow: { count: flowCount, unit: flowUnit },
        temperature: degrees,
        pressure: null,
      });
      const bytes = encodeFrame({ meterType: gas, address, control: 0x81 }, data, 2);
      const ml = volumeFromCount(count, exponent);
      const reading = {
        ...emptyReading,
        measuredAtMs: frozenAt,
        volume: { ml, count, exponent },
        flowMlPerHour: Math.round(flowCount * 10 ** (flowExponent + 6)),
        temperatureCentiC: degrees,
      };
      const value = { address, frameId: null, readings: [reading], replies: [] };
      expect(cjt188Protocol.decode(bytes)).toEqual({ ok: true, value });
    },
  );

  propertyTest.prop([counts, fc.nat(255)])(
    "the short frame counts in 0.01 m³",
    (count, sequence) => {
      const values = { diWire: "1f90", sequence, current: count, status: [0, 0xff] };
      const head = { meterType: gas, address, control: 0x81 };
      const bytes = encodeFrame(head, meteringShort.encode(values));
      const volume = { ml: volumeFromCount(count, -2), count, exponent: -2 };
      expect(cjt188Protocol.decode(bytes)).toMatchObject({
        ok: true,
        value: { readings: [{ volume, valve: "open", status: 0 }] },
      });
    },
  );

  propertyTest.prop([fc.uint8Array({ minLength: 4, maxLength: 4 })])(
    "digits that are none are never a register",
    (digits) => {
      const values = { diWire: "901f", sequence: 0, current: 0, status: [0, 0] };
      const data = meteringShort.encode(values);
      data.set(digits, 3);
      const decoded = cjt188Protocol.decode(
        encodeFrame({ meterType: gas, address, control: 0x81 }, data),
      );
      const text = Buffer.from(digits.toReversed()).toString("hex");
      const count = /^\d{8}$/.test(text) ? Number(text) : undefined;
      const told = decoded.ok ? decoded.value.readings[0]?.volume?.count : undefined;
      expect(told).toBe(count);
      if (!decoded.ok)
        expect(decoded.fault).toMatchObject({ kind: "notBcd", heard: { status: 0 } });
    },
  );
});

propertyTest.prop([
  fc.constantFrom(0x84, 0xa4, 0xaa, 0xc4, 0xe4, 0xea),
  fc.nat(255),
  fc.nat(255),
  fc.nat(255),
])("an answer to a close of any dialect keeps its SER", (control, sequence, first, second) => {
  const data = valveAnswer.encode({ diWire: "17a0", sequence, status: [first, second] });
  const bytes = encodeFrame({ meterType: 0x55, address, control }, data);
  const result = (control & 0x40) === 0 ? "accepted" : "refused";
  const positions = ["open", "closed", "unknown", "fault"];
  expect(cjt188Protocol.decode(bytes)).toMatchObject({
    ok: true,
    value: { replies: [{ sequence, result, valve: positions[first & 3] }] },
  });
  expect(cjt188Protocol.mayBeUrgent(bytes)).toBe(true);
});

propertyTest.prop([
  fc.constantFrom(...cardsIn("cjt188")),
  fc.nat(),
  fc.integer({ min: 1, max: 255 }),
])("any one byte that is not what it was: refused, or the same", (card, place, change) => {
  const at = place % card.bytes.length;
  const damaged = card.bytes.with(at, (card.bytes[at] ?? 0) ^ change);
  const decoded = cjt188Protocol.decode(damaged);
  if (decoded.ok) expect(decoded.value).toEqual(card.expect);
  expect(sum8(card.bytes, startOf(card.bytes), card.bytes.length - 2)).toBe(card.bytes.at(-2));
});
