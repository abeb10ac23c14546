/** Planned work explains some alarms for a time: recorded, counted, not heard; at its end what stands rings. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Alarm, RuleId } from "#domain/alarm.ts";
import { workKinds, workLimits, type WorkKind } from "#domain/plannedWork.ts";
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";
import type { BatchReport } from "#engine/messages.ts";
import { answersFrom, openForReading } from "#ledger/queries.ts";
import type { AskResult } from "#ports/requests.ts";
import { EngineUnderTest, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
let north: number;
let south: number;

beforeEach(() => {
  engine = new EngineUnderTest();
  north = engine.register("N1", { area: "north" });
  south = engine.register("S1", { area: "south" });
  for (const meterNo of [north, south]) say(meterNo, {});
});
afterEach(() => engine.close());

function kindsOf(result: BatchReport): readonly string[] {
  if (result.kind !== "committed") throw new TypeError(result.message);
  return result.events.map(({ json }) => (JSON.parse(json) as { kind: string }).kind);
}

function say(meterNo: number, values: object): readonly string[] {
  engine.nowMs += minuteMs;
  const bytes = jsonBytes({ measuredAt: engine.nowMs, volumeM3: "100.000", status: [], ...values });
  return kindsOf(engine.uplinks([{ meterNo, bytes }]));
}

/** Two values that agree. */
const pressure = (meterNo: number, pressureKpa: string) => [
  ...say(meterNo, { pressureKpa }),
  ...say(meterNo, { pressureKpa }),
];

function pass(ms: number): readonly string[] {
  engine.nowMs += ms;
  return kindsOf(engine.process({}));
}

let plans = 0;
function plan(kind: WorkKind, fromMs: number, toMs: number, where: object = {}): AskResult {
  const scope = { areas: ["north"], meterIds: [], ...where };
  const work = { kind, ...scope, fromMs, toMs, responsible: "crew 4", reason: "regulator" };
  const plannedWorkId = `pw_${(plans += 1)}`;
  return engine.ask({ kind: "plannedWork.plan", plannedWorkId, work, reason: work.reason });
}

const end = (plannedWorkId = `pw_${plans}`) =>
  engine.ask({ kind: "plannedWork.end", plannedWorkId, reason: "regulator set" });

const extend = (toMs: number) =>
  engine.ask({
    kind: "plannedWork.extend",
    plannedWorkId: `pw_${plans}`,
    toMs,
    reason: "a part is missing",
  });

/** Work that begins in a minute and takes two hours, and it has begun. */
function begin(kind: WorkKind, where: object = {}): void {
  const fromMs = engine.nowMs + minuteMs;
  expect(plan(kind, fromMs, fromMs + 2 * hourMs, where)).toMatchObject({ ok: true });
  expect(pass(minuteMs)).toContain("work.started");
}

function alarmBy(rule: RuleId, meterNo: number | null = north): Alarm {
  const alarm = engine.alarms(rule).findLast((one) => one.meterNo === meterNo);
  if (alarm === undefined) throw new TypeError(`no ${rule}`);
  return alarm;
}

function view() {
  const db = openForReading(engine.directory);
  const found = answersFrom(db).plannedWork(`pw_${plans}`);
  db.close();
  return found;
}

