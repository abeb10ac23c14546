/** Every radio card through decode, explain, every truncation, every single-bit flip, and much noise. */
import { describe, expect, test } from "vitest";
import { reasonOf } from "#protocols/contract.ts";
import { decodeFrame } from "#protocols/wmbus/link.ts";
import { wmbusProtocol } from "#protocols/wmbus/protocol.ts";
import { damaged, loadMbusCards, mulberry32 } from "./mbusCards.ts";

const cards = loadMbusCards("wmbus");
/** What a telegram teaches of formats is no part of what a card expects of it. */
const decode = (...[bytes, options]: Parameters<typeof wmbusProtocol.decode>) => {
  const result = wmbusProtocol.decode(bytes, options);
  if (!result.ok) return result;
  const { learned: _learned, ...value } = result.value;
  return { ok: true, value } as const;
};
const framingOf = (bytes: Uint8Array) => {
  const frame = decodeFrame(bytes);
  return frame.ok ? frame.value.framing : undefined;
};

describe.each(cards.map((card) => [card.name, card] as const))("%s", (_, card) => {
  const whole = { ok: true, value: card.expect };
  const framing = framingOf(card.bytes);
  const hasChecksums = framing !== "no checksums";

  test(`decodes: ${card.title}`, () => {
    expect(decode(card.bytes, card.options)).toEqual(whole);
  });

  test("decodes in the middle of a larger buffer", () => {
    const buffer = Buffer.concat([Buffer.from([0x44, 0x10]), card.bytes, Buffer.from([1])]);
    const view = buffer.subarray(2, 2 + card.bytes.length);
    expect(decode(view, card.options)).toEqual(whole);
  });

  test("explains every field inside the frame, in wire order", () => {
    const { fields, fault } = wmbusProtocol.explain(card.bytes, card.options);
    expect(fault).toBeNull();
    const explained = new Set<number>();
    let last = 0;
    for (const { from, to } of fields) {
      expect(from).toBeGreaterThanOrEqual(last);
      expect(to).toBeGreaterThan(from);
      last = from;
      for (let at = from; at < to; at += 1) explained.add(at);
    }
    // A signal byte of the receiver is no part of the frame.
    const own = [...card.bytes.keys()].slice(
      0,
      hasChecksums ? undefined : (card.bytes[0] ?? 0) + 1,
    );
    expect([...explained].sort((one, other) => one - other)).toEqual(own);
  });

  test("every truncation is refused, or was a byte of the receiver", () => {
    for (let length = 0; length < card.bytes.length; length += 1) {
      const result = decode(card.bytes.slice(0, length), card.options);
      if (result.ok) expect(result).toEqual(whole);
      if (framing === "A") expect(result.ok).toBe(false);
    }
  });

  test("every single-bit flip is refused or changes nothing where there are checksums", () => {
    for (let bit = 0; bit < card.bytes.length * 8; bit += 1) {
      const bytes = card.bytes.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const result = decode(bytes, card.options);
      // A length that is one or two too short leaves bytes as if a receiver had put them there.
      if (hasChecksums && result.ok) expect([bit, result]).toEqual([bit, whole]);
      wmbusProtocol.explain(bytes, card.options);
    }
  });
});

test("a ciphered telegram without its key, or with another, is refused as such", () => {
  const ciphered = cards.filter(({ options }) => options.key !== undefined);
  expect(ciphered.length).toBeGreaterThan(5);
  for (const { bytes, options, name } of ciphered) {
    const { key = new Uint8Array(), ...rules } = options;
    const without = decode(bytes, rules);
    expect([name, without]).toMatchObject([
      name,
      { ok: false, fault: { kind: "keyMissing", keyName: "key" } },
    ]);
    const other = decode(bytes, { ...rules, key: key.map((byte) => byte ^ 0x5a) });
    expect([name, other]).toMatchObject([name, { ok: false, fault: { kind: "notAuthentic" } }]);
    const short = decode(bytes, { ...rules, key: key.slice(1) });
    expect([name, short]).toMatchObject([name, { fault: { kind: "keyMissing" } }]);
  }
});

const fuzzInputs = 100_000;

test("any bytes at all: no throw, a reason for each refusal, Object.prototype as before", () => {
  const before = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
  const random = mulberry32(20_260_310);
  // Without their block checksums, so that the layers behind them are reached.
  const seeds = cards.flatMap(({ bytes, options }) => {
    const frame = decodeFrame(bytes);
    if (!frame.ok) return [];
    const bare = frame.value.bytes.slice();
    bare[0] = bare.length - 1;
    return [
      { bytes, options },
      { bytes: bare, options },
    ];
  });
  let decoded = 0;
  for (let round = 0; round < fuzzInputs; round += 1) {
    const seed = seeds[round % seeds.length];
    if (seed === undefined) throw new Error("there are cards");
    const bytes = damaged(random, seed.bytes);
    if (round % 2 === 0 && bytes.length > 0) bytes[0] = bytes.length - 1;
    const result = wmbusProtocol.decode(bytes, seed.options);
    if (result.ok) decoded += 1;
    else expect(reasonOf(result.fault)).toMatch(/^[A-Z]+$/);
    if (round % 16 === 0) wmbusProtocol.explain(bytes, seed.options);
  }
  expect(decoded).toBeGreaterThan(100);
  expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(before);
}, 180_000);
