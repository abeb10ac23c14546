/** Four eyes: who may let a waiting command go, and who may not. */
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import type { Command } from "#domain/command.ts";
import { timestampMs } from "#domain/units.ts";
import {
  judgeApproval,
  needsSecondPerson,
  type ApprovalAsk,
  type ApprovalJudgement,
} from "#valves/approval.ts";
import { stepValve } from "#valves/stepValve.ts";
import { initialValveState, type ValveState } from "#valves/valveState.ts";
import { aCommand, approve, at, expectLife, orderAsked, orderHeld, settings } from "./kit.ts";

const person = { kind: "person", ref: "anna" } as const;
const asked = aCommand("requested", { cause: person, approvalsNeeded: 1 });
const held = aCommand("held", { approvalsNeeded: 2 });
const byBen = { by: "ben", role: "dispatcher", atMs: at(0) } as const;
const half = { ...held, approvals: [byBen] };

function verdict(command: Command, by: string, minute: number, change: Partial<ApprovalAsk> = {}) {
  const judged = judgeApproval(command, {
    by,
    role: "operator",
    atMs: at(minute),
    mayApprove: true,
    gone: [],
    ...change,
  });
  if (!judged.ok) return judged.fault;
  const { approvals, isEnough }: ApprovalJudgement = judged.value;
  return `${isEnough ? "enough" : "more"} ${approvals.map(({ by }) => by).join("+")}`;
}

describe("a person's order", () => {
  test.each<[string, Command, string, number, Partial<ApprovalAsk>, string]>([
    ["another person", asked, "ben", 1, {}, "enough ben"],
    ["at the last moment", asked, "ben", 9.999, {}, "enough ben"],
    ["whoever asked", asked, "anna", 1, {}, "same-person"],
    ["too late", asked, "ben", 10, {}, "too-late"],
    ["our clock was set back", asked, "ben", -10, {}, "too-late"],
    ["behind its own expiry", { ...asked, expiresAtMs: at(5) }, "ben", 5, {}, "too-late"],
    ["a role that may not", asked, "ben", 1, { mayApprove: false }, "no-such-role"],
    ["who asked may no longer ask", asked, "ben", 1, { gone: ["anna"] }, "requester-gone"],
    ["in the queue already", aCommand("queued", { cause: person }), "ben", 1, {}, "not-waiting"],
    ["cancelled", aCommand("cancelled", { cause: person }), "ben", 1, {}, "not-waiting"],
  ])("%s", (_, command, by, minute, change, expected) => {
    expect(verdict(command, by, minute, change)).toBe(expected);
  });

  test("waits for the second person where the policy says so", () => {
    const table = (["never", "critical", "always"] as const).map((policy) => [
      needsSecondPerson(policy, false),
      needsSecondPerson(policy, true),
    ]);
    expect(table).toEqual([
      [false, false],
      [false, true],
      [true, true],
    ]);
  });

  test("leaves with the second person, and the second click changes nothing", () => {
    const { history } = expectLife(initialValveState, [
      [0, orderAsked, "requested", { detail: "second-person" }],
      [1, approve("anna"), "requested"],
      [2, approve("ben", { mayApprove: false }), "requested"],
      [3, approve("ben"), "queued"],
      [3, approve("ben"), "queued"],
    ]);
    expect(history).toEqual(["authorised ben", "queued ben"]);
  });
});

describe("what the breaker holds", () => {
  test.each<[string, Command, string, number, Partial<ApprovalAsk>, string]>([
    ["the first person", held, "ben", 0, {}, "more ben"],
    ["the second person", half, "anna", 1, {}, "enough ben+anna"],
    ["the same person again", half, "ben", 1, {}, "same-person"],
    ["the first yes has lapsed", half, "anna", 10, {}, "more anna"],
    [
      "the first yes is taken to have lapsed by a clock set back",
      half,
      "anna",
      -10,
      {},
      "more anna",
    ],
    ["the first person has another role now", half, "anna", 1, { gone: ["ben"] }, "more anna"],
    ["a role that may not", half, "anna", 1, { mayApprove: false }, "no-such-role"],
    ["behind its expiry", half, "anna", 60, {}, "too-late"],
    ["a label like the alarm's id", half, "a-1", 1, {}, "enough ben+a-1"],
  ])("%s", (_, command, by, minute, change, expected) => {
    expect(verdict(command, by, minute, change)).toBe(expected);
  });

  test("is shown as held by the breaker until the second person", () => {
    expectLife(initialValveState, [
      [0, orderHeld, "held"],
      [1, approve("ben"), "held", { detail: "breaker" }],
      [12, approve("anna"), "held", { detail: "breaker" }],
      [13, approve("ben"), "queued"],
    ]);
  });
});

/** Whatever anybody clicks in whatever order: it takes as many persons as it takes. */
const click = fc.record({
  by: fc.constantFrom("anna", "ben", "carl"),
  afterMinutes: fc.constantFrom(0, 0, 1, 5, 9, 11),
  mayApprove: fc.constantFrom(true, true, true, false),
  gone: fc.subarray(["anna", "ben", "carl"], { maxLength: 1 }),
});

property.prop([fc.constantFrom(orderAsked, orderHeld), fc.array(click, { maxLength: 12 })], {
  numRuns: 2_000,
})("no order leaves by fewer persons, by one who may not, or by an old yes", (order, clicks) => {
  let state: ValveState = stepValve(settings, initialValveState, order(0)).state;
  let nowMs = Number(at(0));
  const allowed: string[] = [];
  for (const { by, afterMinutes, mayApprove, gone } of clicks) {
    nowMs += afterMinutes * 60_000;
    const atMs = timestampMs(nowMs);
    const before = state.outstanding?.command;
    if (before === undefined || before.state === "queued") break;
    if (mayApprove) allowed.push(`${by} ${nowMs}`);
    const ask: ApprovalAsk = { by, role: "operator", atMs, mayApprove, gone };
    const input = { kind: "approve", commandId: before.id, ask, nowMs: atMs } as const;
    state = stepValve(settings, state, input).state;
    const after = state.outstanding?.command;
    if (after?.state !== "queued") continue;
    const persons = new Set(after.approvals.map((one) => one.by));
    expect(persons.size).toBe(before.state === "held" ? 2 : 1);
    for (const one of after.approvals) {
      expect(allowed).toContain(`${one.by} ${one.atMs}`);
      expect(nowMs - one.atMs).toBeLessThan(10 * 60_000);
      expect([...gone, before.cause.ref].includes(one.by) && one.by !== by).toBe(false);
    }
    expect(persons).not.toContain(before.cause.ref);
    expect(nowMs).toBeLessThan(before.expiresAtMs);
  }
});