describe("work at the pressure of one area", () => {
  test("hides a low pressure there, on record and counted, over a restart; what stands at its end rings", () => {
    begin("pressure");
    expect(pressure(north, "0.60")).toContain("alarm.suppressed");
    expect(alarmBy("R13")).toMatchObject({
      state: "suppressed",
      parentId: `pw_${plans}`,
      rungAtMs: null,
      hidden: { reason: "planned work", workId: `pw_${plans}`, workKind: "pressure" },
    });
    expect(pressure(south, "0.60")).toContain("alarm.raised");
    engine.restart();
    expect(pressure(north, "2.00")).toContain("alarm.returned");
    expect(pressure(north, "0.60")).toContain("alarm.reraised");
    expect(alarmBy("R13")).toMatchObject({ state: "suppressed", occurrence: 2, rungAtMs: null });
    expect(view()).toMatchObject({ alarms: { total: 1, hidden: 1 } });
    expect(end()).toMatchObject({ ok: true });
    expect(pass(secondMs)).toEqual(["alarm.released", "alarm.reraised"]);
    expect(alarmBy("R13")).toMatchObject({ state: "unacknowledged", hidden: null });
    expect(view()).toMatchObject({ alarms: { total: 1, hidden: 0 } });
  });

  test("what is over at its end is over; what began before it, or is no matter of it, rings", () => {
    pressure(south, "0.60");
    begin("pressure", { areas: ["north", "south"] });
    expect(pressure(south, "0.60")).toEqual([]);
    expect(alarmBy("R13", south).state).toBe("unacknowledged");
    pressure(north, "0.60");
    pressure(north, "2.00");
    expect(say(north, { status: ["magnet"] })).toContain("alarm.raised");
    end();
    expect(pass(secondMs)).toEqual(["alarm.released", "alarm.cleared"]);
  });

  test("never hides a leak, nor a pressure of the first priority", () => {
    begin("pressure");
    pressure(north, "0.60");
    expect(pressure(north, "0.10")).toContain("alarm.escalated");
    expect(alarmBy("R13")).toMatchObject({ state: "unacknowledged", priority: 1, hidden: null });
    expect(say(north, { status: ["leak"] })).toContain("alarm.raised");
    expect(alarmBy("R1").state).toBe("unacknowledged");
  });

  test("hides what stood in sight, over, and begins anew inside it", () => {
    pressure(north, "0.60");
    pressure(north, "2.00");
    expect(alarmBy("R13").state).toBe("returned-unacknowledged");
    begin("pressure");
    expect(pressure(north, "0.60")).toEqual(["alarm.suppressed", "alarm.reraised"]);
    expect(alarmBy("R13").state).toBe("suppressed");
  });

  test("two works at once: the second one goes on hiding what the first one hid", () => {
    begin("pressure");
    const first = `pw_${plans}`;
    begin("meters", { areas: [], meterIds: ["N1"] });
    pressure(north, "0.60");
    expect(alarmBy("R13").hidden?.workId).toBe(first);
    end(first);
    expect(pass(secondMs)).toEqual([]);
    expect(alarmBy("R13")).toMatchObject({ state: "suppressed", parentId: `pw_${plans}` });
    end();
    expect(pass(secondMs)).toEqual(["alarm.released", "alarm.reraised"]);
  });
});

test("hands at a meter: the cover rings not, and its latch waits for a person at the end", () => {
  begin("meters", { areas: [], meterIds: ["N1"] });
  say(north, { status: ["cover_open"] });
  say(north, {});
  expect(alarmBy("R11").state).toBe("suppressed");
  end();
  pass(secondMs);
  expect(alarmBy("R11")).toMatchObject({ state: "latched-unacknowledged", hidden: null });
});

test("work at a gateway's network: the outage of its area is not heard, and rings when it outlasts the work", () => {
  const nos = Array.from({ length: 30 }, (_, place) =>
    engine.register(`W${place}`, { area: "west" }),
  );
  for (const meterNo of nos) say(meterNo, {});
  const fromMs = engine.nowMs + minuteMs;
  plan("network", fromMs, fromMs + 6 * hourMs, { areas: ["west"] });
  const told: string[] = [];
  for (let minute = 0; minute < 4 * 60; minute += 1) {
    told.push(...pass(minuteMs));
    if (minute % 30 === 0) for (const meterNo of [north, south]) say(meterNo, {});
  }
  expect(told).not.toContain("alarm.raised");
  expect(alarmBy("OUTAGE", null)).toMatchObject({
    state: "suppressed",
    parentId: `pw_${plans}`,
    proof: { silent: 30 },
  });
  expect(engine.alarms("R12").filter(({ rungAtMs }) => rungAtMs !== null)).toEqual([]);
  engine.restart();
  pass(secondMs);
  end();
  expect(pass(2 * secondMs)).toEqual(["alarm.released", "alarm.reraised"]);
  expect(alarmBy("OUTAGE", null).state).toBe("unacknowledged");
  expect(engine.alarms("R12").filter(({ rungAtMs }) => rungAtMs !== null)).toEqual([]);
});

