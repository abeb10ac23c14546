/** Turns conditions and people's acts into alarm lives: at most one live alarm per meter and rule. */
import type { AlarmFault, AlarmInput } from "#alarms/alarmLife.ts";
import { explains, follows, hiddenUnder, parentRules } from "#alarms/suppression.ts";
import {
  isSameProof,
  unhidden,
  type Alarm,
  type ConditionLevel,
  type Occurrence,
  type Priority,
  type Proof,
} from "#domain/alarm.ts";
import { alarmId, type AlarmId } from "#domain/ids.ts";
import type { AlarmEventKind } from "#domain/event.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import { isListed, ruleTable } from "#rules/ruleTable.ts";
import { lifeOf, lived, moved, stepOf, unseen } from "./alarmSteps.ts";
import type { MeterAlarmRule } from "./context.ts";
import type { Draft } from "./draft.ts";
import { hiddenByWork, workOver } from "./worksOver.ts";

/** A condition that holds: where it began (event time), how grave it is, and why. */
export interface Activation {
  readonly rule: MeterAlarmRule;
  readonly level: ConditionLevel;
  readonly proof: Proof;
  readonly raisedAtMs: TimestampMs;
}

/** Raises, re-raises or escalates; returns the alarm as it then is. */
export function activate(draft: Draft, now: Activation): Alarm {
  const { level } = now;
  if (staysHidden(draft, now)) return begin(draft, now, { kind: "activateHidden", level }, {});
  const before = draft.context.live[now.rule];
  const isShelved = before?.state === "shelved";
  const change = isShelved || isActive(before) ? null : causeOf(draft, now);
  if (change === null) return begin(draft, now, { kind: "activate", level }, {});
  // What is in sight from an earlier time is hidden before its condition begins anew.
  if (before !== undefined) moveAlarm(draft, before, { kind: "suppress" }, change);
  return begin(draft, now, { kind: "activateHidden", level }, change);
}

/** What explains that this condition begins now: planned work, or an alarm of the meter that holds; null: it rings. */
function causeOf(draft: Draft, now: Activation): Pick<Alarm, "hidden" | "parentId"> | null {
  const { rule, level, raisedAtMs } = now;
  const { live } = draft.context;
  const beginning = { rule, level, raisedAtMs, priority: priorityOf(draft, now) };
  const work = workOver(draft.works, draft.meter, draft.nowMs, beginning);
  if (work !== undefined) {
    return { hidden: hiddenByWork(work, draft.nowMs), parentId: alarmId(work.id) };
  }
  const parents = parentRules.map((name) => live[name]);
  const parent = parents.find((one) => isActive(one) && follows(beginning, one));
  if (parent === undefined) return null;
  return { hidden: hiddenUnder(parent.rule, draft.nowMs), parentId: parent.id };
}

/** Hidden by design it stays while its cause explains this level; out of service it stays below the first priority. */
function staysHidden(draft: Draft, now: Activation): boolean {
  const alarm = draft.context.live[now.rule];
  if (alarm === undefined || alarm.hidden === null) return false;
  const { rule, level } = now;
  const priority = priorityOf(draft, now);
  if (alarm.state === "out-of-service") return priority > 1;
  return alarm.state === "suppressed" && explains(alarm.hidden, { rule, level, priority });
}

/** The same for a consequence of an alarm that stands: on record under it, and never heard. */
export function activateUnder(draft: Draft, now: Activation, parent: Alarm, reason: string): Alarm {
  if (draft.context.live[now.rule] !== undefined) return activate(draft, now);
  const hidden = { reason, by: "engine", sinceMs: draft.nowMs, untilMs: null };
  const change = { hidden, parentId: parent.id };
  return begin(draft, now, { kind: "activateHidden", level: now.level }, change);
}

function begin(draft: Draft, now: Activation, input: AlarmInput, change: Partial<Alarm>): Alarm {
  const before = draft.context.live[now.rule];
  const silent = draft.context.silent[now.rule];
  const stepped = advance(now.rule, before, input);
  const happened = stepped.ok ? stepped.value.happened : [];
  if (before !== undefined && happened.length === 0 && before.level === now.level) {
    return before;
  }
  const base = before ?? silent ?? blankAlarm(draft, now);
  const life = stepped.ok ? stepped.value.life : lifeOf(base);
  const isAnew = happened.length > 0;
  const alarm: Alarm = {
    ...lived(base, life),
    priority: priorityOf(draft, { ...now, level: life.level }),
    historical: false,
    listed: false,
    raisedAtMs: before === undefined || isAnew ? now.raisedAtMs : before.raisedAtMs,
    returnedAtMs: null,
    knownAtMs: before === undefined ? draft.nowMs : base.knownAtMs,
    ...(isAnew ? unseen(life, draft.nowMs) : {}),
    proof: now.proof,
    ...change,
  };
  // The record of old data becomes this alarm, or ends where this alarm takes over.
  if (base === silent) setSilent(draft, now.rule, undefined);
  else closeSilent(draft, now.rule, now.raisedAtMs);
  setLive(draft, now.rule, alarm, happened);
  return alarm;
}

/** The condition ended: the alarm returns, and stays for a person where it must. */
export function returnToNormal(draft: Draft, rule: MeterAlarmRule, atMs: TimestampMs): void {
  const before = draft.context.live[rule];
  if (before === undefined || !isActive(before)) return;
  moveAlarm(draft, before, { kind: "return" }, { returnedAtMs: atMs });
}

