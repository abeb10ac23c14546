/** DLMS/COSEM push, ciphered with suite 0: what opens, what does not, and which counter is taken. */
import { createCipheriv } from "node:crypto";
import { describe, expect, test } from "vitest";
import { emptyReading } from "#domain/telegram.ts";
import { volumeMl } from "#domain/units.ts";
import type { CipherOptions } from "#protocols/codec/security.ts";
import { decodeDlms, dlmsProtocol, type DlmsOptions } from "#protocols/dlms/protocol.ts";
import { cardsIn, checkCards, decoderOf } from "./cardChecks.ts";
import { bytesOfHex, utf8 } from "./cards.ts";

checkCards(cardsIn("dlmsCiphered"), decoderOf(dlmsProtocol), true);

/** A push of 7-0:3.0.0 with 1.234 cubic metres. */
const plainPush = bytesOfHex("0f00000001000101020309060700030000ff06000004d202020ffd160d");
const volume = { ml: volumeMl(1_234_000), count: 1_234, exponent: -3 };

function faultOf(bytes: Uint8Array, options: DlmsOptions): string | null {
  const result = dlmsProtocol.decode(bytes, options);
  return result.ok ? null : result.fault.kind;
}

describe("ciphered", () => {
  const key = bytesOfHex("000102030405060708090a0b0c0d0e0f");
  const authKey = bytesOfHex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf");
  const title = utf8("MCP00042");
  const options = { key, authKey };

  interface Way {
    readonly control?: number;
    readonly counter?: number;
    readonly head?: Uint8Array;
    readonly isAadEmpty?: boolean;
  }

  /** length | SC | counter | ciphertext | tag */
  function part(plain: Uint8Array, way: Way = {}): Uint8Array {
    const { control = 0x30, counter = 7, head = new Uint8Array(), isAadEmpty = false } = way;
    const counterBytes = Buffer.alloc(4);
    counterBytes.writeUInt32BE(counter);
    const iv = Buffer.concat([title, counterBytes]);
    const gcm = createCipheriv("aes-128-gcm", key, iv, { authTagLength: 12 });
    const isEncrypted = (control & 0x20) !== 0;
    const aad = isAadEmpty ? [] : [Buffer.from([control]), authKey, head];
    gcm.setAAD(Buffer.concat(isEncrypted ? aad : [...aad, plain]));
    const text = isEncrypted ? gcm.update(plain) : Buffer.from(plain);
    gcm.final();
    const hasTag = (control & 0x10) !== 0;
    const tag = hasTag ? gcm.getAuthTag() : Buffer.alloc(0);
    const length = 5 + text.length + tag.length;
    return Buffer.concat([Buffer.from([0x81, length, control]), counterBytes, text, tag]);
  }

  const general = (way?: Way, plain = plainPush) =>
    Buffer.concat([Buffer.from([0xdb, 8]), title, part(plain, way)]);

  test.each([
    ["general-glo-ciphering", general(), options],
    ["signed only", general({ control: 0x10 }), options],
    [
      "without its title, which is on file",
      Buffer.concat([Buffer.from([0xdb, 0]), part(plainPush)]),
      { ...options, systemTitle: title },
    ],
    ["with the broadcast key", general({ control: 0x70 }), options],
    ["with empty additional data", general({ isAadEmpty: true }), { key, emptyAad: true }],
    [
      "glo-event-notification-request",
      Buffer.concat([Buffer.from([0xca]), part(bytesOfHex("c2000046000060030aff031600"))]),
      { ...options, systemTitle: title },
    ],
  ])("%s", (_, frame, some) => {
    const decoded = decodeDlms(frame, some);
    expect(decoded).toMatchObject({
      ok: true,
      value: {
        cipher: { systemTitle: "4D43503030303432", invocationCounter: 7, isRepeat: false },
      },
    });
  });

  test("general-ciphering: its head is signed with the rest", () => {
    const head = Buffer.concat([Buffer.from([1, 9, 8]), title, Buffer.from([0, 0, 0])]);
    const frame = (noise: number) => {
      const sent = Buffer.from(head);
      sent[1] = noise;
      const keyInfo = Buffer.from([1, 0, 0]);
      return Buffer.concat([Buffer.from([0xdd]), sent, keyInfo, part(plainPush, { head })]);
    };
    expect(faultOf(frame(9), options)).toBeNull();
    expect(faultOf(frame(8), options)).toBe("notAuthentic");
  });

  test.each<[string, Uint8Array, CipherOptions, string]>([
    ["no keys", general(), {}, "keyMissing"],
    ["no authentication key", general(), { key }, "keyMissing"],
    ["a key of the wrong length", general(), { key: title, authKey }, "keyMissing"],
    ["the wrong key", general(), { key: authKey, authKey }, "notAuthentic"],
    ["the wrong authentication key", general(), { key, authKey: key }, "notAuthentic"],
    [
      "another meter's title",
      general(),
      { ...options, systemTitle: utf8("MCP00043") },
      "notAuthentic",
    ],
    ["empty data unasked", general({ isAadEmpty: true }), options, "notAuthentic"],
    ["an old counter", general(), { ...options, invocationCounterSeen: 8 }, "replayed"],
    ["an old counter, big", general(), { ...options, invocationCounterSeen: 8n }, "replayed"],
    ["an old counter and no key", general(), { invocationCounterSeen: 8 }, "keyMissing"],
    ["no tag", general({ control: 0x20 }), options, "notAuthentic"],
    ["in the clear", plainPush, options, "notAuthentic"],
    ["no tag and no key", general({ control: 0x20 }), {}, "notAuthentic"],
    ["no security at all", general({ control: 0x00 }), options, "notAuthentic"],
    ["suite 1", general({ control: 0x31 }), options, "unsupported"],
    ["compression", general({ control: 0xb0 }), options, "unsupported"],
    ["ciphered twice", general({}, general()), options, "unsupported"],
    ["something behind it", Buffer.concat([general(), Buffer.alloc(1)]), options, "wrongLength"],
  ])("%s", (_, frame, some, kind) => {
    expect(faultOf(frame, some)).toBe(kind);
  });

  test("in the clear, where the meter's record allows it", () => {
    expect(faultOf(plainPush, { ...options, allowPlain: true })).toBeNull();
  });

  test("several in one payload: each counter is judged by those before it", () => {
    const wrapped = (frame: Uint8Array) =>
      Buffer.concat([Buffer.from([0, 1, 0, 1, 0, 16, 0, frame.length]), frame]);
    const both = (one: number, other: number) =>
      Buffer.concat([wrapped(general({ counter: one })), wrapped(general({ counter: other }))]);
    expect(decodeDlms(both(7, 8), options)).toMatchObject({
      ok: true,
      value: { cipher: { invocationCounter: 8, isRepeat: false } },
    });
    expect(faultOf(both(8, 7), options)).toBe("replayed");
  });

  test("the same counter is the same frame again", () => {
    const decoded = decodeDlms(general(), { ...options, invocationCounterSeen: 7n });
    expect(decoded).toMatchObject({ ok: true, value: { cipher: { isRepeat: true } } });
  });

  checkCards(
    [
      {
        file: "ciphered",
        title: "a ciphered push",
        bytes: Uint8Array.from(general()),
        expect: {
          address: null,
          frameId: null,
          replies: [],
          learned: { invocationCounter: 7 },
          readings: [{ ...emptyReading, volume }],
        },
      },
    ],
    () => ({
      ...dlmsProtocol,
      decode: (bytes) => dlmsProtocol.decode(bytes, options),
      explain: (bytes) => dlmsProtocol.explain(bytes, options),
    }),
    true,
  );
});
