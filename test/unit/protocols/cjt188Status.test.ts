/** Status bytes by maps that are data: a leak is found where the model has it, and nothing is open by chance. */
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import type { StatusMap } from "#domain/meterFile.ts";
import { statusBits, statusNames } from "#domain/status.ts";
import { valvePositions } from "#domain/telegram.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { statusBytesOf, statusMaps, statusOf } from "#protocols/cjt188/status.ts";
import { readStatus, writeStatus } from "#protocols/codec/statusMap.ts";
import { loadCard } from "./cards.ts";

const { gasDefault, nbIot, closedBit, movingBit, highBits } = statusMaps;

describe("the valve", () => {
  // D1 D0, or D7 D6: 00, 01, 10, 11
  test.each([
    ["the standard", gasDefault, 0, ["open", "closed", "unknown", "fault"]],
    ["D0 closed, D1 abnormal", closedBit, 0, ["open", "closed", "fault", "fault"]],
    ["10 closed, 01 moving", movingBit, 0, ["open", "moving", "closed", "fault"]],
    ["mask C0", highBits, 6, ["open", "closed", "unknown", "fault"]],
  ] as const)("%s", (_, map, shift, wanted) => {
    const told = [0, 1, 2, 3].map((value) => statusOf(map, value << shift, 0).valve);
    expect(told).toEqual(wanted);
  });

  test("battery low is D5 where the valve is in D7 D6, and D2 elsewhere", () => {
    expect(statusOf(highBits, 0x24, 0)).toEqual({ valve: "open", flags: statusBits.battery_low });
    expect(statusOf(highBits, 0x04, 0).flags).toBe(0);
    expect(statusOf(movingBit, 0x04, 0).flags).toBe(statusBits.battery_low);
  });

  test("every map: a value that is not listed is unknown, and a fault of the valve is a status", () => {
    for (const map of Object.values(statusMaps)) {
      for (let first = 0; first < 256; first += 1) {
        const { valve, flags } = statusOf(map, first, 0);
        const { mask = 0, positions = {} } = map.valve ?? {};
        const value = String(first & mask);
        const listed = Object.entries(positions).find(([key]) => key === value);
        expect(valve).toBe(listed?.[1] ?? "unknown");
        expect((flags & statusBits.valve_fault) !== 0).toBe(valve === "fault");
      }
    }
  });

  test("a map without a valve says nothing of one", () => {
    expect(readStatus({ valve: null, bits: [] }, [3, 255])).toEqual({ valve: null, flags: 0 });
  });
});

test("an unused ST1 says nothing, whatever the map has there", () => {
  expect(statusOf(gasDefault, 2, 0xff)).toEqual({ valve: "unknown", flags: 0 });
  expect(statusOf(nbIot, 3, 0x02)).toEqual({ valve: "fault", flags: statusBits.valve_fault });
  const second: StatusMap = { valve: { byte: 1, mask: 1, positions: { 0: "open" } }, bits: [] };
  expect(statusOf(second, 0, 0xff).valve).toBe("unknown");
  expect(statusOf(second, 0, 0x02).valve).toBe("open");
});

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

/** Any map that a profile could bring. */
const anyMap: fc.Arbitrary<StatusMap> = fc.record({
  valve: fc.option(
    fc.record({
      byte: fc.nat(1),
      mask: fc.integer({ min: 1, max: 255 }),
      positions: fc.dictionary(fc.nat(255).map(String), fc.constantFrom(...valvePositions)),
    }),
    { nil: null },
  ),
  bits: fc.array(
    fc.record({ byte: fc.nat(1), bit: fc.nat(7), status: fc.constantFrom(...statusNames) }),
  ),
});

propertyTest.prop([anyMap, fc.nat(255), fc.nat(255)])(
  "no map makes more than it lists out of two bytes",
  (map, first, second) => {
    const { valve, flags } = readStatus(map, [first, second]);
    const positions: readonly unknown[] = Object.values(map.valve?.positions ?? {});
    expect(valve === null || valve === "unknown" || positions.includes(valve)).toBe(true);
    const bytes = writeStatus(map, { valve, flags }, 2);
    expect(bytes.every((byte) => byte >= 0 && byte <= 255)).toBe(true);
  },
);

