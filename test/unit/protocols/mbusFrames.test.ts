/** Every M-Bus card through decode, explain, every truncation, every single-bit flip, and much noise. */
import { describe, expect, test } from "vitest";
import { reasonOf } from "#protocols/contract.ts";
import { sum8 } from "#protocols/codec/layout.ts";
import { mbusProtocol } from "#protocols/mbus/protocol.ts";
import { decodeMbusRequest } from "#protocols/mbus/requests.ts";
import { damaged, loadMbusCards, mulberry32 } from "./mbusCards.ts";

const cards = loadMbusCards("mbus");
const wrongKey = new Uint8Array(16).fill(0xa5);

describe.each(cards.map((card) => [card.name, card] as const))("%s", (_, card) => {
  const whole = { ok: true, value: card.expect };

  test(`decodes: ${card.title}`, () => {
    expect(mbusProtocol.decode(card.bytes, card.options)).toEqual(whole);
  });

  test("decodes in the middle of a larger buffer", () => {
    const buffer = Buffer.concat([Buffer.from([0x68, 0xe5]), card.bytes, Buffer.from([1])]);
    const view = buffer.subarray(2, 2 + card.bytes.length);
    expect(mbusProtocol.decode(view, card.options)).toEqual(whole);
  });

  test("explains every byte once, in wire order", () => {
    const { fields, fault } = mbusProtocol.explain(card.bytes, card.options);
    expect(fault).toBeNull();
    let last = 0;
    for (const { from, to } of fields) {
      expect(from).toBe(last);
      expect(to).toBeGreaterThan(from);
      last = to;
    }
    expect(last).toBe(card.bytes.length);
  });

  test("every truncation is refused, or ends with a whole telegram", () => {
    for (let length = 0; length < card.bytes.length; length += 1) {
      const result = mbusProtocol.decode(card.bytes.slice(0, length), card.options);
      if (result.ok) expect(result.value.address).toBe(card.expect.address);
      expect(result.ok).toBe(isFrameEnd(card.bytes, length));
    }
  });

  test("every single-bit flip is refused", () => {
    for (let bit = 0; bit < card.bytes.length * 8; bit += 1) {
      const bytes = card.bytes.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(mbusProtocol.decode(bytes, card.options).ok).toBe(false);
      mbusProtocol.explain(bytes, card.options);
    }
  });
});

/** Whether a card of several telegrams is cut exactly between two of them. */
function isFrameEnd(bytes: Uint8Array, length: number): boolean {
  return length > 0 && length === (bytes[1] ?? 0) + 6 && length < bytes.length;
}

test("a ciphered telegram without its key, or with another, is refused as such", () => {
  const ciphered = cards.filter(({ options }) => options.key !== undefined);
  expect(ciphered.length).toBeGreaterThan(1);
  for (const { bytes, options } of ciphered) {
    const { key: _key, ...rules } = options;
    const without = mbusProtocol.decode(bytes, rules);
    expect(without).toMatchObject({ ok: false, fault: { kind: "keyMissing", keyName: "key" } });
    const other = mbusProtocol.decode(bytes, { ...rules, key: wrongKey });
    expect(other).toMatchObject({ ok: false, fault: { kind: "notAuthentic" } });
  }
});

const fuzzInputs = 100_000;

test("any bytes at all: no throw, a reason for each refusal, Object.prototype as before", () => {
  const before = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
  const random = mulberry32(20_260_309);
  let decoded = 0;
  for (let round = 0; round < fuzzInputs; round += 1) {
    const card = cards[round % cards.length];
    if (card === undefined) throw new Error("there are cards");
    const bytes = damaged(random, card.bytes);
    // Half of the inputs get a right checksum, so that the records behind it are reached.
    if (round % 2 === 0) bytes[bytes.length - 2] = sum8(bytes, 4, bytes.length - 2);
    const result = mbusProtocol.decode(bytes, card.options);
    if (result.ok) decoded += 1;
    else expect(reasonOf(result.fault)).toMatch(/^[A-Z]+$/);
    if (round % 16 === 0) {
      mbusProtocol.explain(bytes, card.options);
      decodeMbusRequest(bytes);
    }
  }
  expect(decoded).toBeGreaterThan(100);
  expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(before);
}, 180_000);
