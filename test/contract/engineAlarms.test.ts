/** ISA-18.2 on a real ledger: shelves, service, age, two consoles at once, a crash between. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { alarmTimes } from "#alarms/alarmTimes.ts";
import type { Alarm, MeterRuleId } from "#domain/alarm.ts";
import { alarmId } from "#domain/ids.ts";
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import type { AskResult } from "#ports/requests.ts";
import { EngineUnderTest, envelopeOf, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let meterNo: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  meterNo = engine.register("M0001");
  report([]);
});
afterEach(() => engine.close());

function kindsOf(result: BatchReport): readonly string[] {
  if (result.kind !== "committed") throw new TypeError(result.message);
  return result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
}

function report(status: readonly string[], afterMs: number = secondMs): readonly string[] {
  engine.nowMs += afterMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "100.000", status });
  return kindsOf(engine.uplinks([{ meterNo, bytes }]));
}

/** Nothing arrives; only time passes. */
function pass(ms: number): readonly string[] {
  engine.nowMs += ms;
  return kindsOf(engine.process({}));
}

function pressure(pressureKpa: string): readonly string[] {
  engine.nowMs += minuteMs;
  const values = { measuredAt: engine.nowMs, volumeM3: "100.000", status: [], pressureKpa };
  return kindsOf(engine.uplinks([{ meterNo, bytes: jsonBytes(values) }]));
}

function alarmBy(rule: MeterRuleId): Alarm {
  const alarm = engine.alarms(rule).at(-1);
  if (alarm === undefined) throw new TypeError(`no ${rule}`);
  return alarm;
}

function shelve(alarm: Alarm, inMs: number, occurrence: number | null = null): AskResult {
  const reason = "workshop at the meter";
  return engine.ask({ kind: "alarm.shelve", alarmId: alarm.id, occurrence, reason, end: { inMs } });
}

function act(kind: "alarm.unshelve" | "alarm.reset", alarm: Alarm): AskResult {
  return engine.ask({ kind, alarmId: alarm.id, reason: "looked at it" });
}

const acknowledge = (alarm: Alarm) =>
  engine.ask({
    kind: "alarm.acknowledge",
    alarmId: alarm.id,
    occurrence: alarm.occurrence,
    comment: null,
  });

