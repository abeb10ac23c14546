/** The engine's side of the valve ledger: who asked, may it be, and what follows for the alarms. */
import type { Alarm } from "#domain/alarm.ts";
import { closingRules, type ClosingRule } from "#domain/closePolicy.ts";
import type { Command, CommandTransition, Permit } from "#domain/command.ts";
import type { MeterParameters } from "#domain/parameters.ts";
import { sizeLimits } from "#domain/meter.ts";
import { readingFlags, type Reading } from "#domain/reading.ts";
import { timestampMs, type TimestampMs } from "#domain/units.ts";
import { isFresh } from "#screening/placeInTime.ts";
import {
  automationLimits,
  judgeClose,
  leakCloseExpiresInMs,
  type CloseAsk,
  type CloseRefusal,
} from "#valves/judge.ts";
import { armAfterMs } from "#valves/closePolicy.ts";
import type { IgnoredReply } from "#valves/advance.ts";
import { judgeOther, type OtherAsk, type OtherJudgement } from "#valves/judgeOther.ts";
import { isEnded } from "#valves/commandTable.ts";
import { stepValve, type ValveInput } from "#valves/stepValve.ts";
import { isAutomatic } from "#valves/valveState.ts";
import { wearOf } from "#valves/wear.ts";
import { activate, closeSilent, isActive, recordSilently, returnToNormal } from "./alarmDesk.ts";
import type { Draft } from "./draft.ts";
import { encodeCommand } from "./encodeCommand.ts";

/** One step of this meter's valve, with alarm R15 following its trouble. */
export function moveValve(draft: Draft, input: ValveInput): void {
  const { quantumMl, size } = draft.meter;
  const before = draft.context.valve;
  const { qmaxMlPerHour } = sizeLimits(size);
  const told = input.kind === "reading" ? { ...input, isUndated: isUndated(draft, input) } : input;
  const step = stepValve({ quantumMl, qmaxMlPerHour }, before, told);
  if (step.state !== before) draft.context = { ...draft.context, valve: step.state };
  draft.effects.commands.push(...step.changes);
  if (step.send !== null) draft.effects.sends.push(step.send);
  if (step.ignoredReply !== null) noteStray(draft, step.ignoredReply, input);
  const changed = step.changes.at(-1)?.command ?? null;
  if (changed !== null) noteNeedless(draft, changed);
  followTrouble(draft, changed?.action === "close" ? changed : null);
  if (step.isUncontrolled && input.kind === "reading") proposeClose(draft, input.measuredAtMs);
  followProposal(draft, changed);
  if (step.state.actuations !== before.actuations || draft.context.silent.R20 !== undefined) {
    followWear(draft);
  }
}

/** A valve that nears the end of its life is for whoever plans visits; an exchanged one begins anew. */
function followWear(draft: Draft): void {
  const { level, ...proof } = wearOf(draft.context.valve, draft.file.actuationsRated ?? null);
  const known = draft.context.silent.R20;
  if (level === 0) {
    closeSilent(draft, "R20", draft.nowMs);
    return;
  }
  const raisedAtMs = known?.level === level ? known.raisedAtMs : draft.nowMs;
  recordSilently(draft, { rule: "R20", level, proof, raisedAtMs, returnedAtMs: null });
}

/** The meter listens now: what waits for it leaves, unless automation has no business with it any more. */
export function meetMeter(draft: Draft): void {
  const isStopped = draft.automation.stopped || isForbidden(draft);
  moveValve(draft, { kind: "contact", isStopped, nowMs: draft.nowMs });
}

/** A policy that came after the order holds for what has not left yet. */
export function withdrawForbidden(draft: Draft): void {
  if (draft.context.valve.outstanding?.command.state !== "queued" || !isForbidden(draft)) return;
  const detail = "policy-forbids" satisfies CloseRefusal;
  moveValve(draft, { kind: "void", by: "engine", detail, nowMs: draft.nowMs });
}

/** Nobody has said yes to what is outstanding, and the policy in force wants that or forbids it. */
function isForbidden({ context, closing, meter }: Draft): boolean {
  const command = context.valve.outstanding?.command;
  if (command === undefined || !isAutomatic(command)) return false;
  const rule = closingRules.find((name) => name === command.reason);
  return rule !== undefined && closing.word(meter, rule) !== "automatic";
}

/**
 * An answer that changed nothing is counted. Unless the radio only repeated itself, it is a matter for people too:
 * somebody answers for another, or answers what was never asked.
 */
