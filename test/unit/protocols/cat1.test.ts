/** CAT-1: reports, answers, the closing order, and the answer that lets a meter sleep. */
import { fc, test as propertyTest } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import type { StatusMap } from "#domain/meterFile.ts";
import { emptyReading } from "#domain/telegram.ts";
import { timestampMs } from "#domain/units.ts";
import { decodeFrame, encodeFrame } from "#protocols/cat1/frame.ts";
import { powerFlags, valveRequest } from "#protocols/cat1/layouts.ts";
import { cat1Protocol } from "#protocols/cat1/protocol.ts";
import {
  decodeCat1Request,
  encodeCat1Clock,
  encodeCat1Read,
  encodeCat1ReportAnswer,
} from "#protocols/cat1/requests.ts";
import { encodeCat1Uplink } from "#protocols/cat1/uplink.ts";
import { greeting } from "#protocols/codec/frameStream.ts";
import { familyOf } from "#protocols/codec/startsWith68.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { cardsIn, checkCards, fuzz, takeBy } from "./cardChecks.ts";
import { bytesOfHex } from "./cards.ts";

const cards = cardsIn("cat1");
checkCards(cards, () => cat1Protocol, true);

const address = "51510000000042";
const order = {
  commandId: commandId("c1"),
  action: "close",
  sequence: 7,
  issuedAtMs: timestampMs(1_795_000_000_000),
  expiresAtMs: timestampMs(1_795_000_600_000),
  frameAddress: address,
} as const;

function bytesOf(file: string): Uint8Array {
  return cards.find((card) => card.file === `${file}.json`)?.bytes ?? new Uint8Array();
}

describe("closing", () => {
  test("the order is the document's frame: AA05, 99, forced, in twelve bytes", () => {
    const frame = "6830420000000051510304000700000caa05995a00000000000000003816";
    expect(cat1Protocol.encodeCommand(order)).toEqual({ ok: true, value: bytesOfHex(frame) });
  });

  test("a meter reads it as it was meant", () => {
    const encoded = cat1Protocol.encodeCommand(order);
    expect(encoded.ok && decodeCat1Request(encoded.value)).toMatchObject({
      ok: true,
      value: { kind: "valve", address, instruction: 7, operation: "close", permission: 0x5a },
    });
  });

  test("sequence 0 has a number of its own, for 0 means: no order", () => {
    const encoded = cat1Protocol.encodeCommand({ ...order, sequence: 0 });
    const read = encoded.ok ? decodeCat1Request(encoded.value) : encoded;
    expect(read).toMatchObject({ ok: true, value: { instruction: 256 } });
  });

  test("not forced where the profile says that the model refuses 5A; T as it says", () => {
    const file = { valveDialect: "nonForced", meterType: 0x10 } as const;
    const frame = "6810420000000051510304000700000caa0599000000000000000000be16";
    expect(cat1Protocol.encodeCommand(order, file)).toEqual({ ok: true, value: bytesOfHex(frame) });
  });

  test("whatever the profile, the operation is 99", () => {
    for (const valveDialect of ["standard", "control2a", "nonForced", "twoByte"] as const) {
      const encoded = cat1Protocol.encodeCommand(order, { valveDialect });
      expect(encoded.ok && encoded.value[18]).toBe(0x99);
    }
  });

  test.each([null, "", "5151000000004", "A1510000000042", "AAAAAAAAAAAAAA"])(
    "no order to the address %s",
    (frameAddress) => {
      const result = cat1Protocol.encodeCommand({ ...order, frameAddress });
      expect(result).toEqual({ ok: false, fault: { kind: "noFrameAddress" } });
    },
  );

  test("an opening of another system can be read, and is no uplink", () => {
    const head = { meterType: 0x10, address, control: 0x04, instruction: 1, reportingType: 0 };
    const values = { identifier: "aa05", operation: "open", permission: 0, spare: "00".repeat(8) };
    const bytes = encodeFrame(head, valveRequest.encode({ ...values, operation: "open" }));
    expect(decodeCat1Request(bytes)).toMatchObject({ ok: true, value: { operation: "open" } });
    expect(cat1Protocol.decode(bytes)).toMatchObject({ ok: false, fault: { kind: "unsupported" } });
  });
});

