/** Wireless M-Bus: ciphers by their published vectors, checksums, framings, layers. */
import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { emptyReading } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import { crc16 } from "#protocols/wmbus/checksum.ts";
import { learnFormat } from "#protocols/wmbus/compact.ts";
import { decodeFrame } from "#protocols/wmbus/link.ts";
import { wmbusProtocol } from "#protocols/wmbus/protocol.ts";
import { withOneBitRight } from "#protocols/wmbus/repair.ts";
import { cmac, ctr, deriveKeys } from "#protocols/wmbus/security.ts";
import { decodeWmbusTelegram, type WmbusContext } from "#protocols/wmbus/telegram.ts";
import { encodeWmbusUplink } from "#protocols/wmbus/uplink.ts";
import { bytesOfHex } from "./cards.ts";
import { loadMbusCards } from "./mbusCards.ts";

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("ciphers", () => {
  const key = bytesOfHex("2b7e151628aed2a6abf7158809cf4f3c");
  const message = bytesOfHex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51" +
      "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
  );

  // RFC 4493, section 4
  test.each([
    [0, "bb1d6929e95937287fa37d129b756746"],
    [16, "070a16b46b4d4144f79bdd9dd04a287c"],
    [40, "dfa66747de9ae63030ca32611497c827"],
    [64, "51f0bebf7e3b9d92fc49741779363cfe"],
  ])("CMAC of %s bytes", (length, mac) => {
    expect(hexOf(cmac(key, message.subarray(0, length)))).toBe(mac);
  });

  // NIST SP 800-38A, F.5.1
  test("CTR", () => {
    const first = bytesOfHex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    const ciphered = bytesOfHex("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
    expect(hexOf(ctr(key, first, ciphered))).toBe(hexOf(message.subarray(0, 32)));
  });

  test("the two keys of a telegram are the CMAC of purpose, counter, number and padding", () => {
    const counter = bytesOfHex("b30a0000");
    const keys = deriveKeys(key, counter, bytesOfHex("78563412"));
    const block = (purpose: string) => bytesOfHex(`${purpose}b30a000078563412${"07".repeat(7)}`);
    expect(hexOf(keys.encryption)).toBe(hexOf(cmac(key, block("00"))));
    expect(hexOf(keys.authentication)).toBe(hexOf(cmac(key, block("01"))));
  });
});

describe("checksums", () => {
  // The catalogue's check value of CRC-16/EN-13757.
  test("of the digits 1 to 9", () => {
    expect(crc16(new TextEncoder().encode("123456789"), 0, 9)).toBe(0xc2b7);
  });

  test.prop([fc.uint8Array({ minLength: 1, maxLength: 126 }), fc.nat()])(
    "one wrong bit is found, wherever it is",
    (data, place) => {
      const sum = crc16(data, 0, data.length);
      const block = Uint8Array.from([...data, sum >> 8, sum & 0xff]);
      const bit = place % (8 * block.length);
      const wrong = block.slice();
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(hexOf(withOneBitRight(wrong) ?? new Uint8Array())).toBe(hexOf(block));
    },
  );
});

/** A frame without checksums around these bytes from CI on. */
function frameOf(payload: string, control = "44"): Uint8Array {
  const body = bytesOfHex(`${control}9315780100513003${payload.replaceAll(" ", "")}`);
  return Uint8Array.from([body.length, ...body]);
}

