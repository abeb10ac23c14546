/** Whoever rests is there as if it had been awake. */
import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import type { Alarm } from "#domain/alarm.ts";
import { timestampMs } from "#domain/units.ts";
import { initialContext, type MeterContext } from "#engine/context.ts";
import { Contexts } from "#engine/contexts.ts";

const alarm = { rule: "R1", level: 1, hidden: null, resolution: null } as unknown as Alarm;

function contextOf(atMs: number, slots: Partial<MeterContext> = {}): MeterContext {
  const valve = { ...initialContext.valve, position: "closed" } as const;
  return { ...initialContext, lastReceivedAtMs: timestampMs(atMs), valve, ...slots };
}

const acts = fc.array(
  fc.record({
    act: fc.constantFrom("set", "stand", "get", "delete", "rest"),
    meterNo: fc.integer({ min: 1, max: 5 }),
    atMs: fc.nat(),
  }),
  { maxLength: 60 },
);

property.prop([acts, fc.integer({ min: 0, max: 3 })])(
  "in any order of acts, the same as a plain list",
  (course, awakeMax) => {
    const contexts = new Contexts(awakeMax);
    const list = new Map<number, MeterContext>();
    for (const { act, meterNo, atMs } of course) {
      const context = contextOf(atMs, act === "stand" ? { live: { R1: alarm } } : {});
      if (act === "rest") contexts.rest();
      else if (act === "get") expect(contexts.get(meterNo)).toEqual(list.get(meterNo));
      else if (act === "delete") {
        contexts.delete(meterNo);
        list.delete(meterNo);
      } else {
        contexts.set(meterNo, context);
        list.set(meterNo, context);
      }
      for (const no of [1, 2, 3, 4, 5]) {
        const { lastReceivedAtMs, live, silent, valve } = list.get(no) ?? {};
        if (lastReceivedAtMs === undefined) expect(contexts.glance(no)).toBeUndefined();
        else {
          const { position } = valve ?? {};
          expect(contexts.glance(no)).toMatchObject({ lastReceivedAtMs, live, silent });
          expect(contexts.glance(no)?.valve.position).toBe(position);
        }
      }
    }
    for (const no of [1, 2, 3, 4, 5]) expect(contexts.get(no)).toEqual(list.get(no));
  },
);

test("whoever woke first lies down first; whoever something stands about does not", () => {
  const contexts = new Contexts(1);
  const all = [contextOf(1), contextOf(2, { live: { R1: alarm } }), contextOf(3)];
  for (const [no, context] of all.entries()) contexts.set(no, context);
  contexts.rest();
  expect(contexts.get(1)).toBe(all[1]);
  expect(contexts.get(2)).toBe(all[2]);
  expect(contexts.get(0)).not.toBe(all[0]);
  expect(contexts.get(0)).toEqual(all[0]);
});
