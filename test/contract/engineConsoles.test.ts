/**
 * The state table through the engine on a real ledger: two consoles act on one alarm in every state, each act with
 * each other one, in one batch; and a crash between an act and its answer. The table alone says what must come of it.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stepAlarm, type AlarmInput, type AlarmLife } from "#alarms/alarmLife.ts";
import { hiddenStates, type Alarm, type MeterRuleId } from "#domain/alarm.ts";
import { hourMs, minuteMs, secondMs } from "#domain/units.ts";
import type { Ask } from "#ports/requests.ts";
import { ruleTable } from "#rules/ruleTable.ts";
import { EngineUnderTest, envelopeOf, jsonBytes } from "../support/engine.ts";

let engine: EngineUnderTest;
beforeAll(() => {
  engine = new EngineUnderTest();
  register("worked");
  const window = { fromMs: engine.nowMs, toMs: engine.nowMs + 24 * hourMs };
  const work = { kind: "purging", areas: ["worked"], meterIds: [], ...window } as const;
  const planned = { ...work, responsible: "crew 1", reason: "new main" };
  ask({ kind: "plannedWork.plan", plannedWorkId: "pw_1", work: planned, reason: "new main" });
});
afterAll(() => engine.close());

type Act = "acknowledge" | "shelve" | "shelveOnce" | "unshelve" | "reset";
const acts: readonly Act[] = ["acknowledge", "shelve", "shelveOnce", "unshelve", "reset"];

function ask(wanted: Ask) {
  return engine.ask(wanted);
}

let meters = 0;
function register(area = "plain"): { readonly id: string; readonly no: number } {
  const id = `M${(meters += 1)}`;
  return { id, no: engine.register(id, { area }) };
}

function say(no: number, ...status: readonly string[]): void {
  engine.nowMs += secondMs;
  const values = { measuredAt: engine.nowMs, volumeM3: "1.000", status };
  engine.uplinks([{ meterNo: no, bytes: jsonBytes(values) }]);
}

function latest(no: number, rule: MeterRuleId): Alarm {
  const [row] = engine.rows(
    "SELECT id FROM alarm WHERE meter_no = ? AND rule = ? ORDER BY id DESC LIMIT 1",
    no,
    rule,
  );
  const alarm = engine.ledger.alarm(String(row?.["id"]) as Alarm["id"]);
  if (alarm === undefined) throw new TypeError(`no ${rule} at meter ${no}`);
  return alarm;
}

const asks: Readonly<Record<Act, (alarm: Alarm) => Ask>> = {
  acknowledge: ({ id, occurrence }) => {
    return { kind: "alarm.acknowledge", alarmId: id, occurrence, comment: null };
  },
  shelve: ({ id, occurrence }) => shelf(id, occurrence, { inMs: hourMs }),
  shelveOnce: ({ id, occurrence }) => shelf(id, occurrence, { onReturn: true }),
  unshelve: ({ id }) => ({ kind: "alarm.unshelve", alarmId: id, reason: "seen to" }),
  reset: ({ id }) => ({ kind: "alarm.reset", alarmId: id, reason: "seen to" }),
};

function shelf(
  alarmId: string,
  occurrence: number,
  end: Extract<Ask, { readonly kind: "alarm.shelve" }>["end"],
): Ask {
  return { kind: "alarm.shelve", alarmId, occurrence, reason: "fitter there", end };
}

/** The same as the table has it. */
function inputOf(act: Act, { occurrence }: Alarm): AlarmInput {
  if (act === "acknowledge") return { kind: "acknowledge", occurrence };
  if (act === "shelve") return { kind: "shelve", occurrence, isOnce: false };
  if (act === "shelveOnce") return { kind: "shelve", occurrence, isOnce: true };
  return { kind: act };
}

/** How an alarm comes into each state, with what really brings it there. */
const ways: Readonly<Record<string, () => Alarm>> = {
  unacknowledged: () => on(register()),
  acknowledged: () => after("acknowledge", on(register())),
  "returned-unacknowledged": () => over("R3", on(register())),
  normal: () => after("acknowledge", over("R3", on(register()))),
  "latched-unacknowledged": () => over("R11", on(register(), "R11")),
  "latched-acknowledged": () => after("acknowledge", over("R11", on(register(), "R11"))),
  shelved: () => after("shelve", on(register())),
  "shelved, its condition over": () => over("R3", after("shelve", on(register()))),
  "shelved until it returns": () => after("shelveOnce", on(register())),
  suppressed: () => on(register("worked")),
  "suppressed, its condition over": () => over("R3", on(register("worked"))),
  "out-of-service": () => {
    const meter = register();
    on(meter);
    const change = { lifecycle: "maintenance" } as const;
    ask({ kind: "meter.change", meterId: meter.id, ifVersion: null, change });
    return latest(meter.no, "R3");
  },
};