describe("frames", () => {
  const inKindA = loadMbusCards("wmbus").find(({ name }) => name === "wmbus/frameA.json");
  const volume = "0c13 21436587";

  test.each([
    ["", "truncated"],
    ["0a44", "truncated"],
    ["09449315780100513003", "truncated"],
    ["0944931578010051300300", "wrongLength"],
  ])("%s is %s", (hex, kind) => {
    expect(decodeFrame(bytesOfHex(hex))).toMatchObject({ ok: false, fault: { kind } });
  });

  test("up to three bytes behind a frame are the receiver's", () => {
    const frame = frameOf(`7a11000000 ${volume}`);
    const behind = (count: number) =>
      wmbusProtocol.decode(Uint8Array.from([...frame, ...Array(count).keys()]));
    expect(behind(3)).toEqual(behind(0));
    expect(behind(0).ok).toBe(true);
    expect(behind(5).ok).toBe(false);
  });

  test("behind a frame with checksums, too, and only there", () => {
    const cards = loadMbusCards("wmbus").filter(({ name }) => /frame[AB]/.test(name));
    expect(cards).toHaveLength(3);
    for (const { bytes, options } of cards) {
      const behind = (count: number) =>
        wmbusProtocol.decode(Uint8Array.of(...bytes, ...Array(count).keys()), options);
      expect(behind(3)).toEqual(behind(0));
      expect(behind(0).ok).toBe(true);
      expect(behind(4).ok).toBe(false);
    }
  });

  test("a frame of kind B whose length is wrong by a bit is none without checksums", () => {
    const volume = "0c13 21436587";
    for (let fillers = 0; fillers < 20; fillers += 1) {
      const payload = `7a 11000000 ${volume} ${"2f".repeat(fillers)} 01fd17 00`;
      const body = bytesOfHex(`449315780100513003${payload.replaceAll(" ", "")}`);
      const front = Uint8Array.of(body.length + 2, ...body);
      const sum = crc16(front, 0, front.length);
      const frame = Uint8Array.of(...front, sum >> 8, sum & 0xff);
      expect(wmbusProtocol.decode(frame).ok).toBe(true);
      for (let bit = 0; bit < 8; bit += 1) {
        const wrong = Uint8Array.of((frame[0] ?? 0) ^ (1 << bit), ...frame.subarray(1));
        expect([fillers, bit, wmbusProtocol.decode(wrong).ok]).toEqual([fillers, bit, false]);
      }
    }
  });

  test("a receiver that always hands on checksums gets no frame through without", () => {
    const required = { checksums: "required" } as const;
    const bare = frameOf(`7a11000000 ${volume}`);
    expect(wmbusProtocol.decode(bare, required)).toMatchObject({ fault: { kind: "wrongLength" } });
    expect(inKindA === undefined ? false : wmbusProtocol.decode(inKindA.bytes, required).ok).toBe(
      true,
    );
  });

  test("bytes that one bit would make a frame of kind B are refused, unless it is known that there is none", () => {
    const card = loadMbusCards("wmbus").find(({ name }) => name === "wmbus/frameB.json");
    const bytes = Uint8Array.from(card?.bytes ?? []);
    bytes[17] = (bytes[17] ?? 0) ^ 1;
    expect(wmbusProtocol.decode(bytes)).toMatchObject({ fault: { kind: "checksumMismatch" } });
    expect(wmbusProtocol.decode(bytes, { checksums: "absent" }).ok).toBe(true);
  });
});

