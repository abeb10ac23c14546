/** Orders that are no close: who may, what shows that they were done, and the watch after an opening. */
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import type { Command } from "#domain/command.ts";
import { commandId } from "#domain/ids.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import { secondMs, volumeMl } from "#domain/units.ts";
import { judgeClose } from "#valves/judge.ts";
import { judgeOther, type OtherAsk } from "#valves/judgeOther.ts";
import { stepValve } from "#valves/stepValve.ts";
import { initialValveState, type ValveState } from "#valves/valveState.ts";
import {
  aCommand,
  approve,
  at,
  clock,
  contact,
  delivered,
  expectLife,
  orderPermit,
  ourId,
  reading,
  reply,
  restart,
  settings,
  type Act,
  type Line,
} from "./kit.ts";

const shutValve: ValveState = { ...initialValveState, position: "closed", resting: "closed" };
const permit = { workOrder: "W-1", leakCheck: "L-1", leakCheckAtMs: at(-30) };
const permitAsk: OtherAsk = {
  action: "permit_opening",
  by: "anna",
  reason: "repaired",
  nowMs: at(0),
  expiresAtMs: at(60),
  id: commandId("c-2"),
  meterNo: 7,
  lifecycle: "active",
  permit,
  isBatteryWeak: false,
  isLeaking: false,
};

function verdict(valve: ValveState, change: Partial<OtherAsk>): string {
  const { command } = judgeOther(valve, { ...permitAsk, ...change });
  return command.detail === null ? command.state : `${command.state} ${command.detail}`;
}

function waiting(action: Command["action"], state: "authorised" | "held"): ValveState {
  const command = aCommand(state, { action });
  return stepValve(settings, shutValve, { kind: "order", command, by: "x" }).state;
}

describe("permitting to open", () => {
  const stale = { ...permit, leakCheckAtMs: at(-24 * 60 - 1) };
  test.each<[string, ValveState, Partial<OtherAsk>, string]>([
    ["everything in order", shutValve, {}, "requested second-person"],
    ["gas escapes", shutValve, { isLeaking: true }, "refused leak-active"],
    ["reported open", { ...shutValve, position: "open" }, {}, "refused already-open"],
    ["never reported", initialValveState, {}, "refused position-unknown"],
    ["reported unknown", { ...shutValve, position: "unknown" }, {}, "refused position-unknown"],
    ["moving", { ...shutValve, position: "moving" }, {}, "refused position-unknown"],
    ["faulty", { ...shutValve, position: "fault" }, {}, "refused valve-fault"],
    ["passing", { ...shutValve, trouble: "passing" }, {}, "refused passing"],
    ["weak battery", shutValve, { isBatteryWeak: true }, "refused battery-weak"],
    ["in maintenance", shutValve, { lifecycle: "maintenance" }, "refused not-active"],
    ["no permit", shutValve, { permit: null }, "refused no-leak-check"],
    ["no work order", shutValve, { permit: { ...permit, workOrder: "" } }, "refused no-leak-check"],
    ["no leak check", shutValve, { permit: { ...permit, leakCheck: "" } }, "refused no-leak-check"],
    ["an old leak check", shutValve, { permit: stale }, "refused no-leak-check"],
    [
      "a leak check of tomorrow",
      shutValve,
      { permit: { ...permit, leakCheckAtMs: at(1) } },
      "refused no-leak-check",
    ],
    ["for longer than a visit", shutValve, { expiresAtMs: at(24 * 60 + 1) }, "refused too-long"],
    ["a close waits", waiting("close", "authorised"), {}, "refused one-outstanding"],
    ["a close is held", waiting("close", "held"), {}, "refused one-outstanding"],
    ["the clock is to be set", waiting("set_clock", "authorised"), {}, "requested second-person"],
  ])("%s", (_, valve, change, expected) => {
    expect(verdict(valve, change)).toBe(expected);
  });

  const given: readonly Line[] = [
    [0, reading("closed"), undefined as never],
    [1, orderPermit, "requested"],
    [1, approve("anna"), "requested"],
    [2, contact, "requested"],
    [2, approve("ben"), "queued"],
    [3, contact, "sent", { sends: true }],
    [3, delivered, "delivered"],
  ];

  test("is used at the meter, and then the flow is watched", () => {
    const { state } = expectLife(initialValveState, [
      ...given,
      [4, reply("executed"), "executed"],
      [20, reading("closed"), "executed"],
      [30, reading("open"), "verified", { detail: "opened-locally" }],
    ]);
    expect(state).toMatchObject({ opening: { sinceMs: at(30) }, actuations: 1, trouble: null });
  });

  test("is void behind its time, and no alarm of the valve follows", () => {
    const { state } = expectLife(initialValveState, [
      ...given,
      [4, reply("executed"), "executed"],
      [60, (m) => ({ kind: "clock", nowMs: at(m) }), "expired", { detail: "not-opened" }],
      [61, reading("open"), "expired"],
    ]);
    expect(state).toMatchObject({ trouble: null, opening: null });
  });

  test("does not leave for a valve that was opened before", () => {
    expectLife(initialValveState, [
      ...given.slice(0, 5),
      [3, reading("open"), "cancelled", { detail: "opened-before" }],
      [4, contact, "cancelled"],
    ]);
  });

  test("yields to a close wherever it is, and the close leaves in the same window", () => {
    const { state } = expectLife(initialValveState, given);
    const now = at(3);
    const judged = judgeClose(
      { stopped: false, recentClosesMs: [], fleetSize: 1 },
      { ...state, position: "open" },
      {
        ...permitAsk,
        id: commandId("c-3"),
        cause: { kind: "alarm", ref: "a-1" },
        nowMs: now,
        critical: false,
        measuredAtMs: now,
        receivedAtMs: now,
        late: false,
        doubted: false,
      },
    );
    expect(judged.supersedes?.command).toMatchObject({ id: ourId, state: "superseded" });
    const { command } = judged;
    const open = { ...state, position: "open" } as const;
    const ordered = stepValve(settings, open, { kind: "order", command, by: "engine" });
    const sent = stepValve(settings, ordered.state, contact(3));
    expect(sent.send).toMatchObject({ id: "c-3", action: "close" });
  });
});