function on({ no }: { readonly no: number }, rule: "R3" | "R11" = "R3"): Alarm {
  say(no);
  say(no, rule === "R3" ? "large_flow" : "magnet");
  return latest(no, rule);
}

function over(rule: "R3" | "R11", { meterNo }: Alarm): Alarm {
  say(meterNo ?? 0);
  return latest(meterNo ?? 0, rule);
}

function after(act: Act, alarm: Alarm): Alarm {
  expect(ask(asks[act](alarm))).toMatchObject({ ok: true });
  return engine.ledger.alarm(alarm.id) ?? alarm;
}

function lifeOf({ state, returnedAtMs, occurrence, level, hidden }: Alarm): AlarmLife {
  const holds = state !== "normal" && returnedAtMs === null;
  return { state, holds, occurrence, level, ...(hidden?.isOnce === true && { isOnce: true }) };
}

interface Told {
  readonly oks: readonly boolean[];
  readonly state: string;
  readonly occurrence: number;
}

/** What the table says of acts that come one after the other, all seen by people who saw the same alarm. */
function told(alarm: Alarm, wanted: readonly Act[]): Told {
  let life = lifeOf(alarm);
  let isOnce = life.isOnce === true;
  const oks = wanted.map((act) => {
    const input = inputOf(act, alarm);
    const step = stepAlarm(ruleTable[alarm.rule].latching, { ...life, isOnce }, input);
    if (!step.ok) return false;
    life = step.value.life;
    if (input.kind === "shelve") isOnce = input.isOnce === true;
    if (!hiddenStates.includes(life.state)) isOnce = false;
    return true;
  });
  return { oks, state: life.state, occurrence: life.occurrence };
}

function stored({ id }: Alarm, oks: readonly boolean[]): Told {
  const { state, occurrence } = engine.ledger.alarm(id) ?? { state: "gone", occurrence: 0 };
  return { oks, state, occurrence };
}

describe.each(Object.entries(ways))("an alarm that is %s", (name, way) => {
  test("is in that state by what really happened", () => {
    expect(name.startsWith(way().state)).toBe(true);
  });

  test("two consoles act at once: each pair comes out as the table says, and memory is the ledger", () => {
    for (const first of acts) {
      for (const second of acts) {
        const alarm = way();
        const wanted = [first, second];
        const envelopes = wanted.map((act, askNo) => {
          return { askNo, envelope: envelopeOf(asks[act](alarm)) };
        });
        const report = engine.process({ asks: envelopes });
        if (report.kind !== "committed") throw new TypeError(report.message);
        const oks = report.answers.map(({ result }) => result.ok);
        expect([first, second, stored(alarm, oks)]).toEqual([first, second, told(alarm, wanted)]);
      }
    }
  });

  test("a crash between an act and its commit: nothing of it is there, and done again it is as the table says", () => {
    for (const act of acts) {
      const alarm = way();
      engine.failAfter(1);
      expect(() => ask(asks[act](alarm))).toThrow("not answered");
      engine.failAfter(null);
      engine.restart();
      expect(engine.ledger.alarm(alarm.id)).toEqual(alarm);
      const { ok } = ask(asks[act](alarm));
      expect([act, stored(alarm, [ok])]).toEqual([act, told(alarm, [act])]);
    }
  });

  test("a crash after the commit and before the answer: the same act again does nothing twice", () => {
    for (const act of acts) {
      const alarm = way();
      const once = ask(asks[act](alarm));
      const known = engine.ledger.alarm(alarm.id);
      engine.nowMs += minuteMs / 60;
      engine.restart();
      const again = ask(asks[act](alarm));
      const wanted = told(alarm, [act, act]);
      expect([act, stored(alarm, [once.ok, again.ok])]).toEqual([act, wanted]);
      if (act !== "shelve" && act !== "shelveOnce") {
        expect(engine.ledger.alarm(alarm.id)).toEqual(known);
      }
    }
  });
});