/** What is hidden under one alarm is hidden under another one: nothing that anybody would hear. */
export function putUnder(
  draft: Draft,
  alarm: Alarm,
  parentId: AlarmId | null,
  hidden: Alarm["hidden"],
): void {
  setLive(draft, alarm.rule as MeterAlarmRule, { ...alarm, parentId, hidden }, []);
}

/**
 * A step that is no reading's: a person's act, the design's, or the watch's. Refused where the table does not
 * have it, or where the alarm is no longer the live one.
 */
export function moveAlarm(
  draft: Draft,
  alarm: Alarm,
  input: AlarmInput,
  change: Partial<Alarm> = {},
): Result<Alarm, AlarmFault> {
  const rule = alarm.rule as MeterAlarmRule;
  // What is over is only in the ledger; the table says what may still be done with it.
  const isOver = alarm.state === "normal";
  if (!isOver && draft.context.live[rule]?.id !== alarm.id) return fail("not-allowed-in-state");
  const stepped = advance(rule, alarm, input);
  if (!stepped.ok) return stepped;
  const { life, happened } = stepped.value;
  if (happened.length === 0) return ok(alarm);
  const next: Alarm = { ...lived(alarm, life), ...moved(alarm, life, draft.nowMs), ...change };
  setLive(draft, rule, next, happened);
  return ok(next);
}

/** A record of a condition known from old data only. It never rings; while open it waits for fresh data. */
export function recordSilently(draft: Draft, occurrence: Occurrence): Alarm {
  const { rule, level, proof, raisedAtMs, returnedAtMs } = occurrence;
  const isOpen = returnedAtMs === null;
  const before = isOpen ? draft.context.silent[rule] : undefined;
  const base = before ?? blankAlarm(draft, { rule, level, proof, raisedAtMs });
  const listed = isListed(rule, level);
  const change = {
    level,
    priority: priorityOf(draft, occurrence),
    proof,
    raisedAtMs,
    returnedAtMs,
  };
  // It is looked at with every reading of the meter, and written when something about it is new.
  if (before !== undefined && isRecordedAs(before, occurrence)) return before;
  const alarm: Alarm = { ...base, ...change, listed, historical: !listed };
  if (isOpen) setSilent(draft, rule, alarm);
  draft.effects.alarms.set(alarm.id, alarm);
  const kind = listed ? "alarm.listed" : "alarm.historical";
  if (before === undefined) draft.effects.alarmEvents.push({ kind, alarm });
  return alarm;
}

function isRecordedAs(
  alarm: Alarm,
  { level, raisedAtMs, returnedAtMs, proof }: Occurrence,
): boolean {
  return (
    alarm.level === level &&
    alarm.raisedAtMs === raisedAtMs &&
    alarm.returnedAtMs === returnedAtMs &&
    isSameProof(alarm.proof, proof)
  );
}

/** A silent condition is over: its record gets its end. */
export function closeSilent(draft: Draft, rule: MeterAlarmRule, atMs: TimestampMs): void {
  const silent = draft.context.silent[rule];
  if (silent === undefined) return;
  draft.effects.alarms.set(silent.id, { ...silent, returnedAtMs: atMs });
  setSilent(draft, rule, undefined);
}

function blankAlarm(draft: Draft, now: Activation): Alarm {
  return {
    id: draft.ids.alarmId(),
    meterNo: draft.meter.no,
    rule: now.rule,
    ruleVersion: ruleTable[now.rule].version,
    level: now.level,
    priority: priorityOf(draft, now),
    occurrence: 1,
    historical: true,
    state: "normal",
    raisedAtMs: now.raisedAtMs,
    returnedAtMs: null,
    knownAtMs: draft.nowMs,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    ...unhidden,
    proof: now.proof,
  };
}

/** As the rules say that were in force when the condition began. */
function priorityOf(
  { rules, meter }: Draft,
  { rule, level, raisedAtMs }: Pick<Activation, "rule" | "level" | "raisedAtMs">,
): Priority {
  if (rule === "PARKED" || rule === "COMMAND_MISMATCH") {
    return ruleTable[rule].priority[level === 2 ? 2 : 1];
  }
  const { priority, gravePriority } = rules.settingsAt(meter, raisedAtMs).conduct[rule];
  return level === 2 ? gravePriority : priority;
}

function advance(rule: MeterAlarmRule, alarm: Alarm | undefined, input: AlarmInput) {
  return stepOf(ruleTable[rule].latching, alarm, input);
}

function setLive(
  draft: Draft,
  rule: MeterAlarmRule,
  alarm: Alarm,
  happened: readonly AlarmEventKind[],
): void {
  const { [rule]: _before, ...others } = draft.context.live;
  const live = alarm.state === "normal" ? others : { ...others, [rule]: alarm };
  draft.context = { ...draft.context, live };
  draft.effects.alarms.set(alarm.id, alarm);
  for (const kind of happened) draft.effects.alarmEvents.push({ kind, alarm });
}

function setSilent(draft: Draft, rule: MeterAlarmRule, alarm: Alarm | undefined): void {
  const { [rule]: _before, ...others } = draft.context.silent;
  const silent = alarm === undefined ? others : { ...others, [rule]: alarm };
  draft.context = { ...draft.context, silent };
}

/** Whether the condition of this alarm holds at this moment, whether it rings or is hidden. */
export function isActive(alarm: Alarm | undefined): alarm is Alarm {
  return alarm !== undefined && alarm.state !== "normal" && alarm.returnedAtMs === null;
}