describe("clock and history", () => {
  const order = (action: Command["action"]): Act => {
    return () => ({ kind: "order", command: aCommand("authorised", { action }), by: "anna" });
  };
  const clockOff = (seconds: number | null): Act => {
    return (m) => ({ ...reading("open")(m), clockErrorMs: seconds && seconds * secondMs }) as never;
  };
  const sent = (action: Command["action"]): readonly Line[] => [
    [0, order(action), "queued"],
    [0, contact, "sent", { sends: true }],
    [0, delivered, "delivered"],
  ];

  test("the clock is set when a later report shows it", () => {
    expectLife(initialValveState, [
      ...sent("set_clock"),
      [0.1, clockOff(0), "delivered"],
      [1, clockOff(900), "delivered"],
      [2, reply("executed"), "executed"],
      [3, clockOff(null), "executed"],
      [4, clockOff(-119), "verified"],
    ]);
  });

  test("a meter that says so and shows another time has not set it", () => {
    expectLife(initialValveState, [
      ...sent("set_clock"),
      [1, reply("executed"), "executed"],
      [2, clockOff(900), "failed", { detail: "clock-still-wrong" }],
    ]);
  });

  test("history came, or is asked for once more when nobody knows", () => {
    const history: Act = (m) => ({ kind: "history", nowMs: at(m) });
    expectLife(initialValveState, [...sent("read_history"), [1, history, "verified"]]);
    expectLife(initialValveState, [
      [0, order("read_history"), "queued"],
      [0, history, "queued"],
      [0, contact, "sent", { sends: true }],
      [1, restart, "unknown"],
      [2, reading("open"), "queued"],
      [3, contact, "sent", { sends: true }],
      [4, restart, "unknown"],
      [5, reading("open"), "failed", { detail: "attempts-spent" }],
    ]);
  });

  test("a refusal of the meter ends it, and the valve is in no trouble", () => {
    const { state } = expectLife(initialValveState, [
      ...sent("set_clock"),
      [1, reply("refused"), "failed"],
    ]);
    expect(state.trouble).toBeNull();
  });
});