describe("other orders", () => {
  const to = { frameAddress: address, sequence: 7 };
  // 2026-11-22T08:00:05+08:00; 68+30+E4+03+04+07+11 = 19B, +AA+5A = 29F, +26+11+22+08+05 = 305
  const clock = timestampMs(Date.UTC(2026, 10, 22, 0, 0, 5));

  test("AA00 sets the clock to local time", () => {
    const frame = "68304200000000515103040007000011aa005a26112208000500000000000000000516";
    const encoded = encodeCat1Clock({ ...to, clock });
    expect(encoded).toEqual({ ok: true, value: bytesOfHex(frame) });
    expect(encoded.ok && decodeCat1Request(encoded.value)).toMatchObject({
      ok: true,
      value: { kind: "clock", instruction: 7, permission: 0x5a, clock },
    });
  });

  test("A901 reads the settings", () => {
    // 68+30+E4+03+01+07+0A = 191, +A9+01 = 23B
    const frame = "6830420000000051510301000700000aa90100000000000000003b16";
    const encoded = encodeCat1Read(to);
    expect(encoded).toEqual({ ok: true, value: bytesOfHex(frame) });
    expect(encoded.ok && decodeCat1Request(encoded.value)).toMatchObject({
      ok: true,
      value: { kind: "read", identifier: "a901", instruction: 7 },
    });
  });

  test("none goes anywhere without 14 digits", () => {
    const nobody = { frameAddress: "AAAAAAAAAAAAAA", sequence: 1 };
    const fault = { kind: "noFrameAddress" };
    expect(encodeCat1Clock({ ...nobody, clock })).toEqual({ ok: false, fault });
    expect(encodeCat1Read(nobody)).toEqual({ ok: false, fault });
  });

  propertyTest.prop([fc.stringMatching(/^\d{14}$/), fc.nat(255), fc.nat(4_000_000_000)])(
    "any of them comes back as it was sent, and is no uplink",
    (frameAddress, sequence, seconds) => {
      const at = timestampMs(946_684_800_000 + (seconds % 3_000_000_000) * 1_000);
      const orders = [
        cat1Protocol.encodeCommand({ ...order, frameAddress, sequence }),
        encodeCat1Clock({ frameAddress, sequence, clock: at }),
        encodeCat1Read({ frameAddress, sequence }),
      ];
      const kinds = ["valve", "clock", "read"];
      for (const [index, encoded] of orders.entries()) {
        const bytes = encoded.ok ? encoded.value : new Uint8Array();
        const instruction = sequence === 0 ? 256 : sequence;
        const value = { kind: kinds[index], address: frameAddress, instruction };
        expect(decodeCat1Request(bytes)).toMatchObject({ ok: true, value });
        expect(cat1Protocol.decode(bytes).ok).toBe(false);
        expect(familyOf(bytes)).toBe("cat1");
      }
    },
  );

  test("orders of other systems are told by their name", () => {
    const head = { meterType: 0x10, address, control: 0x04, instruction: 1, reportingType: 0 };
    const { fields, fault } = cat1Protocol.explain(encodeFrame(head, bytesOfHex("aa07000102")));
    expect(fault).toMatchObject({ kind: "unsupported" });
    const told = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
    expect(told).toMatchObject({ identifier: "AA07 meter type", spare: "000102" });
  });
});

