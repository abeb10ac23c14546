/** The engine's side of the valve ledger: who asked, may it be, and what follows for the alarms. */
import type { Alarm } from "#domain/alarm.ts";
import type { Command, CommandTransition } from "#domain/command.ts";
import { readingFlags, type Reading } from "#domain/reading.ts";
import { timestampMs, type TimestampMs } from "#domain/units.ts";
import { isFresh } from "#screening/placeInTime.ts";
import {
  automationLimits,
  judgeClose,
  leakCloseExpiresInMs,
  type CloseAsk,
} from "#valves/judge.ts";
import { stepValve, type ValveInput } from "#valves/stepValve.ts";
import { activate, returnToNormal } from "./alarmDesk.ts";
import type { Draft } from "./draft.ts";
import { encodeCommand } from "./encodeCommand.ts";

/** One step of this meter's valve, with alarm R15 following its trouble. */
export function moveValve(draft: Draft, input: ValveInput): void {
  const { quantumMl } = draft.meter;
  const before = draft.context.valve;
  const step = stepValve({ quantumMl }, before, input);
  if (step.state !== before) draft.context = { ...draft.context, valve: step.state };
  draft.effects.commands.push(...step.changes);
  if (step.send !== null) draft.effects.sends.push(step.send);
  if (step.ignoredReply !== null) draft.effects.strayReplies.push(step.ignoredReply);
  followTrouble(draft, step.changes.at(-1)?.command ?? null);
}

function followTrouble(draft: Draft, command: Command | null): void {
  const { trouble } = draft.context.valve;
  if (trouble === null) {
    if (draft.context.live.R15 !== undefined) returnToNormal(draft, "R15", draft.nowMs);
    return;
  }
  const known = draft.context.live.R15;
  if (known !== undefined && known.returnedAtMs === null && command === null) return;
  const proof = { outcome: trouble, ...(command === null ? {} : { commandId: command.id }) };
  activate(draft, { rule: "R15", level: 1, proof, raisedAtMs: draft.nowMs });
}

/** Refusals that a better reading of the same leak overcomes. */
const passingRefusals: readonly (string | null)[] = ["stale-data", "doubted-data"];

/**
 * A leak asks for its valve once per occurrence: on fresh data, within policy, past the breaker. When only old
 * or doubted data said so at first, it asks again as soon as good data does. The register has no part in a leak
 * bit, except where nothing else vouches for the frame.
 */
export function closeForAlarm(draft: Draft, alarm: Alarm, proof: Reading): void {
  const { id: alarmId, occurrence } = alarm;
  const before = draft.context.leakClose;
  const isAsked = before?.alarmId === alarmId && before.occurrence === occurrence;
  const isClockBelieved = isFresh(proof.measuredAtMs, proof.receivedAtMs, proof.flags);
  const isLate = !isClockBelieved || (proof.flags & readingFlags.LATE) !== 0;
  const isDoubted = draft.protocol.hasWeakChecksum && isRegisterDoubted(proof);
  if (isAsked && (!passingRefusals.includes(before.detail) || isLate || isDoubted)) return;
  if (draft.context.valve.outstanding?.command.cause.ref === alarmId) {
    // It chatters: what its first occurrence ordered is on its way.
    draft.context = { ...draft.context, leakClose: { alarmId, occurrence, detail: null } };
    return;
  }
  const { detail } = order(draft, {
    cause: { kind: "alarm", ref: alarmId },
    reason: alarm.rule,
    expiresInMs: leakCloseExpiresInMs,
    proof: {
      measuredAtMs: proof.measuredAtMs,
      receivedAtMs: proof.receivedAtMs,
      isLate,
      isDoubted,
    },
    by: "engine",
  });
  draft.context = { ...draft.context, leakClose: { alarmId, occurrence, detail } };
}

function isRegisterDoubted({ flags }: Reading): boolean {
  const { RANGE, REGISTER_BACK, REGISTER_ZERO, NEGATIVE, CONFLICT, RESUMED } = readingFlags;
  const doubts = RANGE | REGISTER_BACK | REGISTER_ZERO | NEGATIVE | CONFLICT;
  return (flags & doubts) !== 0 && (flags & RESUMED) === 0;
}

export interface Order {
  readonly cause: CloseAsk["cause"];
  readonly reason: string;
  readonly expiresInMs: number;
  /** The reading that proves the hazard; null when a person orders. */
  readonly proof: {
    readonly measuredAtMs: TimestampMs;
    readonly receivedAtMs: TimestampMs;
    readonly isLate: boolean;
    readonly isDoubted: boolean;
  } | null;
  readonly by: string;
}

/** Judges an order and records it, whatever the judgement is. */
export function order(draft: Draft, wanted: Order): Command {
  const { meter, nowMs } = draft;
  const judged = judgeClose(draft.automation, draft.context.valve, {
    cause: wanted.cause,
    reason: wanted.reason,
    nowMs,
    expiresAtMs: timestampMs(nowMs + wanted.expiresInMs),
    id: draft.ids.commandId(),
    meterNo: meter.no,
    critical: meter.critical,
    lifecycle: meter.lifecycle,
    meterCloses: closesToday(draft).length,
    measuredAtMs: wanted.proof?.measuredAtMs ?? null,
    receivedAtMs: wanted.proof?.receivedAtMs ?? null,
    late: wanted.proof?.isLate ?? false,
    doubted: wanted.proof?.isDoubted ?? false,
    unconfirmed: draft.protocol.hasMakersStatus === true && draft.file.isConfirmed !== true,
  });
  const encoded = encodeCommand(draft, judged.command);
  if (judged.command.state !== "refused" && !encoded.ok) {
    return recordRefusal(draft, judged.command, encoded.fault.kind);
  }
  const isAutomatic = wanted.cause.kind === "alarm" && judged.command.state === "authorised";
  if (isAutomatic) {
    draft.context = { ...draft.context, closesMs: [...closesToday(draft), nowMs] };
  }
  draft.automation = judged.automation;
  if (judged.supersedes !== null) draft.effects.commands.push(judged.supersedes);
  draft.effects.commands.push({ command: judged.command, transitions: judged.transitions });
  if (judged.command.state === "refused") return judged.command;
  moveValve(draft, { kind: "order", command: judged.command, by: wanted.by });
  return draft.context.valve.outstanding?.command ?? judged.command;
}

function closesToday({ context, nowMs }: Draft): readonly TimestampMs[] {
  return context.closesMs.filter((atMs) => atMs > nowMs - automationLimits.dayWindowMs);
}

/** A command that no frame could carry must be known as refused now, not when the meter wakes. */
function recordRefusal(draft: Draft, wanted: Command, detail: string): Command {
  const command: Command = { ...wanted, state: "refused", detail };
  const states = ["requested", "refused"] as const;
  const transitions: readonly CommandTransition[] = states.map((state) => ({
    state,
    atMs: draft.nowMs,
    by: "engine",
    detail: state === "refused" ? detail : null,
  }));
  draft.effects.commands.push({ command, transitions });
  return command;
}
