/** What can be heard of uplinks that cannot be used: the status, and nothing that could be taken for more. */
import { describe, expect, test } from "vitest";
import { statusBits } from "#domain/status.ts";
import { emptyReading } from "#domain/telegram.ts";
import type { Heard, Protocol } from "#protocols/contract.ts";
import { cjt188Protocol } from "#protocols/cjt188/protocol.ts";
import { jsonProtocol } from "#protocols/json/protocol.ts";
import { encodeProtobufUplink, protobufProtocol } from "#protocols/protobuf/protocol.ts";
import { loadCard, utf8 } from "./cards.ts";

function heardBy(protocol: Protocol, bytes: Uint8Array): Heard | undefined {
  const read = protocol.decode(bytes);
  if (read.ok) throw new TypeError("the uplink can be used");
  return read.fault.heard;
}

/** A card's frame with one byte replaced; the checksum is made right again where that is wanted. */
function altered(name: string, at: number, byte: number, isSummed = true): Uint8Array {
  const bytes = Uint8Array.from(loadCard(name).bytes);
  bytes[at] = byte;
  const sum = bytes.subarray(0, -2).reduce((all, one) => (all + one) & 0xff, 0);
  if (isSummed) bytes[bytes.length - 2] = sum;
  return bytes;
}

const leak = { status: statusBits.leak, valve: null, address: null };

describe("CJ/T 188", () => {
  const registerAt = 14;
  const unitAt = 18;
  const meter = { address: "51510000000042", valve: null };
  const said = { ...meter, status: statusBits.leak | statusBits.battery_low };

  test.each([
    ["a digit that is none", registerAt, 0xfa],
    ["a unit that no volume has", unitAt, 0x77],
  ])("the status of a frame with %s, and nothing of its valve", (_what, at, byte) => {
    expect(heardBy(cjt188Protocol, altered("cjt188/gasLeak", at, byte))).toEqual(said);
  });

  test("nothing of a frame with a wrong checksum", () => {
    const damaged = altered("cjt188/gasLeak", registerAt, 0xfa, false);
    expect(heardBy(cjt188Protocol, damaged)).toBeUndefined();
  });
});

describe("JSON", () => {
  test.each([
    '{"v":1,"volumeM3":NaN,"status":["leak"]}',
    '{"v":1,"status" : [ "leak" , "unheard_of" ],"volumeM3":"12,5"}',
    '{"v":1,"status":["leak"],"volumeM3":"1.0',
    '{"v":1,"status":["leak"],"new":1}',
  ])("the status of %s", (text) => {
    expect(heardBy(jsonProtocol, utf8(text))).toEqual(leak);
  });

  test.each([
    '{"v":1,"volumeM3":NaN}',
    '{"v":1,"volumeM3":NaN,"status":"leak"}',
    '{"v":1,"reply":{"commandId":"c","result":"failed","reason":"\\"status\\":[\\"leak\\"]"},"x":1}',
    `{"v":1,"status":["leak"],"history":[${"[".repeat(40)}]}`,
  ])("nothing of %s", (text) => {
    expect(heardBy(jsonProtocol, utf8(text))).toBeUndefined();
  });

  test("an empty list says that there is nothing", () => {
    const text = '{"v":1,"volumeM3":NaN,"status":[]}';
    expect(heardBy(jsonProtocol, utf8(text))?.status).toBe(0);
  });

  test("a text of lists without end costs no more than its length", () => {
    const text = '"status":["'.repeat(5_000);
    const startedMs = performance.now();
    expect(heardBy(jsonProtocol, utf8(text))).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});

describe("protobuf", () => {
  const upload = { address: null, frameId: null, replies: [] };
  const readings = [{ ...emptyReading, status: statusBits.leak }];
  const whole = encodeProtobufUplink({ ...upload, readings });
  /** Field 9, the battery, as a number beyond the safe integers. */
  const tooLarge = Uint8Array.of(9 << 3, ...new Uint8Array(9).fill(0xff), 1);

  test("the status of an upload of which another field is none", () => {
    expect(heardBy(protobufProtocol, Uint8Array.of(...tooLarge, ...whole))).toEqual(leak);
  });

  test("nothing of one that ends too early", () => {
    const cut = Uint8Array.of(...whole, (5 << 3) | 2, 9);
    expect(heardBy(protobufProtocol, cut)).toBeUndefined();
  });
});