describe("the map of the file", () => {
  const bytes = bytesOf("undefined");

  test("says what the bits of the word are, the second byte too", () => {
    // the word is 4002
    const statusMap: StatusMap = {
      valve: { byte: 0, mask: 0b11, positions: { 2: "moving" } },
      bits: [{ byte: 1, bit: 6, status: "leak" }],
    };
    const told = cat1Protocol.decode(bytes, { statusMap });
    expect(told).toMatchObject({ value: { readings: [{ valve: "moving", status: 1 }] } });
    expect(cat1Protocol.mayBeUrgent(bytes, { statusMap })).toBe(true);
    expect(cat1Protocol.mayBeUrgent(bytes, {})).toBe(false);
    expect(cat1Protocol.mayBeUrgent(bytes)).toBe(true);
    expect(cat1Protocol.mayBeUrgent(bytesOf("report"))).toBe(false);
  });
});

test("the address in clear is that of a whole frame, greeted or not", () => {
  for (const card of cards) expect(cat1Protocol.addressOf(card.bytes)).toBe(card.expect.address);
  expect(cat1Protocol.addressOf(bytesOf("report").with(3, 1))).toBeNull();
  expect(cat1Protocol.addressOf(new Uint8Array())).toBeNull();
});

test.each([
  ["CJ/T 188 frame", "6830420000000051518116901f05563412002c000000002c0500082211262004014616"],
  ["M-Bus long frame", "680a0a68080172010203040506079716"],
])("a %s is refused by its name", (what, hex) => {
  const fault = { kind: "unsupported", what };
  expect(cat1Protocol.decode(bytesOfHex(hex))).toEqual({ ok: false, fault });
});

describe("answers to reports", () => {
  test.each([
    ["sleep", "68304200000000515103170000000a0203af5416"],
    ["stayAwake", "68304200000000515103170000000a020300a516"],
  ] as const)("%s: type, reason and packet of the report come back", (power, frame) => {
    const answer = encodeCat1ReportAnswer(bytesOf("greeting"), power);
    expect(answer).toEqual({ ok: true, value: bytesOfHex(frame) });
    expect(answer.ok && answer.value.at(-3)).toBe(powerFlags[power]);
    expect(answer.ok && decodeCat1Request(answer.value)).toMatchObject({
      ok: true,
      value: { kind: "reportAnswer", power, reportingType: 0x0a },
    });
  });

  test("a report that nobody can read is answered too; nothing else is", () => {
    const head = { meterType: 0x30, address, control: 0x97, instruction: 0, reportingType: 1 };
    const strange = encodeFrame(head, Uint8Array.of(0x05, 1, 2, 3));
    expect(cat1Protocol.decode(strange)).toMatchObject({ fault: { kind: "unsupported" } });
    expect(encodeCat1ReportAnswer(strange, "sleep")).toMatchObject({ ok: true });
    const others = [
      bytesOf("valveAccepted"),
      Uint8Array.of(0x68),
      encodeFrame(head, Uint8Array.of()),
    ];
    for (const bytes of others) expect(encodeCat1ReportAnswer(bytes, "sleep").ok).toBe(false);
  });
});

describe("what is no frame of ours", () => {
  const report = bytesOf("report");

  test("each kind of damage has its name", () => {
    const cut = report.slice(0, 40);
    expect(cat1Protocol.decode(cut)).toMatchObject({ fault: { kind: "truncated" } });
    const longer = Uint8Array.from([...report, 0x16]);
    expect(cat1Protocol.decode(longer)).toMatchObject({ fault: { kind: "wrongLength" } });
    const flipped = report.with(60, (report[60] ?? 0) ^ 1);
    expect(cat1Protocol.decode(flipped)).toMatchObject({ fault: { kind: "checksumMismatch" } });
    const notBcd = encodeFrame(
      {
        meterType: 0x30,
        address: "5151000000004A",
        control: 0x97,
        instruction: 0,
        reportingType: 1,
      },
      report.slice(16, -2),
    );
    expect(cat1Protocol.decode(notBcd)).toMatchObject({ fault: { kind: "notBcd" } });
  });

  test("a report shorter than its table is refused, not read into its checksum", () => {
    const head = { meterType: 0x30, address, control: 0x97, instruction: 0, reportingType: 1 };
    const bytes = encodeFrame(head, report.slice(16, 16 + 60));
    expect(cat1Protocol.decode(bytes)).toMatchObject({ fault: { kind: "wrongLength" } });
  });

  test("CJ/T 188 refuses these frames, and CAT-1 those", () => {
    for (const { bytes } of cards) expect(cjt188Protocol.decode(bytes).ok).toBe(false);
    for (const { bytes } of cardsIn("cjt188")) expect(cat1Protocol.decode(bytes).ok).toBe(false);
  });

  test("a refused read is no answer to an order", () => {
    const head = { meterType: 0x30, address, control: 0x84, instruction: 3, reportingType: 0 };
    const bytes = encodeFrame(head, bytesOfHex("a9010b261120080010"));
    const value = { address, frameId: null, readings: [], replies: [] };
    expect(cat1Protocol.decode(bytes)).toEqual({ ok: true, value });
  });
});

