import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { alarmFigures } from "#alarms/alarmFigures.ts";
import type { AlarmEvent } from "#domain/alarmEvent.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "#domain/units.ts";

const day = { fromMs: 0, toMs: dayMs, operators: 1 };

function event(atMs: number, differing: Partial<AlarmEvent> = {}): AlarmEvent {
  return {
    atMs,
    kind: "alarm.raised",
    alarmId: `a${atMs}`,
    rule: "R1",
    priority: 1,
    state: "unacknowledged",
    meterId: `M${atMs}`,
    ...differing,
  };
}

/** So many alarms in the ten minutes from there, a second apart. */
function burst(fromMs: number, count: number): AlarmEvent[] {
  return Array.from({ length: count }, (_, place) => event(fromMs + place * secondMs));
}

test("a quiet day", () => {
  expect(alarmFigures([], day)).toMatchObject({
    rang: 0,
    perDay: 0,
    load: "acceptable",
    floodShare: 0,
    top: [],
  });
});

test("what counts is what rings: not what is hidden, returned, told or outside the span", () => {
  const figures = alarmFigures(
    [
      event(hourMs),
      event(2 * hourMs, { kind: "alarm.reraised" }),
      event(3 * hourMs, { kind: "alarm.escalated" }),
      event(4 * hourMs, { kind: "alarm.reraised", state: "shelved" }),
      event(5 * hourMs, { kind: "alarm.returned", state: "returned-unacknowledged" }),
      event(6 * hourMs, { kind: "alarm.listed", state: "normal" }),
      event(7 * hourMs, { kind: "alarm.unanswered" }),
      event(-1),
      event(dayMs),
    ],
    day,
  );
  expect(figures).toMatchObject({ rang: 3, perDay: 3, unanswered: 1 });
});

test("rates by ten minutes, hour and day, shared by the operators; the load in EEMUA's words", () => {
  const every = (minutes: number) =>
    Array.from({ length: (24 * 60) / minutes }, (_, n) => event(n * minutes * minuteMs));
  expect(alarmFigures(every(10), day)).toMatchObject({
    per10Minutes: 1,
    perHour: 6,
    perDay: 144,
    load: "acceptable",
  });
  expect(alarmFigures(every(5), day).load).toBe("manageable");
  expect(alarmFigures(every(2), day).load).toBe("over-demanding");
  expect(alarmFigures(every(1), day).load).toBe("unacceptable");
  const shared = alarmFigures(every(1), { ...day, operators: 10 });
  expect(shared).toMatchObject({ load: "acceptable", perDay: 144, peakIn10Minutes: 1 });
});

describe("a flood", () => {
  const slot = 10 * minuteMs;

  test("begins above ten in ten minutes and lasts until below five", () => {
    const counts = [10, 11, 5, 9, 4, 10];
    const events = counts.flatMap((count, place) => burst(place * slot, count));
    const figures = alarmFigures(events, day);
    expect(figures.floodShare).toBeCloseTo(3 / 144);
    expect(figures).toMatchObject({ peakIn10Minutes: 11, peakInHour: 49 });
  });
});

test("chattering is more than three changes within a minute, of one alarm", () => {
  const changes = (gapMs: number, count: number) =>
    Array.from({ length: count }, (_, place) =>
      event(place * gapMs, {
        alarmId: "one",
        kind: place % 2 === 0 ? "alarm.reraised" : "alarm.returned",
      }),
    );
  expect(alarmFigures(changes(20 * secondMs, 4), day).chattering).toBe(1);
  expect(alarmFigures(changes(20 * secondMs, 3), day).chattering).toBe(0);
  expect(alarmFigures(changes(21 * secondMs, 4), day).chattering).toBe(0);
});

test("the top ten with their share, and the split by priority", () => {
  const bad = burst(0, 6).map(
    (one) => ({ ...one, meterId: "BAD", rule: "R11", priority: 2 }) as const,
  );
  const others = burst(hourMs, 14).map((one) => ({ ...one, priority: 3 }) as const);
  const figures = alarmFigures([...bad, ...others], day);
  expect(figures.top).toHaveLength(10);
  expect(figures.top[0]).toEqual({ meterId: "BAD", rule: "R11", rang: 6, share: 0.3 });
  expect(figures.byPriority).toEqual({ 1: 0, 2: 6, 3: 14, 4: 0 });
});

test("whatever happens: the split adds up, shares are shares", () => {
  const anyEvent = fc
    .record({
      atMs: fc.integer({ min: -hourMs, max: dayMs + hourMs }),
      kind: fc.constantFrom<AlarmEvent["kind"]>("alarm.raised", "alarm.returned", "alarm.reraised"),
      alarmId: fc.constantFrom("a", "b", "c"),
      priority: fc.constantFrom<AlarmEvent["priority"]>(1, 2, 3, 4),
      state: fc.constantFrom<AlarmEvent["state"]>("unacknowledged", "shelved"),
    })
    .map((one) => event(one.atMs, { ...one, meterId: one.alarmId }));
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      const inTime = [...events].sort((one, other) => one.atMs - other.atMs);
      const figures = alarmFigures(inTime, day);
      const split = Object.values(figures.byPriority).reduce((sum, count) => sum + count, 0);
      expect(split).toBe(figures.rang);
      expect(figures.floodShare).toBeGreaterThanOrEqual(0);
      expect(figures.floodShare).toBeLessThanOrEqual(1);
      expect(figures.top.reduce((sum, { rang }) => sum + rang, 0)).toBeLessThanOrEqual(
        figures.rang,
      );
    }),
  );
});
