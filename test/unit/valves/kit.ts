/** A meter's valve moved by hand: one line an input, time in minutes. */
import { expect } from "vitest";
import type { Command, CommandState } from "#domain/command.ts";
import { commandId } from "#domain/ids.ts";
import type { CommandReply, ReplyResult, ValvePosition } from "#domain/telegram.ts";
import { minuteMs, timestampMs, volumeMl } from "#domain/units.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { ApprovalAsk } from "#valves/approval.ts";
import { stepValve } from "#valves/stepValve.ts";
import type { ValveInput } from "#valves/stepValve.ts";
import type { ValveStep } from "#valves/advance.ts";
import { initialValveState } from "#valves/valveState.ts";
import type { ValveState } from "#valves/valveState.ts";

export const settings = { quantumMl: 10_000, qmaxMlPerHour: 6_000_000 };
export const ourId = commandId("c-1");
const ttlMinutes = 60;

/** Minutes of both clocks, which agree unless a line says otherwise. */
export function at(minutes: number): TimestampMs {
  return timestampMs(Date.UTC(2026, 10, 22, 8) + minutes * minuteMs);
}

export function aCommand(state: CommandState, change: Partial<Command> = {}): Command {
  return {
    id: ourId,
    meterNo: 7,
    action: "close",
    cause: { kind: "alarm", ref: "a-1" },
    reason: "R1",
    state,
    detail: null,
    sequence: 0,
    attempts: 0,
    approvalsNeeded: 0,
    approvals: [],
    permit: null,
    parameters: null,
    armedAtMs: null,
    requestedAtMs: at(0),
    expiresAtMs: at(ttlMinutes),
    sentAtMs: null,
    ...change,
  };
}

/** An input that still has to be told the time. */
export type Act = (minute: number) => ValveInput;

export const order: Act = () => ({ kind: "order", command: aCommand("authorised"), by: "engine" });
export const orderHeld: Act = () => ({
  kind: "order",
  command: aCommand("held", { approvalsNeeded: 2, detail: "breaker" }),
  by: "engine",
});
/** A person's order that waits for a second person. */
export const orderAsked: Act = () => ({
  kind: "order",
  command: aCommand("requested", {
    approvalsNeeded: 1,
    cause: { kind: "person", ref: "anna" },
    detail: "second-person",
  }),
  by: "anna",
});

/** Anna wants to permit opening. */
export const orderPermit: Act = () => ({
  kind: "order",
  command: aCommand("requested", {
    action: "permit_opening",
    approvalsNeeded: 1,
    cause: { kind: "person", ref: "anna" },
    permit: { workOrder: "W-1", leakCheck: "L-1", leakCheckAtMs: at(-30) },
  }),
  by: "anna",
});
export const voided: Act = (m) => ({
  kind: "void",
  by: "engine",
  detail: "leak-active",
  nowMs: at(m),
});

/** Somebody says yes; the keys allow it unless a line says otherwise. */
export function approve(by: string, change: Partial<ApprovalAsk> = {}): Act {
  return (m) => ({
    kind: "approve",
    commandId: ourId,
    ask: { by, role: "dispatcher", atMs: at(m), mayApprove: true, gone: [], ...change },
    nowMs: at(m),
  });
}
export const contact: Act = (m) => ({ kind: "contact", nowMs: at(m) });
export const clock: Act = (m) => ({ kind: "clock", nowMs: at(m) });
export const restart: Act = (m) => ({ kind: "restart", nowMs: at(m) });
export const delivered: Act = (m) => ({ kind: "delivered", commandId: ourId, nowMs: at(m) });
export const undelivered: Act = (m) => ({ kind: "undelivered", commandId: ourId, nowMs: at(m) });
export const cancel: Act = (m) => ({ kind: "cancel", commandId: ourId, by: "anna", nowMs: at(m) });

export function reply(result: ReplyResult, change: Partial<CommandReply> = {}): Act {
  const told = { commandId: ourId, sequence: null, result, reason: null, valve: null, ...change };
  return (m) => ({ kind: "reply", reply: told, nowMs: at(m) });
}

/** A reading; measured when it arrives, unless a minute is given. */
export function reading(
  valve: ValvePosition | null,
  indexMl: number | null = 1_000_000,
  measuredMinute?: number,
): Act {
  return (m) => ({
    kind: "reading",
    measuredAtMs: at(measuredMinute ?? m),
    indexMl: indexMl === null ? null : volumeMl(indexMl),
    valve,
    nowMs: at(m),
  });
}

/** minute, input, state of the command after it, and what else must hold. */
export type Line = readonly [
  minute: number,
  act: Act,
  state: CommandState,
  also?: { readonly detail?: string; readonly sends?: true; readonly ignored?: string },
];

/** A meter of which nothing is known. */
export const start = initialValveState;
/** Ordered, sent and delivered. */
export const handed: readonly Line[] = [
  [0, order, "queued"],
  [0, contact, "sent", { sends: true }],
  [0, delivered, "delivered"],
];
/** … and reported shut a minute later, at 1,000 litres. */
export const shut: readonly Line[] = [...handed, [1, reading("closed"), "executed"]];

/** Plays the lines and compares each; the last step, and everything that was recorded on the way. */
export function expectLife(start: ValveState, lines: readonly Line[]) {
  let state = start;
  let command: Command | null = null;
  let last: ValveStep | null = null;
  const history: string[] = [];
  for (const [minute, act, expected, also] of lines) {
    const step = stepValve(settings, state, act(minute));
    for (const change of step.changes) {
      command = change.command;
      for (const { state: entered, by } of change.transitions) history.push(`${entered} ${by}`);
    }
    command = step.state.outstanding?.command ?? command;
    const line = `minute ${minute}`;
    expect([line, command?.state]).toEqual([line, expected]);
    expect([line, step.send !== null]).toEqual([line, also?.sends === true]);
    expect([line, step.ignoredReply]).toEqual([line, also?.ignored ?? null]);
    if (also?.detail !== undefined) expect([line, command?.detail]).toEqual([line, also.detail]);
    state = step.state;
    last = step;
  }
  return { state, last, history };
}
