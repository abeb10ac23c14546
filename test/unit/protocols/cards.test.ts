/** Every card through decode and explain; what damage does to them is in `damage.test.ts`. */
import { describe, expect, test } from "vitest";
import { hasStatus, urgentStatus } from "#domain/status.ts";
import { protocolByName } from "#protocols/registry.ts";
import { loadCards } from "./cards.ts";

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
});

test("there are cards for every protocol, each with its source, licence and oracle", () => {
  expect(new Set(cards.map(({ protocol }) => protocol)).size).toBe(3);
  for (const { title, source, licence, oracle } of cards) {
    expect([title, source, licence, oracle].every((text) => text.length > 0)).toBe(true);
  }
});
