/** Answers that do not belong, commands that never left, and when trouble ends. */
import { describe, expect, test } from "vitest";
import { commandId } from "#domain/ids.ts";
import { secondMs, timestampMs } from "#domain/units.ts";
import { canCancel, canSupersede } from "#valves/valveState.ts";
import { stepValve, type ValveInput } from "#valves/stepValve.ts";
import {
  approve,
  aCommand,
  at,
  cancel,
  clock,
  contact,
  delivered,
  expectLife,
  handed,
  order,
  orderHeld,
  ourId,
  reading,
  reply,
  restart,
  settings,
  shut,
  start,
  undelivered,
} from "./kit.ts";
import type { Act, Line } from "./kit.ts";

describe("answers that do not belong", () => {
  test.each([
    ["another id", reply("executed", { commandId: commandId("c-9") }), "unknown-command"],
    ["nothing to go by", reply("executed", { commandId: null }), "unknown-command"],
    ["another sequence", reply("executed", { commandId: null, sequence: 9 }), "stale-sequence"],
  ])("%s", (_, act, ignored) => {
    expectLife(start, [...handed, [1, act, "delivered", { ignored }]]);
  });

  test("by sequence where the protocol has no id", () => {
    const bySequence = reply("executed", { commandId: null, sequence: 0 });
    expectLife(start, [...handed, [1, bySequence, "executed"]]);
  });

  test("before sending", () => {
    expectLife(start, [
      [0, order, "queued"],
      [0, reply("executed"), "queued", { ignored: "before-sending" }],
    ]);
  });

  test("doubled", () => {
    expectLife(start, [
      ...handed,
      [1, reply("accepted"), "accepted"],
      [1, reply("accepted"), "accepted", { ignored: "repeated" }],
      [2, reply("executed"), "executed"],
      [2, reply("executed"), "executed", { ignored: "repeated" }],
      [2, reply("failed"), "executed", { ignored: "repeated" }],
    ]);
  });

  test("after the end", () => {
    expectLife(start, [
      ...handed,
      [1, reply("failed"), "failed"],
      [2, reply("executed"), "failed", { ignored: "after-end" }],
      [3, reply("failed"), "failed", { ignored: "repeated" }],
      [3, reply("executed", { commandId: null, sequence: 0 }), "failed", { ignored: "after-end" }],
      [
        3,
        reply("executed", { commandId: commandId("c-9") }),
        "failed",
        { ignored: "unknown-command" },
      ],
    ]);
  });

  test("in another protocol than the order", () => {
    const foreign = { ...reply("executed")(1), isSameDialect: false } as ValveInput;
    expectLife(start, [...handed, [1, () => foreign, "delivered", { ignored: "other-dialect" }]]);
  });

  test("a meter that never had an order", () => {
    const stray = stepValve(settings, start, reply("executed")(1));
    expect(stray).toMatchObject({ ignoredReply: "unknown-command", state: start });
  });

  test("outcomes of another sending change nothing", () => {
    const other = commandId("c-9");
    expectLife(start, [
      [0, order, "queued"],
      [0, contact, "sent", { sends: true }],
      [0, (m) => ({ kind: "delivered", commandId: other, nowMs: at(m) }), "sent"],
      [0, (m) => ({ kind: "undelivered", commandId: other, nowMs: at(m) }), "sent"],
      [0, delivered, "delivered"],
      [0, undelivered, "delivered"],
      [0, restart, "delivered"],
    ]);
  });
});