describe("layers", () => {
  const volume = "0c13 21436587";
  const fault = (payload: string, context: WmbusContext = {}) => {
    const read = decodeWmbusTelegram(frameOf(payload), context, null);
    return read.ok ? null : read.fault;
  };

  test.each([
    ["8c 2011 7a11000000", true],
    ["8e 2011 9315 780100513003 7a11000000", true],
    ["8c 2011 8c 2011 7a11000000", true],
    ["78", true],
    ["72 78010051 9315 3003 11000000", true],
    // layers that are not read, a maker's own, an alarm
    ["86 2011 7a11000000", false],
    ["a2 11000000", false],
    ["75 11000000", false],
  ])("%s", (payload, isRead) => {
    expect(fault(`${payload} ${volume}`) === null).toBe(isRead);
  });

  test("a layer that ends before its fields is refused", () => {
    for (const payload of [
      "8c 20",
      "8d 2011 0000",
      "8f 2011 9315",
      "90",
      "90 0f002c",
      "7a 1100",
      "72 7801",
    ]) {
      expect(fault(payload)).toMatchObject({ kind: "truncated" });
    }
    expect(fault("8c 2011")).toMatchObject({ kind: "truncated" });
  });

  test("authentication: fragments and unknown kinds are named, a wrong length is seen", () => {
    expect(fault(`90 03 0040 00 7a11000000 ${volume}`)).toMatchObject({ kind: "unsupported" });
    expect(fault(`90 04 0024 2f 00 7a11000000 ${volume}`)).toMatchObject({ kind: "unsupported" });
    expect(fault(`90 05 0020 05 00 00 7a11000000 ${volume}`)).toMatchObject({
      kind: "wrongLength",
    });
  });

  test("a plain telegram with a MAC is checked where the key for it is on file", () => {
    const authKey = bytesOfHex("000102030405060708090a0b0c0d0e0f");
    const message = `7a11000000 ${volume}`.replaceAll(" ", "");
    const signed = bytesOfHex(`25 07000000 ${message}`.replaceAll(" ", ""));
    const mac = hexOf(cmac(authKey, signed).subarray(0, 8));
    const payload = (counter: string) => `90 0f 002c 25 ${counter} ${mac} ${message}`;
    expect(fault(payload("07000000"), { authKey })).toBeNull();
    expect(fault(payload("08000000"), { authKey })).toEqual({ kind: "notAuthentic" });
    expect(fault(payload("08000000"))).toBeNull();
    expect(fault(payload("07000000"), { authKey, messageCounterSeen: 7 })).toBeNull();
    expect(fault(payload("07000000"), { authKey, messageCounterSeen: 8 })).toEqual({
      kind: "replayed",
      counter: 7,
    });
  });

  test.each([
    [3, 2, false],
    [4, 4, false],
    [5, 8, true],
    [6, 12, true],
    [7, 16, true],
  ])("authentication type %s, %s bytes: a proof %s", (type, macBytes, isProof) => {
    const own = bytesOfHex("000102030405060708090a0b0c0d0e0f");
    // Mode 7 with a persistent key and no ciphered block: all that could prove it is the MAC.
    const message = `7a11000007 00 ${volume}`.replaceAll(" ", "");
    const fields = `2${type}07000000`;
    const mac = (by: Uint8Array) =>
      hexOf(cmac(by, bytesOfHex(fields + message)).subarray(0, macBytes));
    const layerBytes = (7 + macBytes).toString(16).padStart(2, "0");
    const payload = (code: string) => `90 ${layerBytes} 002c ${fields} ${code} ${message}`;
    const read = (code: string, options: object) =>
      decodeWmbusTelegram(frameOf(payload(code)), options, null);
    const signed = read(mac(own), { key: own });
    if (isProof) expect(signed).toMatchObject({ ok: true, value: { provedCounter: 7 } });
    else expect(signed).toMatchObject({ ok: false, fault: { kind: "notAuthentic" } });
    expect(read(mac(own), { key: own, allowPlain: true })).toMatchObject({
      ok: true,
      value: { provedCounter: isProof ? 7 : null },
    });
    // A wrong one is refused, however short it is, and whatever the file allows.
    const wrong = mac(new Uint8Array(16));
    expect(read(wrong, { key: own, allowPlain: true })).toMatchObject({
      fault: { kind: "notAuthentic" },
    });
  });

  test.each([3, 4, 8, 9, 10, 13])("security mode %s is named", (mode) => {
    const payload = `7a110000${mode.toString(16).padStart(2, "0")}${volume}`;
    expect(fault(payload)).toEqual({ kind: "unsupported", what: `security mode ${mode}` });
  });

  test("a gateway's request is no telegram", () => {
    expect(wmbusProtocol.decode(frameOf(`7a11000000 ${volume}`, "53"))).toMatchObject({
      fault: { kind: "unsupported" },
    });
    expect(wmbusProtocol.encodeCommand()).toMatchObject({ fault: { kind: "unsupported" } });
  });
});

