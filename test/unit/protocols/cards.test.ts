/** Every card through decode, explain, every truncation and every single-bit flip. */
import { describe, expect, test } from "vitest";
import { hasStatus, urgentStatus } from "#domain/status.ts";
import { reasonOf } from "#protocols/contract.ts";
import { protocolByName } from "#protocols/registry.ts";
import { loadCards, type Card } from "./cards.ts";

const cards = loadCards();

describe.each(cards.map((card) => [card.name, card] as const))("%s", (_, card) => {
  const protocol = protocolByName[card.protocol];
  const whole = { ok: true, value: card.expect };

  test(`decodes: ${card.title}`, () => {
    expect(protocol.decode(card.bytes)).toEqual(whole);
  });

  test("decodes in the middle of a larger buffer", () => {
    const buffer = Buffer.concat([Buffer.from([0xfe, 0x68, 0x7b]), card.bytes, Buffer.from([1])]);
    const view = buffer.subarray(3, 3 + card.bytes.length);
    expect(protocol.decode(view)).toEqual(whole);
    expect(protocol.mayBeUrgent(view)).toBe(protocol.mayBeUrgent(card.bytes));
  });

  test("explains every field inside the frame, in wire order", () => {
    const { fields, fault } = protocol.explain(card.bytes);
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

  test("an urgent status or an answer to an order is seen by the cheap look", () => {
    const isUrgent = card.expect.readings.some(({ status }) => {
      return status !== null && hasStatus(status, urgentStatus);
    });
    if (isUrgent || card.expect.replies.length > 0) {
      expect(protocol.mayBeUrgent(card.bytes)).toBe(true);
    }
  });

  test("every truncation is refused or says less, and never throws", () => {
    for (let length = 0; length < card.bytes.length; length += 1) {
      checkDamaged(card, card.bytes.slice(0, length));
    }
  });

  test("every single-bit flip is refused, or a typed telegram where there is no checksum", () => {
    for (let bit = 0; bit < card.bytes.length * 8; bit += 1) {
      const damaged = card.bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      checkDamaged(card, damaged);
    }
  });
});

/** CJ/T 188 has a checksum and a length: whatever is damaged is refused. The others have neither. */
function checkDamaged(card: Card, damaged: Uint8Array): void {
  const protocol = protocolByName[card.protocol];
  const result = protocol.decode(damaged);
  protocol.mayBeUrgent(damaged);
  const { fault } = protocol.explain(damaged);
  if (result.ok) {
    expect(fault).toBeNull();
    expect(result.value.readings.length + result.value.replies.length).toBeGreaterThan(0);
    // A lost wake-up byte leaves the whole frame: that is the same value.
    if (card.protocol === "cjt188") expect(result.value).toEqual(card.expect);
  } else {
    expect(fault).toEqual(result.fault);
    expect(reasonOf(result.fault)).toMatch(/^[A-Z]+$/);
  }
}

test("there are cards for every protocol, each with its source, licence and oracle", () => {
  expect(new Set(cards.map(({ protocol }) => protocol)).size).toBe(3);
  for (const { title, source, licence, oracle } of cards) {
    expect([title, source, licence, oracle].every((text) => text.length > 0)).toBe(true);
  }
});
