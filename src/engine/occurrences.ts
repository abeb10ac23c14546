/** Brings the record of conditions, and the alarms on it, in line with what the fold now says. */
import { parentRules } from "#alarms/suppression.ts";
import { reconcile } from "#alarms/reconcile.ts";
import {
  isSameProof,
  type Alarm,
  type MeterRuleId,
  type Occurrence,
  type StoredOccurrence,
} from "#domain/alarm.ts";
import type { AlarmId } from "#domain/ids.ts";
import type { TimestampMs } from "#domain/units.ts";
import { activate, closeSilent, isActive, recordSilently, returnToNormal } from "./alarmDesk.ts";
import { isListed, ruleTable } from "#rules/ruleTable.ts";
import { timeLimits } from "#screening/placeInTime.ts";
import type { Draft } from "./draft.ts";
import { openAsOccurrences, type OpenOccurrences } from "./conditions.ts";

/** The open occurrences on record, from the context alone. */
export function openOnRecord(draft: Draft): readonly StoredOccurrence[] {
  const { head, live, silent, occurrenceIds } = draft.context;
  return openAsOccurrences(head.open).flatMap((occurrence) => {
    const id = occurrenceIds[occurrence.rule];
    const alarm = silent[occurrence.rule] ?? live[occurrence.rule];
    return id === undefined || alarm === undefined
      ? []
      : [{ ...occurrence, id, alarmId: alarm.id }];
  });
}

export interface Change {
  readonly recorded: readonly StoredOccurrence[];
  readonly ended: readonly Occurrence[];
  readonly open: OpenOccurrences;
  /** Fresh data of an active meter: alarms may ring. */
  mayRing(rule: MeterRuleId): boolean;
  /** The newest instant the fold has seen. */
  readonly atMs: TimestampMs;
}

/** Alarms ring, return or become history, as the record now demands. */
export function applyOccurrences(draft: Draft, change: Change): void {
  const folded = [...change.ended, ...openAsOccurrences(change.open)];
  const { keep, add, retract } = reconcile(change.recorded, folded);
  for (const { recorded, now } of keep) {
    if (now.returnedAtMs === null) ringOrRecord(draft, change, now, recorded);
    else settleEnded(draft, recorded, now);
  }
  // Parents first: what follows from them does not ring before them.
  const added = [...add].sort((one, other) => rankOf(one.rule) - rankOf(other.rule));
  for (const now of added) {
    if (now.returnedAtMs === null) ringOrRecord(draft, change, now, undefined);
    else recordEnded(draft, now);
  }
  for (const gone of retract) {
    draft.effects.retracted.push(gone.id);
    if (gone.returnedAtMs === null)
      settleEnded(draft, gone, { ...gone, returnedAtMs: change.atMs });
    withdraw(draft, gone);
  }
}

function rankOf(rule: MeterRuleId): number {
  return parentRules.some((parent) => parent === rule) ? 0 : 1;
}

/** Nobody may go and look for something in the past that later readings have shown never was. */
function withdraw(draft: Draft, { alarmId }: StoredOccurrence): void {
  const alarm = draft.effects.alarms.get(alarmId) ?? draft.history.alarm(alarmId);
  if (alarm === undefined || !isRecord(alarm)) return;
  const proof = { ...alarm.proof, withdrawnAtMs: draft.nowMs };
  draft.effects.alarms.set(alarm.id, { ...alarm, proof });
}

/**
 * Began and ended before we knew. Usually history; but what latches and happened just now, two uplinks having
 * changed places on their way, waits for a person as if they had come in order.
 */
function recordEnded(draft: Draft, now: Occurrence): void {
  const { rule, returnedAtMs } = now;
  const agoMs = draft.nowMs - (returnedAtMs ?? 0);
  const isJustNow = agoMs <= timeLimits.lateAfterMs && draft.meter.lifecycle !== "closed";
  if (!ruleTable[rule].latching || !isJustNow || isActive(draft.context.live[rule])) {
    putOccurrence(draft, now, recordSilently(draft, now).id, undefined);
    return;
  }
  const alarm = activate(draft, now);
  returnToNormal(draft, rule, returnedAtMs ?? draft.nowMs);
  putOccurrence(draft, now, alarm.id, undefined);
}

function ringOrRecord(
  draft: Draft,
  change: Change,
  now: Occurrence,
  recorded: StoredOccurrence | undefined,
): void {
  const isLive = isActive(draft.context.live[now.rule]);
  const toList = isListed(now.rule, now.level);
  // What has eased to a matter for the work list is over for the operator.
  if (isLive && toList) returnToNormal(draft, now.rule, change.atMs);
  if (toList || (!isLive && !change.mayRing(now.rule))) {
    putOccurrence(draft, now, recordSilently(draft, now).id, recorded);
    return;
  }
  putOccurrence(draft, now, activate(draft, now).id, recorded);
}

function settleEnded(draft: Draft, recorded: StoredOccurrence, now: Occurrence): void {
  if (recorded.returnedAtMs === null) {
    const atMs = now.returnedAtMs ?? draft.nowMs;
    if (draft.context.silent[now.rule]?.id === recorded.alarmId) closeSilent(draft, now.rule, atMs);
    else returnToNormal(draft, now.rule, atMs);
    const { [now.rule]: _gone, ...others } = draft.context.occurrenceIds;
    draft.context = { ...draft.context, occurrenceIds: others };
  } else {
    moveHistorical(draft, recorded, now);
  }
  putOccurrence(draft, now, recorded.alarmId, recorded);
}

/** Late data moved the ends of something long over: its historical alarm moves along. */
function moveHistorical(draft: Draft, recorded: StoredOccurrence, now: Occurrence): void {
  if (isSame(recorded, now)) return;
  const alarm = draft.effects.alarms.get(recorded.alarmId) ?? draft.history.alarm(recorded.alarmId);
  if (alarm === undefined || !isRecord(alarm)) return;
  const { raisedAtMs, returnedAtMs, level, proof } = now;
  draft.effects.alarms.set(alarm.id, { ...alarm, raisedAtMs, returnedAtMs, level, proof });
}

/** A record of what was, which nobody has been called for. */
function isRecord({ historical, listed }: Alarm): boolean {
  return historical || listed;
}

function putOccurrence(
  draft: Draft,
  now: Occurrence,
  alarmId: AlarmId,
  recorded: StoredOccurrence | undefined,
): void {
  const id = recorded?.id ?? draft.ids.occurrenceId();
  if (now.returnedAtMs === null && draft.context.occurrenceIds[now.rule] !== id) {
    const occurrenceIds = { ...draft.context.occurrenceIds, [now.rule]: id };
    draft.context = { ...draft.context, occurrenceIds };
  }
  if (recorded !== undefined && recorded.alarmId === alarmId && isSame(recorded, now)) return;
  draft.effects.occurrences.push({ ...now, id, alarmId });
}

function isSame(one: Occurrence, other: Occurrence): boolean {
  return (
    one.raisedAtMs === other.raisedAtMs &&
    one.returnedAtMs === other.returnedAtMs &&
    one.level === other.level &&
    isSameProof(one.proof, other.proof)
  );
}
