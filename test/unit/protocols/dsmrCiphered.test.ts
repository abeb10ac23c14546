/** DSMR P1 ciphered with suite 0: what opens, what does not, and which counter is taken. */
import { createCipheriv } from "node:crypto";
import { describe, expect, test } from "vitest";
import { decodeDsmr, dsmrProtocol, type DsmrOptions } from "#protocols/dsmr/protocol.ts";
import { telegramsMax } from "#protocols/dsmr/telegram.ts";
import { cardsIn, checkCards, decoderOf } from "./cardChecks.ts";
import { bytesOfHex, utf8 } from "./cards.ts";

const cards = cardsIn("dsmr");
checkCards(cardsIn("dsmrCiphered"), decoderOf(dsmrProtocol), true);

describe("ciphered", () => {
  const key = bytesOfHex("000102030405060708090a0b0c0d0e0f");
  const authKey = bytesOfHex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf");
  const [card] = cards;
  const title = utf8("MCP00042");
  const frame = cipher(card?.bytes ?? new Uint8Array(), 7, false);
  const options = { key, authKey };

  function cipher(plain: Uint8Array, counter: number, isAadEmpty: boolean): Uint8Array {
    const counterBytes = Buffer.alloc(4);
    counterBytes.writeUInt32BE(counter);
    const iv = Buffer.concat([title, counterBytes]);
    const gcm = createCipheriv("aes-128-gcm", key, iv, { authTagLength: 12 });
    gcm.setAAD(isAadEmpty ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x30]), authKey]));
    const ciphertext = Buffer.concat([gcm.update(plain), gcm.final()]);
    const length = 5 + ciphertext.length + 12;
    const head = [0xdb, 8, ...title, 0x82, length >> 8, length & 0xff, 0x30, ...counterBytes];
    return Buffer.concat([Buffer.from(head), ciphertext, gcm.getAuthTag()]);
  }

  test("the same telegram, with its counter", () => {
    const cipherState = {
      systemTitle: "4D43503030303432",
      invocationCounter: 7,
      isRepeat: false,
    };
    const value = { telegram: card?.expect, cipher: cipherState };
    expect(decodeDsmr(frame, options)).toEqual({ ok: true, value });
    expect(dsmrProtocol.explain(frame, options).fault).toBeNull();
  });

  test.each([
    [6, true],
    [6n, true],
    [7, true],
    [8, false],
    [2n ** 40n, false],
  ])("highest counter seen %s: taken %s", (invocationCounterSeen, isTaken) => {
    const decoded = decodeDsmr(frame, { ...options, invocationCounterSeen });
    expect(decoded.ok).toBe(isTaken);
    if (decoded.ok) {
      expect(decoded.value.cipher?.isRepeat).toBe(Number(invocationCounterSeen) === 7);
    } else expect(decoded.fault).toEqual({ kind: "replayed", counter: 7 });
  });

  test("several in one payload: those that are authentic count, with the highest counter", () => {
    const plain = card?.bytes ?? new Uint8Array();
    const [second, third] = [cipher(plain, 8, false), cipher(plain, 9, false)];
    const damaged = Uint8Array.from(second);
    damaged[100] = (damaged[100] ?? 0) ^ 1;
    const taken = (...frames: readonly Uint8Array[]) => {
      const decoded = decodeDsmr(Buffer.concat(frames), options);
      if (!decoded.ok) return decoded.fault.kind;
      const { cipher: state, telegram } = decoded.value;
      return [telegram.readings.length, state?.invocationCounter];
    };
    expect(taken(frame, second, third)).toEqual([3, 9]);
    expect(taken(frame, damaged, third)).toEqual([2, 9]);
    expect(taken(second, third.subarray(0, 200))).toEqual([1, 8]);
    expect(taken(third, second)).toEqual([1, 9]);
    expect(taken(damaged, damaged)).toBe("notAuthentic");
    const many = Array.from({ length: telegramsMax + 1 }, () => frame);
    expect(taken(...many)).toBe("unsupported");
  });

  test("its system title is its address, before any key is known", () => {
    expect(dsmrProtocol.addressOf(frame)).toBe("4D43503030303432");
    expect(dsmrProtocol.addressOf(frame.subarray(0, 9))).toBeNull();
  });

  test("in the clear only where the record of a meter with a key allows it", () => {
    const plain = card?.bytes ?? new Uint8Array();
    expect(dsmrProtocol.decode(plain, options)).toMatchObject({ fault: { kind: "notAuthentic" } });
    expect(dsmrProtocol.decode(plain, { ...options, allowPlain: true })).toMatchObject({
      ok: true,
    });
  });

  test("without a tag nothing is authentic", () => {
    const bare = Buffer.from(frame);
    bare[13] = 0x20;
    expect(dsmrProtocol.decode(bare, options)).toMatchObject({ fault: { kind: "notAuthentic" } });
  });

  test("no key, wrong key, another meter's title, empty additional data", () => {
    const faultOf = (some: DsmrOptions, bytes = frame) => {
      const result = dsmrProtocol.decode(bytes, some);
      return result.ok ? null : result.fault.kind;
    };
    const empty = cipher(card?.bytes ?? new Uint8Array(), 7, true);
    expect(faultOf({})).toBe("keyMissing");
    expect(faultOf({ key })).toBe("keyMissing");
    expect(faultOf({ key: authKey, authKey })).toBe("notAuthentic");
    expect(faultOf({ key, authKey: key })).toBe("notAuthentic");
    expect(faultOf({ ...options, systemTitle: utf8("MCP00043") })).toBe("notAuthentic");
    expect(faultOf(options, empty)).toBe("notAuthentic");
    expect(faultOf({ key, emptyAad: true }, empty)).toBeNull();
    expect(faultOf({ ...options, emptyAad: true })).toBe("notAuthentic");
  });

  checkCards(
    cards.map((plain) => ({
      ...plain,
      bytes: cipher(plain.bytes, 7, false),
      expect: { ...plain.expect, learned: { invocationCounter: 7 } },
    })),
    () => ({
      ...dsmrProtocol,
      decode: (bytes) => dsmrProtocol.decode(bytes, options),
      explain: (bytes) => dsmrProtocol.explain(bytes, options),
    }),
    true,
  );
});
