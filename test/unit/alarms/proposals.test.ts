/** What is proposed for the loudest sources, and what each proposal would have kept away, by hand-made histories. */
import { expect, test } from "vitest";
import { proposals } from "#alarms/proposals.ts";
import type { Priority } from "#domain/alarm.ts";
import type { AlarmEvent } from "#domain/alarmEvent.ts";
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";

interface Source {
  readonly meterId?: string;
  readonly priority?: Priority;
  readonly times: number;
  readonly everyMs: number;
  readonly lastingMs: number;
}

/** Rings and returns at even distances. */
function history({
  meterId = "M1",
  priority = 2,
  times,
  everyMs,
  lastingMs,
}: Source): AlarmEvent[] {
  return Array.from({ length: times }, (_, place) => {
    const common = { alarmId: "a", rule: "R13", priority, meterId } as const;
    const atMs = place * everyMs;
    return [
      {
        ...common,
        atMs,
        kind: place === 0 ? "alarm.raised" : "alarm.reraised",
        state: "unacknowledged",
      },
      {
        ...common,
        atMs: atMs + lastingMs,
        kind: "alarm.returned",
        state: "returned-unacknowledged",
      },
    ] as const satisfies readonly AlarmEvent[];
  }).flat();
}

test("a value that swings about its limit: a dead band, and once instead of ten times", () => {
  const events = history({ times: 10, everyMs: 2 * minuteMs, lastingMs: minuteMs + 30 * secondMs });
  expect(proposals(events)).toMatchObject([
    { meterId: "M1", rule: "R13", rang: 10, kind: "dead-band", delaySeconds: 60, wouldHaveRung: 1 },
  ]);
});

test("what comes back within the hour: its end is told later", () => {
  const events = history({ times: 6, everyMs: hourMs, lastingMs: 30 * minuteMs });
  expect(proposals(events)).toMatchObject([
    { kind: "off-delay", delaySeconds: 3_600, wouldHaveRung: 1 },
  ]);
});

test("short and days apart: it must hold for a time before it rings", () => {
  const events = history({ times: 6, everyMs: 48 * hourMs, lastingMs: 3 * minuteMs });
  expect(proposals(events)).toMatchObject([
    { kind: "on-delay", delaySeconds: 300, wouldHaveRung: 0 },
  ]);
});

test("long and days apart: no delay helps, somebody must look", () => {
  const events = history({ times: 6, everyMs: 96 * hourMs, lastingMs: 40 * hourMs });
  expect(proposals(events)).toMatchObject([
    { kind: "inspect", delaySeconds: null, wouldHaveRung: 6 },
  ]);
});

test("priority 1 is never delayed, and what rang seldom is left alone", () => {
  const often = { times: 20, everyMs: 2 * minuteMs, lastingMs: minuteMs };
  expect(proposals(history({ ...often, priority: 1 }))).toEqual([]);
  expect(proposals(history({ ...often, times: 4 }))).toEqual([]);
});

test("the loudest first, each meter by itself", () => {
  const quiet = history({ meterId: "M2", times: 5, everyMs: 2 * minuteMs, lastingMs: minuteMs });
  const loud = history({ meterId: "M3", times: 9, everyMs: 2 * minuteMs, lastingMs: minuteMs });
  const found = proposals([...quiet, ...loud].toSorted((one, other) => one.atMs - other.atMs));
  expect(found.map(({ meterId, rang }) => [meterId, rang])).toEqual([
    ["M3", 9],
    ["M2", 5],
  ]);
});