test.prop([
  fc.record({
    count: fc.nat(999_999_999_999),
    minutes: fc.integer({ min: Date.UTC(2000, 0) / 60_000, max: Date.UTC(2080, 0) / 60_000 }),
    flowMlPerHour: fc.integer({ min: -25_000_000, max: 25_000_000 }),
    accessNumber: fc.nat(255),
    key: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: null }),
  }),
])("what a simulated meter sends comes back as it was", (values) => {
  const { count, minutes, flowMlPerHour, accessNumber, key } = values;
  const clockOffsetMs = 3_600_000;
  const reading = {
    ...emptyReading,
    measuredAtMs: timestampMs(minutes * 60_000),
    volume: { ml: volumeMl(count * 1_000), count, exponent: -3 },
    flowMlPerHour,
    status: 0,
  };
  const address = { identification: "12345678", manufacturer: 0x1593, version: 1, medium: 3 };
  const frame = encodeWmbusUplink({ address, accessNumber, clockOffsetMs, key }, reading);
  const read = wmbusProtocol.decode(frame, { clockOffsetMs, key: key ?? undefined });
  expect(read).toMatchObject({
    ok: true,
    value: { address: "ELS-12345678-01-03", frameId: null, readings: [reading], replies: [] },
  });
});

describe("compact frames", () => {
  const sum = (hex: string) => {
    const bytes = bytesOfHex(hex.replaceAll(" ", ""));
    const value = crc16(bytes, 0, bytes.length);
    return hexOf(Uint8Array.of(value & 0xff, value >> 8));
  };
  const full = "78 0413 21430000 0d7803 433231 426c bf1c 0f aabb";
  const format = "0413 0d78 426c 0f";
  const compact = `79 ${sum(format)} ${sum(full.slice(3))} 21430000 03433231 bf1c aabb`;

  test("what a full frame teaches, the compact one needs", () => {
    const read = decodeWmbusTelegram(frameOf(full), {}, null);
    expect(read.ok && read.value.learnt).toMatchObject({ format: "04130D78426C0F" });
    const learnt = read.ok ? read.value.learnt : null;
    const formats = learnt === null ? {} : { [learnt.signature]: learnt.format };
    const again = decodeWmbusTelegram(frameOf(compact), { formats }, null);
    const said = (result: typeof read) =>
      result.ok ? result.value.records.map(({ quantity, value }) => ({ quantity, value })) : [];
    expect(said(again)).toEqual(said(read));
    expect(said(again)).toHaveLength(4);
    expect(again).toMatchObject({ value: { learnt: null } });
  });

  test("an unknown format, another length, other data", () => {
    const signature = Number.parseInt(sum(format).slice(2) + sum(format).slice(0, 2), 16);
    const name = signature.toString(16).toUpperCase().padStart(4, "0");
    const formats = { [name]: format.replaceAll(" ", "") };
    const fault = (payload: string, known = formats) => {
      const read = decodeWmbusTelegram(frameOf(payload), { formats: known }, null);
      return read.ok ? null : read.fault.kind;
    };
    expect(fault(compact)).toBeNull();
    expect(fault(compact, {})).toBe("unsupported");
    expect(fault(compact.replace("2143", "2144"))).toBe("checksumMismatch");
    expect(fault(compact.slice(0, 24))).toBe("wrongLength");
    expect(fault("79 0102")).toBe("truncated");
    expect(fault("79 0102 0304", { "0201": "04" })).toBe("wrongLength");
    // A name that every object has is no format.
    expect(decodeWmbusTelegram(frameOf("79 0000 0000"), {}, null).ok).toBe(false);
  });

  test("a telegram without records teaches nothing", () => {
    expect(learnFormat(new Uint8Array(), [])).toBeNull();
  });
});
