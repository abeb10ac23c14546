/** What every card and every noise must do to a decoder, for protocols that stand by themselves. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Telegram } from "#domain/telegram.ts";
import { reasonOf, type Protocol } from "#protocols/contract.ts";
import { damageAll } from "../../damage/damage.ts";
import { bytesOfHex } from "./cards.ts";

export type Decoder = Pick<Protocol, "decode" | "explain" | "mayBeUrgent">;

export interface PlainCard {
  readonly file: string;
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly expect: Telegram;
  /** Keys of ciphered cards, in hexadecimal. */
  readonly options?: { readonly key?: string; readonly authKey?: string };
}

const cardsDirectory = new URL("../../cards/", import.meta.url);

/** The cards of one folder. */
export function cardsIn(folder: string): readonly PlainCard[] {
  const directory = new URL(`${folder}/`, cardsDirectory);
  return readdirSync(directory).map((file): PlainCard => {
    const text = readFileSync(new URL(file, directory), "utf8");
    const card = JSON.parse(text) as PlainCard & { readonly hex: string };
    return { ...card, file, bytes: bytesOfHex(card.hex) };
  });
}

/** The protocol with the keys of a card on file. */
export function decoderOf(protocol: Protocol): (card: PlainCard) => Decoder {
  return ({ options: { key = "", authKey = "" } = {} }) => {
    const file = { key: bytesOfHex(key), authKey: bytesOfHex(authKey) };
    return {
      decode: (bytes) => protocol.decode(bytes, file),
      explain: (bytes) => protocol.explain(bytes, file),
      mayBeUrgent: (bytes) => protocol.mayBeUrgent(bytes),
    };
  };
}

/** Decode, explain, every truncation, every single-bit flip. */
export function checkCards(
  cards: readonly PlainCard[],
  decoderOf: (card: PlainCard) => Decoder,
  hasChecksum: boolean,
): void {
  describe.each(cards.map((card) => [card.file, card] as const))("card %s", (_, card) => {
    const decoder = decoderOf(card);
    const whole = { ok: true, value: card.expect };

    test(`decodes: ${card.title}`, () => {
      expect(decoder.decode(card.bytes)).toEqual(whole);
      const buffer = Buffer.concat([Buffer.from([0x68, 0xfe]), card.bytes, Buffer.from([0x16])]);
      expect(decoder.decode(buffer.subarray(2, -1))).toEqual(whole);
    });

    test("explains every field inside the frame, in wire order", () => {
      const { fields, fault } = decoder.explain(card.bytes);
      expect(fault).toBeNull();
      expect(fields.length).toBeGreaterThan(0);
      let last = 0;
      for (const { from, to } of fields) {
        expect(from).toBeGreaterThanOrEqual(last);
        expect(to).toBeGreaterThan(from);
        expect(to).toBeLessThanOrEqual(card.bytes.length);
        last = from;
      }
    });

    test("an answer to an order is seen by the cheap look", () => {
      if (card.expect.replies.length > 0) expect(decoder.mayBeUrgent(card.bytes)).toBe(true);
    });

    test("every truncation and every single-bit flip: refused, or a typed telegram", () => {
      const { wrong, refused } = damageAll(decoder, card.bytes, {});
      expect(refused).toBeGreaterThan(0);
      if (hasChecksum) expect(wrong).toEqual([]);
    });
  });
}

/** How many damaged or random inputs each decoder must bear. */
const fuzzRounds = 100_000;

/** Random, changed, cut and joined inputs: nothing thrown, nothing polluted; how often each answer came. */
export function fuzz(
  seeds: readonly Uint8Array[],
  seed: number,
  take: (bytes: Uint8Array, round: number) => string,
): ReadonlyMap<string, number> {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  const random = mulberry32(seed);
  const answers = new Map<string, number>();
  for (let round = 0; round < fuzzRounds; round += 1) {
    const bytes = damagedBytes(random, seeds[round % seeds.length] ?? new Uint8Array());
    const answer = take(bytes, round);
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  expect(Object.getOwnPropertyNames(Object.prototype).join()).toBe(before);
  return answers;
}

/** The usual taking for a protocol: decode, the cheap look, and now and then the explanation. */
export function takeBy(decoder: Decoder): (bytes: Uint8Array, round: number) => string {
  return (bytes, round) => {
    const result = decoder.decode(bytes);
    const isUrgent = decoder.mayBeUrgent(bytes);
    if (round % 50 === 0) decoder.explain(bytes);
    if (!result.ok) return reasonOf(result.fault);
    expect(isUrgent || result.value.replies.length === 0).toBe(true);
    return "taken";
  };
}

/** A third is noise, a third a frame with some bytes changed, a third a frame cut and joined. */
function damagedBytes(random: () => number, seed: Uint8Array): Uint8Array {
  const pick = (below: number) => Math.floor(random() * below);
  const way = pick(3);
  if (way === 0) return Uint8Array.from({ length: pick(300) }, () => pick(256));
  if (way === 1) {
    const front = seed.subarray(0, pick(seed.length + 1));
    return Uint8Array.from([...front, ...seed.subarray(pick(seed.length + 1))]);
  }
  const bytes = seed.slice();
  for (let change = 0; change <= pick(3); change += 1) bytes[pick(bytes.length)] = pick(256);
  return bytes;
}

/** A small repeatable generator, so that a failure can be run again. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