test("the settings of a meter are explained", () => {
  const head = { meterType: 0x30, address, control: 0x81, instruction: 3, reportingType: 0 };
  const data =
    "a901861234567890123d460001234567890f89860012345678901234" +
    "0102030400244d520ac0a801642766c0a80165276600ffc0003cffffff000050484b00112233";
  const { fields, fault } = cat1Protocol.explain(encodeFrame(head, bytesOfHex(data)));
  expect(fault).toBeNull();
  const values = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({
    tableType: "0024H postpaid, counts by 1 L, valve has end switches",
    reportingMode: "every 60 minutes",
    meteringMode: "50H 1 L",
    paymentMode: "48H postpaid",
    spare: "00112233",
  });
});

test("why a meter called and what its bits mean is explained", () => {
  const { fields } = cat1Protocol.explain(bytesOf("greeting"));
  const values = Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  expect(values).toMatchObject({
    reasons: "trigger, valve action",
    valve: "closed",
    flags: "battery_low magnet",
  });
});

test("a reason that we cannot name may be an alarm", () => {
  const head = { meterType: 0x30, address, control: 0x97, instruction: 0 };
  const look = (reportingType: number) =>
    cat1Protocol.mayBeUrgent(encodeFrame({ ...head, reportingType }, Uint8Array.of(3)));
  expect([0x01, 0x1f, 0x20, 0x8000].map(look)).toEqual([false, false, true, true]);
});

describe("simulated meters", () => {
  test("what they send comes back as it was", () => {
    const reading = {
      ...emptyReading,
      measuredAtMs: timestampMs(1_795_305_605_000),
      volume: { ml: 1_234_000 as never, count: 1_234, exponent: -3 },
      batteryMv: 3_600,
      signalDbm: -101,
      valve: "closed",
      status: 1 << 13,
    } as const;
    const telegram = { address, frameId: null, readings: [reading], replies: [] };
    const bytes = encodeCat1Uplink(telegram);
    expect(cat1Protocol.decode(bytes)).toEqual({ ok: true, value: telegram });
    const greeted = Buffer.concat([greeting, bytes]);
    expect(cat1Protocol.decode(greeted)).toEqual({ ok: true, value: telegram });
    expect(decodeFrame(bytes, null)).toMatchObject({ ok: true, value: { deviceType: 3 } });
  });

  test.each(["accepted", "refused"] as const)("the answer %s", (result) => {
    const reason = result === "refused" ? "code 0BH" : null;
    const replies = [{ commandId: null, sequence: 9, result, reason, valve: null }];
    const telegram = { address, frameId: null, readings: [], replies };
    expect(cat1Protocol.decode(encodeCat1Uplink(telegram))).toEqual({ ok: true, value: telegram });
  });
});

test("random and damaged frames: a typed answer, nothing thrown, nothing polluted", () => {
  const seeds = cards.map(({ bytes }) => bytes);
  const answers = fuzz(seeds, 20_261_123, takeBy(cat1Protocol));
  expect(answers.size).toBeGreaterThan(1);
}, 180_000);