describe("a plan and the clock", () => {
  test("past its end nothing is hidden any more, and the work itself is shown until somebody ends it", () => {
    begin("pressure");
    pressure(north, "0.60");
    const told = pass(2 * hourMs);
    expect(told).toContain("work.overdue");
    expect(told).toContain("alarm.released");
    expect(alarmBy("R13").state).toBe("unacknowledged");
    expect(alarmBy("WORK", null)).toMatchObject({
      state: "unacknowledged",
      priority: 3,
      proof: { works: 1, work: `pw_${plans}`, responsible: "crew 4" },
    });
    expect(pass(secondMs)).toEqual([]);
    // Longer: the next one is hidden again, what rings goes on ringing.
    expect(extend(engine.nowMs + hourMs)).toMatchObject({ ok: true });
    pass(secondMs);
    expect(alarmBy("WORK", null).state).toBe("returned-unacknowledged");
    expect(alarmBy("R13").state).toBe("unacknowledged");
    expect(pass(hourMs)).toContain("work.overdue");
    end();
    pass(secondMs);
    expect(alarmBy("WORK", null).returnedAtMs).not.toBeNull();
    expect(view()?.work.trace.map(({ act, by }) => `${act} ${by}`)).toEqual([
      "planned tester",
      "started engine",
      "overdue engine",
      "extended tester",
      "overdue engine",
      "finished tester",
    ]);
  });

  test("before its beginning nothing is hidden, and it can be called off", () => {
    plan("pressure", engine.nowMs + hourMs, engine.nowMs + 2 * hourMs);
    expect(pressure(north, "0.60")).toContain("alarm.raised");
    expect(end()).toMatchObject({ ok: true });
    expect(pass(2 * hourMs)).not.toContain("work.started");
    expect(view()?.work.trace.at(-1)?.act).toBe("cancelled");
    expect(end()).toMatchObject({ refusal: { kind: "not-allowed-in-state" } });
  });

  test("what cannot be is refused, and a plan that could not be stored hides nothing", () => {
    const { nowMs } = engine;
    const refusal = (kind: string) => ({ ok: false, refusal: { kind } });
    expect(plan("pressure", nowMs - hourMs, nowMs + hourMs)).toMatchObject(refusal("invalid"));
    expect(plan("pressure", nowMs + hourMs, nowMs)).toMatchObject(refusal("invalid"));
    for (const kind of workKinds) {
      const tooLong = nowMs + workLimits.lengthMsMax[kind] + hourMs;
      expect(plan(kind, nowMs, tooLong)).toMatchObject(refusal("invalid"));
    }
    const nowhere = plan("pressure", nowMs, nowMs + hourMs, { areas: ["nowhere"] });
    expect(nowhere).toMatchObject(refusal("not-found"));
    engine.failAfter(0);
    expect(() => plan("pressure", nowMs, nowMs + hourMs)).toThrow("not answered");
    engine.failAfter(null);
    expect(pressure(north, "0.60")).toContain("alarm.raised");
  });

  test("who, when and why are in the audit", () => {
    begin("pressure");
    end();
    const rows = engine.rows("SELECT actor, act, subject, reason FROM audit ORDER BY seq");
    expect(rows.slice(-2)).toEqual([
      { actor: "tester", act: "plannedWork.plan", subject: `pw_${plans}`, reason: "regulator" },
      { actor: "tester", act: "plannedWork.end", subject: `pw_${plans}`, reason: "regulator set" },
    ]);
  });
});
