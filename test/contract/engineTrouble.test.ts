/** The system's own alarms on a real ledger: raised, graver, over, and what a restart and a crash make of them. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ConditionLevel, TroubleRuleId } from "#domain/alarm.ts";
import { hourMs, minuteMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import { systemClock } from "../../src/systemClock.ts";
import { EngineUnderTest, jsonBytes, startMs } from "../support/engine.ts";

let engine: EngineUnderTest;

beforeEach(() => void (engine = new EngineUnderTest()));
afterEach(() => engine.close());

function kindsOf(result: BatchReport): readonly string[] {
  if (result.kind !== "committed") throw new TypeError(result.message);
  return result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
}

function tell(rule: TroubleRuleId, level: ConditionLevel, proof = {}): readonly string[] {
  return kindsOf(engine.notices({ kind: "trouble", trouble: { rule, level, proof } }));
}

describe("what the process measures of itself", () => {
  test.each<readonly [TroubleRuleId, number]>([
    ["LAG", 1],
    ["INTAKE", 1],
    ["CLOCK", 2],
    ["BACKUP", 2],
    ["HEARTBEAT", 2],
    ["NOTIFIER", 2],
    ["FANOUT", 2],
  ])("%s is raised with priority %i, and is over after a restart", (rule, priority) => {
    expect(tell(rule, 0)).toEqual([]);
    expect(tell(rule, 1)).toEqual(["alarm.raised"]);
    expect(engine.alarms(rule)).toMatchObject([
      { state: "unacknowledged", priority, meterNo: null, level: 1 },
    ]);
    engine.restart();
    expect(tell(rule, 1)).toEqual([]);
    expect(tell(rule, 0)).toEqual(["alarm.returned"]);
    expect(tell(rule, 0)).toEqual([]);
    expect(tell(rule, 1)).toEqual(["alarm.reraised"]);
    expect(engine.alarms(rule)).toMatchObject([{ occurrence: 2, state: "unacknowledged" }]);
  });

  test("a disk that fills up is graver at its second level, and less so when it is cleared", () => {
    expect(tell("DISK", 1, { freePct: 17 })).toEqual(["alarm.raised"]);
    expect(engine.alarms("DISK")).toMatchObject([{ level: 1, priority: 2 }]);
    engine.restart();
    expect(tell("DISK", 2, { freePct: 8 })).toEqual(["alarm.escalated"]);
    expect(engine.alarms("DISK")).toMatchObject([{ level: 2, priority: 1, proof: { freePct: 8 } }]);
    expect(tell("DISK", 1, { freePct: 13 })).toEqual([]);
    expect(engine.alarms("DISK")).toMatchObject([{ level: 1, priority: 2 }]);
    expect(tell("DISK", 0)).toEqual(["alarm.returned"]);
  });

  test("a batch that could not be kept leaves nothing of it", () => {
    engine.failAfter(1);
    const trouble = { rule: "CLOCK", level: 1, proof: {} } as const;
    expect(engine.notices({ kind: "trouble", trouble }).kind).toBe("notCommitted");
    engine.failAfter(null);
    expect(engine.alarms("CLOCK")).toEqual([]);
    expect(tell("CLOCK", 1)).toContain("alarm.raised");
  });
});

describe("the machine's clock is moved by an hour or a year", () => {
  test.each([1, -1, 8_766, -8_766])("%i h: nobody falls silent, nothing runs out", (hours) => {
    const machine = { wall: startMs, steady: 0 };
    const clock = systemClock(
      { factor: 1, baseMs: startMs },
      { wallMs: () => machine.wall, monotonicMs: () => machine.steady },
    );
    const pass = (ms: number) => {
      machine.wall += ms;
      machine.steady += ms;
      engine.nowMs = clock.nowMs();
      return engine;
    };
    const meterNo = engine.register("M0001");
    const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "100.000", status: [] });
    engine.uplinks([{ meterNo, bytes }]);
    engine.ask({
      kind: "valve.close",
      meterId: "M0001",
      reason: "test",
      expiresInMs: 10 * minuteMs,
    });
    pass(1_000).process({});
    machine.wall += hours * hourMs;
    expect(Math.abs(clock.apartMs())).toBe(Math.abs(hours) * hourMs);
    for (let second = 0; second < 30; second += 1) {
      expect(kindsOf(pass(1_000).process({}))).toEqual([]);
    }
    const commands = engine.rows("SELECT state FROM command");
    expect(commands).toEqual([{ state: "queued" }]);
    // And it does run out, when its time is over.
    expect(kindsOf(pass(10 * minuteMs).process({}))).toContain("command.expired");
  });
});

describe("arrivals", () => {
  /** So many uplinks in each of these minutes, told every five; by day a hundred in ten minutes, by night none. */
  function minutes(count: number, each: (hour: number) => number): readonly string[] {
    const kinds: string[] = [];
    for (let minute = 0; minute < count; minute += 5) {
      engine.nowMs += 5 * minuteMs;
      const hour = new Date(engine.nowMs).getUTCHours();
      const uplinks = Array.from({ length: 5 * each(hour) }, () => ({
        meterNo: -1,
        bytes: Uint8Array.of(0x7b),
      }));
      const result = uplinks.length === 0 ? engine.process({}) : engine.uplinks(uplinks);
      kinds.push(
        ...kindsOf(result).filter((kind) => /^alarm\.(raised|reraised|returned)$/.test(kind)),
      );
    }
    return kinds;
  }
  const byDay = (hour: number) => (hour >= 6 ? 10 : 0);
  const day = 24 * 60;

  test("are learned by the time of day, missed within ten minutes, and kept over a restart", () => {
    expect(minutes(4 * day, byDay)).toEqual([]);
    // Night, and the first hours of the day.
    expect(minutes(8 * 60, byDay)).toEqual([]);
    expect(minutes(20, (hour) => byDay(hour) / 2)).toEqual(["alarm.raised"]);
    expect(engine.alarms("ARRIVALS")).toMatchObject([
      { priority: 2, proof: { usual: 100 }, state: "unacknowledged" },
    ]);
    engine.restart();
    // For an hour the service says nothing about arrivals, then they are the usual ones.
    expect(minutes(60, byDay)).toEqual([]);
    expect(minutes(20, byDay)).toEqual(["alarm.returned"]);
    expect(minutes(20, () => 0)).toEqual(["alarm.reraised"]);
  });

  test("after a stop of hours there is no alarm, and the stop is not learned", () => {
    minutes(4 * day + 8 * 60, byDay);
    engine.nowMs += 3 * hourMs;
    engine.restart();
    expect(minutes(55, () => 0)).toEqual([]);
    engine.nowMs += 10 * minuteMs;
    expect(minutes(10, byDay)).toEqual([]);
    expect(minutes(40, byDay)).toEqual([]);
    expect(engine.alarms("ARRIVALS")).toEqual([]);
  });
});