describe("the map of the file", () => {
  /** ST of this card is 04 01: by default battery low and leak. */
  const { bytes } = loadCard("cjt188/gasLeak");
  const statusOfCard = (statusMap: StatusMap | undefined) => {
    const decoded = cjt188Protocol.decode(bytes, { statusMap });
    return decoded.ok ? decoded.value.readings[0] : undefined;
  };

  test("is taken in place of the default", () => {
    const map: StatusMap = {
      valve: { byte: 0, mask: 0x0c, positions: { 4: "closed" } },
      bits: [{ byte: 1, bit: 0, status: "tilt" }],
    };
    expect(statusOfCard(undefined)).toMatchObject({ valve: "open", status: 0x201 });
    expect(statusOfCard(map)).toMatchObject({ valve: "closed", status: statusBits.tilt });
    const { fields } = cjt188Protocol.explain(bytes, { statusMap: map });
    const told = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    expect(told).toMatchObject({ valve: "closed", flags: "tilt" });
  });

  test("gives a leak to a meter that says it is a water meter", () => {
    const water = loadCard("cjt188/waterVendorByte").bytes;
    const map: StatusMap = { valve: null, bits: [{ byte: 0, bit: 1, status: "leak" }] };
    const decoded = cjt188Protocol.decode(water, { statusMap: map });
    expect(decoded).toMatchObject({ value: { readings: [{ valve: null, status: 1 }] } });
    expect(cjt188Protocol.mayBeUrgent(water, { statusMap: map })).toBe(true);
    expect(cjt188Protocol.mayBeUrgent(water, {})).toBe(false);
  });

  test("is heard of a frame that cannot be used", () => {
    const broken = bytes.with(15, 0xfa);
    broken[broken.length - 2] = broken.subarray(0, -2).reduce((sum, byte) => (sum + byte) & 255, 0);
    const map: StatusMap = { valve: null, bits: [{ byte: 0, bit: 2, status: "leak" }] };
    expect(cjt188Protocol.decode(broken, { statusMap: map })).toMatchObject({
      fault: { kind: "notBcd", heard: { status: 1, valve: null } },
    });
  });
});

describe("the cheap look", () => {
  test("without a file any bit may be the leak; with one only what is urgent is", () => {
    const closed = loadCard("cjt188/gasClosedLitres").bytes;
    expect(cjt188Protocol.mayBeUrgent(closed)).toBe(true);
    expect(cjt188Protocol.mayBeUrgent(closed, {})).toBe(false);
    expect(cjt188Protocol.mayBeUrgent(loadCard("cjt188/timedFreeze").bytes)).toBe(false);
    expect(cjt188Protocol.mayBeUrgent(loadCard("cjt188/purchase").bytes)).toBe(true);
  });

  test("an open valve and a good battery are not urgent", () => {
    const quiet = loadCard("cjt188/gasLeak").bytes.slice();
    quiet.fill(0, 31, 33);
    expect(cjt188Protocol.mayBeUrgent(quiet)).toBe(false);
    quiet[32] = 0xff;
    expect(cjt188Protocol.mayBeUrgent(quiet)).toBe(false);
    quiet[32] = 0x80;
    expect(cjt188Protocol.mayBeUrgent(quiet)).toBe(true);
  });

  propertyTest.prop([anyMap, fc.nat(255), fc.nat(255)])(
    "never says no wrongly, whatever the map",
    (statusMap, first, second) => {
      const bytes = loadCard("cjt188/gasLeak").bytes.with(31, first).with(32, second);
      bytes[33] = bytes.subarray(0, -2).reduce((sum, byte) => (sum + byte) & 255, 0);
      const decoded = cjt188Protocol.decode(bytes, { statusMap });
      const status = decoded.ok ? (decoded.value.readings[0]?.status ?? 0) : 0;
      const isLeak = (status & statusBits.leak) !== 0;
      if (!isLeak) return;
      expect(cjt188Protocol.mayBeUrgent(bytes)).toBe(true);
      expect(cjt188Protocol.mayBeUrgent(bytes, { statusMap })).toBe(true);
    },
  );
});