describe("before it leaves", () => {
  test("never sent after its time, not even when the clock input is late", () => {
    const { state } = expectLife(start, [
      [0, order, "queued"],
      [60, contact, "expired"],
    ]);
    expect(state.trouble).toBe("expired");
  });

  test("nor so near to its end that it might arrive after it", () => {
    const leavesAt = (secondsBefore: number) =>
      stepValve(settings, expectLife(start, [[0, order, "queued"]]).state, {
        kind: "contact",
        nowMs: timestampMs(at(60) - secondsBefore * secondMs),
      }).state.outstanding?.command.state;
    expect([leavesAt(3), leavesAt(2), leavesAt(1)]).toEqual(["sent", "queued", "queued"]);
  });

  test("the valve is closed by hand meanwhile", () => {
    const { state } = expectLife(start, [
      [0, order, "queued"],
      [1, reading("closed"), "cancelled", { detail: "already-closed" }],
    ]);
    expect(state.trouble).toBeNull();
  });

  test("reported closed: nothing is sent, whoever ordered it", () => {
    expectLife({ ...start, position: "closed", positionAtMs: at(-1) }, [
      [0, order, "queued"],
      [1, contact, "queued"],
    ]);
  });

  test("held: only persons let it go, and only in time", () => {
    const { history } = expectLife(start, [
      [0, orderHeld, "held"],
      [1, contact, "held"],
      [1, approve("ben"), "held", { detail: "breaker" }],
      [2, approve("anna"), "queued"],
      [2, contact, "sent", { sends: true }],
      [2, approve("carl"), "sent"],
    ]);
    expect(history).toEqual(["held ben", "authorised anna", "queued anna", "sent engine"]);
    expectLife(start, [
      [0, orderHeld, "held"],
      [59, approve("ben"), "held"],
      [60, approve("anna"), "held"],
      [60, clock, "expired", { detail: "never-released" }],
    ]);
  });

  test("a refused order is no business of the valve", () => {
    const refused = aCommand("refused");
    const step = stepValve(settings, start, { kind: "order", command: refused, by: "engine" });
    const nothing = { changes: [], send: null, ignoredReply: null, isUncontrolled: false };
    expect(step).toEqual({ state: start, ...nothing });
  });

  test("a second order while one is with the meter ends at once", () => {
    const second = aCommand("authorised", { id: commandId("c-2"), sequence: 1 });
    const { state, last } = expectLife(start, [
      ...handed,
      [1, () => ({ kind: "order", command: second, by: "anna" }), "delivered"],
    ]);
    expect(state.outstanding?.command.id).toBe(ourId);
    expect(last?.changes[0]?.command).toMatchObject({ id: "c-2", detail: "one-outstanding" });
  });

  test("what may be cancelled and superseded", () => {
    const after = (lines: readonly Line[]) => expectLife(start, lines).state;
    const waiting = after([[0, order, "queued"]]);
    const held = after([[0, orderHeld, "held"]]);
    const back = after([...handed.slice(0, 2), [1, undelivered, "queued"]]);
    const gone = after(handed);
    const states = [waiting, held, back, gone, start];
    expect(states.map((state) => canCancel(state, ourId))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(states.map((state) => canSupersede(state, "close"))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(states.some((state) => canSupersede(state, "set_clock"))).toBe(false);
    expect(canCancel(waiting, commandId("c-9"))).toBe(false);
    expectLife(gone, [[2, cancel, "delivered"]]);
  });

  test("sequences go round in one byte", () => {
    const command = aCommand("authorised", { sequence: 255 });
    const step = stepValve(settings, start, { kind: "order", command, by: "engine" });
    expect(step.state.nextSequence).toBe(0);
  });
});

describe("trouble ends", () => {
  const failed = { ...start, trouble: "failed" } as const;
  const passing = { ...start, trouble: "passing" } as const;
  const after = (state: typeof failed | typeof passing, act: Line[1]) =>
    stepValve(settings, state, act(1)).state.trouble;

  test.each([
    ["failed, closed with a register", failed, reading("closed"), null],
    ["failed, closed without a register", failed, reading("closed", null), "failed"],
    ["failed, open", failed, reading("open"), "failed"],
    ["failed, no position", failed, reading(null), "failed"],
    ["passing, still closed", passing, reading("closed"), "passing"],
    ["passing, opened by somebody at the meter", passing, reading("open"), null],
  ] as const)("%s", (_, state, act, trouble) => {
    expect(after(state, act)).toBe(trouble);
  });

  test("with a verified close", () => {
    const { state } = expectLife(passing, [
      ...shut,
      [10, reading("closed"), "executed"],
      [20, reading("closed"), "verified"],
    ]);
    expect(state.trouble).toBeNull();
  });
});

describe("a closed valve without a time", () => {
  const undated: Act = (m) => ({ ...reading("closed")(m), isUndated: true }) as ValveInput;
  const byPerson: Act = () => ({
    kind: "order",
    command: aCommand("authorised", { cause: { kind: "person", ref: "anna" } }),
    by: "anna",
  });
  const sent: readonly Line[] = [
    [0, order, "queued"],
    [0, contact, "sent", { sends: true }],
  ];

  test.each<[string, readonly Line[]]>([
    ["carries nothing out that was only sent", [...sent, [5, undated, "sent"]]],
    ["nor what was delivered", [...handed, [5, undated, "delivered"]]],
    ["nor what may have arrived", [...sent, [1, restart, "unknown"], [5, undated, "unknown"]]],
    [
      "nor what is to be sent again",
      [
        [0, byPerson, "queued"],
        [0, contact, "sent", { sends: true }],
        [1, restart, "unknown"],
        [2, reading("open"), "queued"],
        [5, undated, "queued"],
      ],
    ],
    [
      "counts behind the meter's answer, not beside it",
      [
        ...handed,
        [1, reply("accepted"), "accepted"],
        [1.4, undated, "accepted"],
        [1.5, undated, "executed"],
      ],
    ],
    ["has no part in the meter's own word", [...handed, [1, reply("executed"), "executed"]]],
    [
      "calls off what a person has not sent",
      [
        [0, byPerson, "queued"],
        [1, undated, "cancelled", { detail: "already-closed" }],
      ],
    ],
    [
      "but nothing that a leak waits for",
      [
        [0, order, "queued"],
        [1, undated, "queued"],
        [2, contact, "sent", { sends: true }],
      ],
    ],
  ])("%s", (_, lines) => {
    expectLife(start, lines);
  });
});