function noteStray(draft: Draft, reason: IgnoredReply, input: ValveInput): void {
  draft.effects.strayReplies.push(reason);
  if (reason === "repeated" || input.kind !== "reply") return;
  const { commandId, sequence, result } = input.reply;
  const named = commandId === null ? { sequence: sequence ?? "none" } : { commandId };
  const level = reason === "after-end" ? 1 : 2;
  const proof = { reason, result, ...named };
  activate(draft, { rule: "COMMAND_MISMATCH", level, proof, raisedAtMs: draft.nowMs });
}

/** Whether the clock of the value that speaks, one of the uplink at hand, could not be believed. */
function isUndated({ effects }: Draft, { measuredAtMs }: Pick<Reading, "measuredAtMs">): boolean {
  const clockFlags = readingFlags.TIME_INVALID | readingFlags.TIME_FUTURE;
  const readings = [...effects.readings, ...effects.revisions.map(({ reading }) => reading)];
  return readings.some(
    (reading) => reading.measuredAtMs === measuredAtMs && (reading.flags & clockFlags) !== 0,
  );
}

/** The valve was shut already, and nobody has said no: should it be open again, the leak asks again. */
function noteNeedless(draft: Draft, { cause, state, detail }: Command): void {
  const { leakClose } = draft.context;
  if (leakClose?.alarmId !== cause.ref || state !== "cancelled" || detail !== alreadyClosed) return;
  draft.context = { ...draft.context, leakClose: { ...leakClose, detail } };
}

/** Gas flows as through an open pipe after somebody opened the valve: a person looks, and may close again. */
function proposeClose(draft: Draft, measuredAtMs: TimestampMs): void {
  const proof = { sinceMs: measuredAtMs };
  const alarm = activate(draft, { rule: "R19", level: 1, proof, raisedAtMs: measuredAtMs });
  order(draft, {
    cause: { kind: "alarm", ref: alarm.id },
    reason: alarm.rule,
    expiresInMs: leakCloseExpiresInMs,
    proof: { measuredAtMs, receivedAtMs: draft.nowMs, isLate: false, isDoubted: false },
    by: "engine",
    rule: "R19",
    isProposal: true,
  });
}

/** The alarm stands until the valve is shut, or a close has ended: somebody has decided. A refusal decides nothing. */
function followProposal(draft: Draft, changed: Command | null): void {
  const { valve, live } = draft.context;
  if (!isActive(live.R19)) return;
  const isDecided = changed?.action === "close" && isEnded(changed.state);
  const isShut = valve.position === "closed" && !valve.isPositionUndated;
  if (isShut || isDecided) returnToNormal(draft, "R19", draft.nowMs);
}

/** Two reports after a close left, the meter has said nothing: nobody knows, and somebody must (faults 5). */
const reportsWithoutWord = 2;

/** True when it rings now. */
export function noteSilence(draft: Draft): boolean {
  const { valve, lastReceivedAtMs } = draft.context;
  const command = valve.outstanding?.command;
  if (command?.action !== "close" || command.sentAtMs === null || valve.trouble !== null)
    return false;
  const heardAtMs = Math.max(command.sentAtMs, lastReceivedAtMs ?? 0);
  if (draft.nowMs - heardAtMs < reportsWithoutWord * draft.meter.reportEveryMs) return false;
  draft.context = { ...draft.context, valve: { ...valve, trouble: "no-word" } };
  followTrouble(draft, command);
  return true;
}