describe("a shelf", () => {
  test("once: it ends when the alarm returns, and the next time rings", () => {
    pressure("0.6");
    pressure("0.6");
    const once = (alarm: Alarm) =>
      engine.ask({
        kind: "alarm.shelve",
        alarmId: alarm.id,
        occurrence: null,
        reason: "regulator is being set",
        end: { onReturn: true },
      });
    expect(once(alarmBy("R13"))).toMatchObject({ ok: true });
    const { id, hidden } = alarmBy("R13");
    expect(hidden).toMatchObject({
      isOnce: true,
      untilMs: engine.nowMs + alarmTimes.shelvedMsMax[2],
    });
    engine.restart();
    pressure("2.0");
    const over = pressure("2.0");
    expect(over).toEqual(["alarm.returned", "alarm.unshelved", "alarm.cleared"]);
    expect(engine.ledger.alarm(id)).toMatchObject({ state: "normal", hidden: null });
    pressure("0.6");
    expect(pressure("0.6")).toContain("alarm.raised");
    // What is over has nothing to wait for, and the highest priority is never shelved.
    pressure("2.0");
    pressure("2.0");
    expect(once(alarmBy("R13"))).toMatchObject({ refusal: { kind: "not-allowed-in-state" } });
    report(["leak"]);
    expect(once(alarmBy("R1"))).toMatchObject({ refusal: { kind: "invalid" } });
  });

  test("once, with a latch: the shelf ends and the latch waits for a person; without an end the time ends it", () => {
    report(["magnet"]);
    const shelveOnce = () =>
      engine.ask({
        kind: "alarm.shelve",
        alarmId: alarmBy("R11").id,
        occurrence: null,
        reason: "fitter on the way",
        end: { onReturn: true },
      });
    expect(shelveOnce()).toMatchObject({ ok: true });
    report([]);
    expect(alarmBy("R11").state).toBe("latched-unacknowledged");
    report(["magnet"]);
    expect(shelveOnce()).toMatchObject({ ok: true });
    const ended = pass(alarmTimes.shelvedMsMax[2] + secondMs);
    expect(ended.slice(0, 2)).toEqual(["alarm.unshelved", "alarm.reraised"]);
  });

  test("is for the lower priorities, for a time with a limit, and never for a leak", () => {
    report(["leak", "magnet"]);
    expect(shelve(alarmBy("R1"), minuteMs)).toMatchObject({ refusal: { kind: "invalid" } });
    const tooLong = shelve(alarmBy("R11"), alarmTimes.shelvedMsMax[2] + 1);
    expect(tooLong).toMatchObject({ refusal: { kind: "invalid" } });
    expect(shelve(alarmBy("R11"), 0)).toMatchObject({ refusal: { kind: "invalid" } });
    expect(shelve(alarmBy("R11"), alarmTimes.shelvedMsMax[2])).toMatchObject({ ok: true });
    expect(alarmBy("R11")).toMatchObject({
      state: "shelved",
      hidden: { reason: "workshop at the meter", by: "tester" },
    });
    expect(alarmBy("R1").state).toBe("unacknowledged");
  });

  test("hides the bell and not the record, and is over by itself, also over a restart", () => {
    report(["battery_critical"]);
    const { id } = alarmBy("R10");
    shelve(alarmBy("R10"), hourMs);
    expect(report([])).toEqual(["alarm.returned"]);
    expect(report(["battery_critical"])).toEqual(["alarm.reraised"]);
    expect(engine.ledger.alarm(id)).toMatchObject({ state: "shelved", occurrence: 2 });
    expect(engine.rows("SELECT id FROM occurrence")).toHaveLength(2);
    engine.restart();
    expect(pass(hourMs - 3 * secondMs)).not.toContain("alarm.unshelved");
    expect(pass(2 * secondMs)).toEqual(["alarm.unshelved", "alarm.reraised"]);
    expect(engine.ledger.alarm(id)).toMatchObject({
      state: "unacknowledged",
      hidden: null,
      occurrence: 3,
      acknowledgedAtMs: null,
    });
  });

  test("ends in normal when the condition went meanwhile; a latch is not lost on it", () => {
    report(["battery_critical", "magnet"]);
    shelve(alarmBy("R10"), hourMs);
    shelve(alarmBy("R11"), hourMs);
    report([]);
    expect(act("alarm.unshelve", alarmBy("R10"))).toMatchObject({ ok: true });
    expect(act("alarm.unshelve", alarmBy("R11"))).toMatchObject({ ok: true });
    expect(alarmBy("R10").state).toBe("normal");
    expect(alarmBy("R11").state).toBe("latched-unacknowledged");
  });

  test("does not hide what has become graver", () => {
    pressure("4.00");
    pressure("4.00");
    expect(shelve(alarmBy("R13"), 8 * hourMs)).toMatchObject({ ok: true });
    expect([...pressure("20.00"), ...pressure("20.00")]).toContain("alarm.escalated");
    const graver = { level: 2, priority: 1, state: "unacknowledged", hidden: null };
    expect(alarmBy("R13")).toMatchObject(graver);
  });

  test("does not hide what went and comes back graver: a high pressure of the first priority", () => {
    pressure("4.00");
    pressure("4.00");
    expect(alarmBy("R13")).toMatchObject({ level: 1, priority: 2, state: "unacknowledged" });
    expect(shelve(alarmBy("R13"), 8 * hourMs)).toMatchObject({ ok: true });
    pressure("2.00");
    expect(pressure("2.00")).toEqual(["alarm.returned"]);
    expect(alarmBy("R13").state).toBe("shelved");
    pressure("20.00");
    pressure("20.00");
    expect(alarmBy("R13")).toMatchObject({
      level: 2,
      priority: 1,
      state: "unacknowledged",
      hidden: null,
    });
  });

  test("two consoles at once: the acknowledgement that lost is told what stands", () => {
    report(["magnet"]);
    const alarm = alarmBy("R11");
    const end = { inMs: hourMs };
    const result = engine.process({
      asks: [
        {
          askNo: 1,
          envelope: envelopeOf({
            kind: "alarm.shelve",
            alarmId: alarm.id,
            occurrence: 1,
            reason: "a",
            end,
          }),
        },
        {
          askNo: 2,
          envelope: envelopeOf({
            kind: "alarm.acknowledge",
            alarmId: alarm.id,
            occurrence: 1,
            comment: null,
          }),
        },
      ],
    });
    if (result.kind !== "committed") throw new TypeError(result.message);
    expect(result.answers.map((answer) => answer.result.ok)).toEqual([true, false]);
    expect(result.answers[1]?.result).toMatchObject({
      refusal: { kind: "not-allowed-in-state", alarm: { state: "shelved" } },
    });
  });

  test("a crash before the commit leaves nothing of it, and the same act succeeds afterwards", () => {
    report(["magnet"]);
    const alarm = alarmBy("R11");
    engine.failAfter(1);
    expect(() => shelve(alarm, hourMs)).toThrow("not answered");
    engine.failAfter(null);
    engine.restart();
    expect(alarmBy("R11")).toEqual(alarm);
    expect(shelve(alarm, hourMs)).toMatchObject({ ok: true });
  });

  test("a shelf of an occurrence that rang again meanwhile is refused", () => {
    report(["magnet"]);
    const seen = alarmBy("R11");
    report([]);
    report(["magnet"]);
    expect(shelve(seen, hourMs, 1)).toMatchObject({ refusal: { kind: "occurrence-changed" } });
    expect(shelve(seen, hourMs, 2)).toMatchObject({ ok: true });
  });

  test("is no active alarm in the figures", () => {
    report(["magnet"]);
    const counts = () => {
      const result = engine.process({});
      return result.kind === "committed" ? result.activeAlarms[2] : -1;
    };
    expect(counts()).toBe(1);
    shelve(alarmBy("R11"), hourMs);
    expect(counts()).toBe(0);
    engine.restart();
    expect(counts()).toBe(0);
  });
});

