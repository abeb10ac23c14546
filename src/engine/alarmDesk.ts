/** Turns conditions and people's acts into alarm lives: at most one live alarm per meter and rule. */
import { newLife, stepAlarm, type AlarmInput, type AlarmLife } from "#alarms/alarmLife.ts";
import type { Alarm, ConditionLevel, Occurrence, Priority, Proof } from "#domain/alarm.ts";
import type { AlarmEventKind } from "#domain/event.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import { ruleTable } from "#rules/ruleTable.ts";
import type { MeterAlarmRule } from "./context.ts";
import type { Draft } from "./draft.ts";

/** A condition that holds: where it began (event time), how grave it is, and why. */
export interface Activation {
  readonly rule: MeterAlarmRule;
  readonly level: ConditionLevel;
  readonly proof: Proof;
  readonly raisedAtMs: TimestampMs;
}

/** Raises, re-raises or escalates; returns the alarm as it then is. */
export function activate(draft: Draft, now: Activation): Alarm {
  const before = draft.context.live[now.rule];
  const silent = draft.context.silent[now.rule];
  const stepped = advance(now.rule, before, { kind: "activate", level: now.level });
  const happened = stepped.ok ? stepped.value.happened : [];
  if (before !== undefined && happened.length === 0 && before.level === now.level) {
    return before;
  }
  const hasRung = happened.length > 0;
  const base = before ?? silent ?? blankAlarm(draft, now);
  const life = stepped.ok ? stepped.value.life : lifeOf(base);
  const alarm: Alarm = {
    ...base,
    ...life,
    priority: priorityOf(now.rule, life.level),
    historical: false,
    raisedAtMs: before === undefined || hasRung ? now.raisedAtMs : before.raisedAtMs,
    returnedAtMs: null,
    knownAtMs: before === undefined ? draft.nowMs : base.knownAtMs,
    acknowledgedAtMs: hasRung ? null : base.acknowledgedAtMs,
    acknowledgedBy: hasRung ? null : base.acknowledgedBy,
    proof: now.proof,
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
  if (before === undefined) return;
  const stepped = advance(rule, before, { kind: "return" });
  if (!stepped.ok || stepped.value.happened.length === 0) return;
  const alarm = { ...before, ...stepped.value.life, level: before.level, returnedAtMs: atMs };
  setLive(draft, rule, alarm, stepped.value.happened);
}

/** A person saw this occurrence; refused when it is no longer the one that was seen. */
export function acknowledge(
  draft: Draft,
  alarm: Alarm,
  occurrence: number,
  by: string,
): Result<Alarm, "occurrence-changed" | "not-allowed-in-state"> {
  return personal(draft, alarm, { kind: "acknowledge", occurrence }, by);
}

/** A person declares a latched alarm over. */
export function reset(
  draft: Draft,
  alarm: Alarm,
): Result<Alarm, "occurrence-changed" | "not-allowed-in-state"> {
  return personal(draft, alarm, { kind: "reset" }, null);
}

function personal(
  draft: Draft,
  alarm: Alarm,
  input: AlarmInput,
  acknowledgedBy: string | null,
): Result<Alarm, "occurrence-changed" | "not-allowed-in-state"> {
  const rule = alarm.rule as MeterAlarmRule;
  if (draft.context.live[rule]?.id !== alarm.id) return fail("not-allowed-in-state");
  const stepped = advance(rule, alarm, input);
  if (!stepped.ok) return stepped;
  if (stepped.value.happened.length === 0) return ok(alarm);
  const acknowledged =
    acknowledgedBy === null ? {} : { acknowledgedAtMs: draft.nowMs, acknowledgedBy };
  const next: Alarm = { ...alarm, ...stepped.value.life, level: alarm.level, ...acknowledged };
  setLive(draft, rule, next, stepped.value.happened);
  return ok(next);
}

/** A record of a condition known from old data only. It never rings; while open it waits for fresh data. */
export function recordSilently(draft: Draft, occurrence: Occurrence): Alarm {
  const { rule, level, proof, raisedAtMs, returnedAtMs } = occurrence;
  const isOpen = returnedAtMs === null;
  const before = isOpen ? draft.context.silent[rule] : undefined;
  const base = before ?? blankAlarm(draft, { rule, level, proof, raisedAtMs });
  const alarm: Alarm = { ...base, level, proof, raisedAtMs, returnedAtMs };
  if (isOpen) setSilent(draft, rule, alarm);
  draft.effects.alarms.set(alarm.id, alarm);
  if (before === undefined) draft.effects.alarmEvents.push({ kind: "alarm.historical", alarm });
  return alarm;
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
    priority: priorityOf(now.rule, now.level),
    occurrence: 1,
    historical: true,
    state: "normal",
    raisedAtMs: now.raisedAtMs,
    returnedAtMs: null,
    knownAtMs: draft.nowMs,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    proof: now.proof,
  };
}

function priorityOf(rule: MeterAlarmRule, level: ConditionLevel): Priority {
  return ruleTable[rule].priority[level === 2 ? 2 : 1];
}

function lifeOf(alarm: Alarm): AlarmLife {
  return { state: alarm.state, occurrence: alarm.occurrence, level: alarm.level };
}

function advance(rule: MeterAlarmRule, alarm: Alarm | undefined, input: AlarmInput) {
  return stepAlarm(ruleTable[rule].latching, alarm === undefined ? newLife : lifeOf(alarm), input);
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

/** Whether the condition of this alarm holds at this moment. */
export function isActive(alarm: Alarm | undefined): boolean {
  return alarm?.state === "unacknowledged" || alarm?.state === "acknowledged";
}