describe("parameters", () => {
  const order = (parameters: Command["parameters"]): Act => {
    const command = aCommand("authorised", { action: "change_parameters", parameters });
    return () => ({ kind: "order", command, by: "anna" });
  };
  const changed = (parameters: Command["parameters"]): readonly Line[] => [
    [0, order(parameters), "queued"],
    [0, contact, "sent", { sends: true }],
    [0, delivered, "delivered"],
    [1, reply("executed"), "executed"],
  ];
  const hourly = { reportEverySeconds: 3_600 };

  test("are verified when two reports lie apart as ordered; an event between proves nothing", () => {
    expectLife(initialValveState, [
      ...changed(hourly),
      [1.1, reading("open"), "executed"],
      [10, reading("open"), "executed"],
      [40, reading("open"), "executed"],
      [100, reading("open"), "verified", { detail: "reports-as-ordered" }],
    ]);
  });

  test("of a meter that goes on as before end in failure", () => {
    expectLife(initialValveState, [
      ...changed(hourly),
      [10, reading("open"), "executed"],
      [60 * 24 + 10, reading("open"), "executed"],
      [60 * 24 + 180, clock, "failed", { detail: "not-verified" }],
    ]);
  });

  test("as hours of the day: the next report comes at the next of them", () => {
    // Minute 0 is 08:00 UTC, 16:00 on the meter's clock.
    expectLife(initialValveState, [
      ...changed({ reportHours: [4, 16, 20] }),
      [60, reading("open"), "executed"],
      [245, reading("open"), "executed"],
      [724, reading("open"), "verified"],
    ]);
  });

  test("the meter refuses them, or is asked once more when nobody knows", () => {
    expectLife(initialValveState, [
      [0, order(hourly), "queued"],
      [0, contact, "sent", { sends: true }],
      [1, restart, "unknown"],
      [2, reading("open"), "queued"],
      [3, contact, "sent", { sends: true }],
      [4, reply("refused"), "failed"],
    ]);
  });
});

describe("one wake", () => {
  test("gets one order of any kind, and keeps a place for a close", () => {
    const other = aCommand("authorised", { action: "set_clock", id: commandId("c-2") });
    let state = stepValve(settings, initialValveState, {
      kind: "order",
      command: other,
      by: "anna",
    }).state;
    state = stepValve(settings, state, contact(0)).state;
    const done = { ...reply("refused", { commandId: commandId("c-2") })(0) };
    state = stepValve(settings, state, done).state;
    const again = aCommand("authorised", { action: "read_history", id: commandId("c-3") });
    state = stepValve(settings, state, { kind: "order", command: again, by: "anna" }).state;
    expect(stepValve(settings, state, contact(0.5)).send).toBeNull();
    expect(stepValve(settings, state, contact(1)).send).toMatchObject({ id: "c-3" });
    const close = aCommand("authorised", { id: commandId("c-4") });
    const closing = stepValve(settings, state, { kind: "order", command: close, by: "x" }).state;
    const first = stepValve(settings, closing, contact(0.5));
    expect(first.send).toMatchObject({ id: "c-4" });
  });
});

describe("after an opening at the meter", () => {
  const opened: ValveState = {
    ...initialValveState,
    position: "open",
    positionAtMs: at(0),
    opening: { sinceMs: at(0), lastMs: at(0), lastIndexMl: volumeMl(1_000_000) },
  };
  const step = (m: number, indexMl: number | null, valve: ValvePosition = "open", flow = 0) =>
    stepValve(settings, opened, {
      ...reading(valve, indexMl)(m),
      flowMlPerHour: flow,
    } as never);

  test.each<[string, number, number | null, ValvePosition, number, boolean]>([
    ["a cooker", 60, 1_500_000, "open", 0, false],
    ["just below half of Qmax", 60, 3_999_999, "open", 0, false],
    ["half of Qmax", 60, 4_000_000, "open", 0, true],
    ["half of Qmax in ten minutes", 10, 1_500_000, "open", 0, true],
    ["the momentary flow says so", 60, null, "open", 3_000_000, true],
    ["shut again", 60, 4_000_000, "closed", 0, false],
    ["a day later", 24 * 60 + 1, 99_000_000, "open", 0, false],
  ])("%s", (_, minute, indexMl, valve, flow, isUncontrolled) => {
    expect(step(minute, indexMl, valve, flow).isUncontrolled).toBe(isUncontrolled);
  });

  property.prop([fc.array(fc.integer({ min: 0, max: 2_999_999 }), { maxLength: 30 })])(
    "consumption below half of Qmax in every hour is never called uncontrolled",
    (hours) => {
      let state = opened;
      let indexMl = 1_000_000;
      for (const [hour, consumedMl] of hours.entries()) {
        indexMl += consumedMl;
        const one = stepValve(settings, state, reading("open", indexMl)((hour + 1) * 60));
        expect(one.isUncontrolled).toBe(false);
        state = one.state;
      }
    },
  );

  test("the watch ends by its own", () => {
    const { state } = step(24 * 60 + 1, 2_000_000);
    expect(state.opening).toBeNull();
  });
});