describe("nobody answers", () => {
  test("a leak tells so after three minutes, and again, and then leaves it", () => {
    report(["leak"]);
    expect(pass(3 * minuteMs - secondMs)).toEqual([]);
    expect(pass(secondMs)).toEqual(["alarm.unanswered"]);
    engine.restart();
    expect(pass(3 * minuteMs)).toEqual(["alarm.unanswered"]);
    expect(pass(3 * minuteMs)).toEqual(["alarm.unanswered"]);
    expect(pass(hourMs)).toEqual([]);
    expect(alarmBy("R1")).toMatchObject({ state: "unacknowledged", unanswered: 3 });
  });

  test("a leak that went by itself still waits for an answer; an answer ends the waiting", () => {
    report(["leak"]);
    report([]);
    expect(pass(3 * minuteMs)).toEqual(["alarm.unanswered"]);
    acknowledge(alarmBy("R1"));
    expect(pass(hourMs)).toEqual([]);
  });

  test("the lower priorities wait longer or for ever", () => {
    report(["magnet", "micro_flow"]);
    expect(pass(30 * minuteMs - secondMs)).toEqual([]);
    expect(pass(secondMs)).toEqual(["alarm.unanswered"]);
    expect(alarmBy("R6").unanswered).toBe(0);
    expect(alarmBy("R11").unanswered).toBe(1);
  });
});

test("what is acknowledged and goes on rings again for the next shift", () => {
  report(["leak"]);
  acknowledge(alarmBy("R1"));
  for (let hour = 0; hour < 7; hour += 1) expect(report(["leak"], hourMs)).toEqual([]);
  expect(report(["leak"], hourMs)).toContain("alarm.reraised");
  expect(alarmBy("R1")).toMatchObject({
    state: "unacknowledged",
    occurrence: 2,
    acknowledgedAtMs: null,
  });
});

test("a meter in store tells of a leak and of nothing else; in service its next report rings", () => {
  meterNo = engine.register("M0002", { lifecycle: "pending" });
  expect(report(["magnet", "large_flow"])).not.toContain("alarm.raised");
  expect(engine.alarms("R11")).toMatchObject([{ historical: true, rungAtMs: null }]);
  expect(report(["magnet", "leak"])).toContain("alarm.raised");
  expect(alarmBy("R1").state).toBe("unacknowledged");
  const change = { lifecycle: "active" } as const;
  engine.ask({ kind: "meter.change", meterId: "M0002", ifVersion: null, change });
  expect(report(["magnet", "leak"])).toContain("alarm.raised");
  expect(alarmBy("R11")).toMatchObject({ state: "unacknowledged", historical: false });
});

test("out of service, what comes to the first priority is in sight", () => {
  pressure("4.00");
  pressure("4.00");
  const change = { lifecycle: "maintenance" } as const;
  engine.ask({ kind: "meter.change", meterId: "M0001", ifVersion: null, change });
  expect(alarmBy("R13")).toMatchObject({ state: "out-of-service", priority: 2 });
  expect([...pressure("20.00"), ...pressure("20.00")]).toContain("alarm.escalated");
  expect(alarmBy("R13")).toMatchObject({ state: "unacknowledged", priority: 1, hidden: null });
});

test("a meter out of service takes its alarms along, but not a leak; both are back with it", () => {
  report(["leak", "magnet", "battery_critical"]);
  const change = (lifecycle: "maintenance" | "active") =>
    engine.ask({ kind: "meter.change", meterId: "M0001", ifVersion: null, change: { lifecycle } });
  change("maintenance");
  expect(alarmBy("R1").state).toBe("unacknowledged");
  expect(alarmBy("R11")).toMatchObject({
    state: "out-of-service",
    hidden: { reason: "meter is maintenance", by: "tester", untilMs: null },
  });
  report(["leak", "magnet"]);
  expect(act("alarm.unshelve", alarmBy("R11"))).toMatchObject({ ok: false });
  engine.restart();
  change("active");
  expect(alarmBy("R11")).toMatchObject({ state: "unacknowledged", occurrence: 2, hidden: null });
  expect(alarmBy("R10").state).toBe("normal");
});

test("a shelf of the system's own alarms follows the same rules", () => {
  report([]);
  engine.failAfter(0);
  expect(engine.process({}).kind).toBe("notCommitted");
  engine.failAfter(null);
  engine.process({});
  const blind = engine.alarms("BLIND").at(-1);
  if (blind === undefined) throw new TypeError("no BLIND");
  expect(shelve(blind, minuteMs)).toMatchObject({ refusal: { kind: "invalid" } });
  expect(engine.ledger.alarm(alarmId(blind.id))).toMatchObject({
    state: "returned-unacknowledged",
    rungAtMs: blind.rungAtMs,
  });
});
