/** What lies around a push, and the address in it that is readable without a key. */
import { describe, expect, test } from "vitest";
import { crc16X25 } from "#protocols/codec/crc16.ts";
import { payloadBytesMax } from "#protocols/dlms/framing.ts";
import { dlmsProtocol } from "#protocols/dlms/protocol.ts";
import { bytesOfHex } from "./cards.ts";
import { faultOf, name, onlyRegister, readingOf, register, taken } from "./dlmsPushes.ts";

describe("around an APDU", () => {
  const hex = Buffer.from(onlyRegister).toString("hex");
  const wrapped = `000100010010${(hex.length / 2).toString(16).padStart(4, "0")}${hex}`;
  const noon = "07ea0b16ff0c0000ff000000";

  test.each([
    ["bare", hex],
    ["with an LLC head", `e6e700${hex}`],
    ["with a wrapper", wrapped],
    ["with a date that has a tag", `0f00000001090c${noon}0101${register}`],
    ["with a date that has a tag of its own", `0f0000000119${noon}0101${register}`],
  ])("%s", (_, payload) => {
    expect(readingOf(bytesOfHex(payload))).toMatchObject({ volume: taken });
    const { fields, fault } = dlmsProtocol.explain(bytesOfHex(payload));
    expect(fault).toBeNull();
    const line = fields.find((field) => field.name === "7-0:3.0.0.255");
    expect(line).toMatchObject({ value: "1.234", unit: "m³" });
    expect(payload.slice(2 * (line?.from ?? 0), 2 * (line?.to ?? 0))).toBe("06000004d2");
  });

  describe("HDLC on a line with noise", () => {
    const frameOf = (information: Uint8Array, isSegmented = false, address = "0223") => {
      const head = Buffer.from(`a000${address}0313`, "hex");
      const length = head.length + information.length + 4;
      head[0] = isSegmented ? 0xa8 : 0xa0;
      head[1] = length;
      const sum = (part: Uint8Array) => {
        const value = crc16X25(part, 0, part.length);
        return Buffer.from([value & 0xff, value >> 8]);
      };
      const body = Buffer.concat([head, sum(head), information]);
      return Buffer.concat([Buffer.from([0x7e]), body, sum(body), Buffer.from([0x7e])]);
    };
    const information = Buffer.concat([Buffer.from("e6e700", "hex"), onlyRegister]);
    const whole = frameOf(information);
    const [first, second] = [information.subarray(0, 20), information.subarray(20)];
    const [begin, end] = [frameOf(first, true), frameOf(second)];
    const countOf = (...parts: readonly Uint8Array[]) => {
      const result = dlmsProtocol.decode(Buffer.concat(parts));
      return result.ok ? result.value.readings.length : result.fault.kind;
    };
    const noise = Buffer.from([0xff, 0x00, 0x55]);
    const broken = Buffer.from(whole);
    broken[20] = 0;

    test.each([
      ["nothing", [whole], 1],
      ["noise around it", [noise, whole, noise], 1],
      ["zeros before it", [Buffer.alloc(3), whole], 1],
      ["the end of a frame before it", [whole.subarray(4), whole], 1],
      ["the beginning of a frame behind it", [whole, whole.subarray(0, 9)], 1],
      ["a broken frame between", [whole, broken, whole], 2],
      ["a flag shared", [whole, whole.subarray(1)], 2],
      ["two segments", [begin, end], 1],
      ["the end of another's segments before it", [end, whole], "unexpectedValue"],
      ["noise and the end of another's segments before it", [noise, end, begin, end], 1],
      ["a broken frame within its segments", [begin, broken, end], "truncated"],
      ["segments without an end, before another", [begin, broken, whole], 1],
      ["noise alone", [noise, Buffer.from([0x7e, 0xa0, 0x7e])], "unexpectedValue"],
      [
        "broken frames without end",
        [...Array.from({ length: 99 }, () => broken), whole],
        "checksumMismatch",
      ],
    ] as const)("%s", (_, parts, expected) => {
      expect(countOf(...parts)).toBe(expected);
    });

    test.each([
      ["03", 1],
      ["0223", 1],
      ["02020223", 1],
      ["020223", "unexpectedValue"],
      ["02020202", "unexpectedValue"],
    ])("a destination of %s", (address, expected) => {
      expect(countOf(frameOf(information, false, address))).toBe(expected);
    });
  });

  test("two wrappers in one payload are two readings", () => {
    const result = dlmsProtocol.decode(bytesOfHex(wrapped + wrapped));
    expect(result.ok && result.value.readings).toHaveLength(2);
  });

  test.each([
    ["a wrapper that lies about its length", `${wrapped}00`, "truncated"],
    ["a wrapper of another version", wrapped + wrapped.replace("0001", "0002"), "unexpectedValue"],
    ["something behind the APDU", `${hex}00`, "wrongLength"],
    ["an LLC head of another protocol", `e6e601${hex}`, "unexpectedValue"],
    ["a service that pushes nothing", "c001c100030700030000ff0200", "unsupported"],
    ["an unknown APDU", "fe00", "unsupported"],
    ["a signed APDU", "df00", "unsupported"],
    ["a link frame", "7ea00802232193bd647e", "unsupported"],
    ["flags alone", "7e7e7e", "truncated"],
    ["nothing", "", "truncated"],
  ])("%s is refused", (_, payload, kind) => {
    expect(faultOf(bytesOfHex(payload))).toBe(kind);
  });

  test("more than the limit is refused", () => {
    expect(faultOf(new Uint8Array(payloadBytesMax + 1))).toBe("tooLarge");
  });
});

describe("the address in the clear", () => {
  const serial = `0202${name("7-0:0.0.0")}0a0447314142`;

  test.each([
    ["the number that the meter pushes", `0f00000001000101${serial}`, "G1AB"],
    [
      "also where its register cannot be read",
      `0f00000001000102${serial}0202${name("7-0:3.0.0")}00`,
      "G1AB",
    ],
    ["none", Buffer.from(onlyRegister).toString("hex"), null],
    ["a system title", "db084d435030303034320130", "4D43503030303432"],
    ["the title of whoever ciphered", "dd0100084d43503030303432000000", "4D43503030303432"],
    ["a title that is cut", "db084d4350", null],
    ["no title at all", "ca0500", null],
    ["nothing", "", null],
  ])("%s", (_, hex, address) => {
    expect(dlmsProtocol.addressOf(bytesOfHex(hex))).toBe(address);
    const wrapper = `000100010010${(hex.length / 2).toString(16).padStart(4, "0")}`;
    expect(dlmsProtocol.addressOf(bytesOfHex(wrapper + hex))).toBe(address);
  });
});