/** It is heard again: whatever it says decides from here on. */
export function endSilence(draft: Draft): void {
  const { valve } = draft.context;
  if (valve.trouble !== "no-word") return;
  draft.context = { ...draft.context, valve: { ...valve, trouble: null } };
  followTrouble(draft, null);
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

const alreadyClosed = "already-closed" satisfies CloseRefusal;

/** Refusals that a better reading of the same leak overcomes. */
const passingRefusals: readonly (string | null)[] = ["stale-data", "doubted-data", alreadyClosed];

/**
 * A leak asks for its valve once per occurrence on record: on fresh data, within policy, past the breaker. What time
 * alone does to the alarm is no new leak: who has called the close off is not overruled by the next shift's bell. When
 * only old or doubted data said so at first, or the valve was shut then, it asks again as soon as good data says so of
 * a valve that is not. The register has no part in a leak bit, except where nothing else vouches for the frame.
 */
export function closeForAlarm(draft: Draft, alarm: Alarm, proof: Reading): void {
  const { id: alarmId } = alarm;
  voidPermit(draft);
  const { leakClose: before, occurrenceIds, valve } = draft.context;
  const occurrenceId = occurrenceIds.R1 ?? null;
  const isAsked = before?.alarmId === alarmId && before.occurrenceId === occurrenceId;
  const isClockBelieved = isFresh(proof.measuredAtMs, proof.receivedAtMs, proof.flags);
  const isLate = !isClockBelieved || (proof.flags & readingFlags.LATE) !== 0;
  const isDoubted = draft.protocol.hasWeakChecksum && isRegisterDoubted(proof);
  if (isAsked && (!passingRefusals.includes(before.detail) || isLate || isDoubted)) return;
  if (isAsked && before.detail === alreadyClosed && valve.position === "closed") return;
  if (valve.outstanding?.command.cause.ref === alarmId) {
    // It chatters: what its first occurrence ordered is on its way.
    draft.context = { ...draft.context, leakClose: { alarmId, occurrenceId, detail: null } };
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
    rule: "R1",
  });
  draft.context = { ...draft.context, leakClose: { alarmId, occurrenceId, detail } };
}

/** Where gas escapes nobody may open, whatever becomes of the close. */
function voidPermit(draft: Draft): void {
  if (draft.context.valve.outstanding?.command.action !== "permit_opening") return;
  moveValve(draft, { kind: "void", by: "engine", detail: "leak-active", nowMs: draft.nowMs });
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
  /** The rule that wants it; a person needs none. */
  readonly rule?: ClosingRule;
  /** The policy wants a second person before it leaves. */
  readonly needsSecondPerson?: boolean;
  /** A person wants it tried in spite of a weak battery. */
  readonly isLastAttempt?: boolean;
  /** Only to be proposed to persons. */
  readonly isProposal?: boolean;
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
    needsSecondPerson: wanted.needsSecondPerson ?? false,
    isBatteryWeak: isBatteryWeak(draft),
    isLastAttempt: wanted.isLastAttempt ?? false,
    isProposal: wanted.isProposal ?? false,
    ...policyOf(draft, wanted.rule),
    area: meter.area,
    areaSize: draft.areaSize,
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
  return record(draft, judged, wanted.by);
}

function policyOf({ closing, meter, context }: Draft, rule: ClosingRule | undefined) {
  if (rule === undefined) return {};
  const sinceMs = context.loosenedMs?.[rule];
  const armedAtMs = Math.max(
    closing.armsAtMs(meter, rule) ?? 0,
    sinceMs === undefined ? 0 : sinceMs + armAfterMs,
  );
  return { word: closing.word(meter, rule), armedAtMs: timestampMs(armedAtMs) };
}

/** What a person orders that is no close. */
export interface OtherOrder {
  readonly action: OtherAsk["action"];
  readonly by: string;
  readonly reason: string;
  readonly expiresInMs: number;
  readonly permit: Permit | null;
  readonly parameters?: MeterParameters;
}

/** Judges and records it; a permission then waits for the second person. */
export function orderOther(draft: Draft, wanted: OtherOrder): Command {
  const { meter, nowMs, context } = draft;
  const judged = judgeOther(context.valve, {
    ...wanted,
    nowMs,
    expiresAtMs: timestampMs(nowMs + wanted.expiresInMs),
    id: draft.ids.commandId(),
    meterNo: meter.no,
    lifecycle: meter.lifecycle,
    isBatteryWeak: isBatteryWeak(draft),
    isLeaking: context.head.open.R1 !== undefined || isActive(context.live.R1),
  });
  const encoded = encodeCommand(draft, judged.command);
  if (judged.command.state !== "refused" && !encoded.ok) {
    return recordRefusal(draft, judged.command, encoded.fault.kind);
  }
  return record(draft, judged, wanted.by);
}

/** The newest battery value or bit says that it will not last. */
function isBatteryWeak({ context }: Draft): boolean {
  return context.head.open.R10?.level === 2;
}

function record(draft: Draft, judged: OtherJudgement, by: string): Command {
  if (judged.supersedes !== null) draft.effects.commands.push(judged.supersedes);
  draft.effects.commands.push({ command: judged.command, transitions: judged.transitions });
  if (judged.command.state === "refused") return judged.command;
  moveValve(draft, { kind: "order", command: judged.command, by });
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
