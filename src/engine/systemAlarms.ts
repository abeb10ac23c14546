/** Alarms about the system itself: one live alarm per rule, kept in the ledger's settings over restarts. */
import type { AlarmFault, AlarmInput } from "#alarms/alarmLife.ts";
import { unhidden, type Alarm, type Hidden, type Proof, type SystemRuleId } from "#domain/alarm.ts";
import { alarmId, type AlarmId } from "#domain/ids.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { Rng } from "#ports/rng.ts";
import type { Trouble } from "#ports/trouble.ts";
import { ruleTable } from "#rules/ruleTable.ts";
import { lived, moved, stepOf, unseen } from "./alarmSteps.ts";
import { publishAlarm, type Book } from "./book.ts";
import { outageKey, settingNames, type SystemAlarmKey } from "./memory.ts";

/** Raises the system's alarm, or brings its proof up to date. */
export function raiseSystem(
  book: Book,
  rng: Rng,
  key: SystemAlarmKey,
  proof: Proof,
  level: 1 | 2 = 1,
  /** The planned work that explains it; null: it rings. */
  hidden: Hidden | null = null,
): void {
  const before = book.memory.system[key];
  const alarm = before ?? blank(book, rng, key, proof);
  const stays = before?.state === "suppressed" || (before === undefined && hidden !== null);
  const change = before === undefined ? { hidden, parentId: parentOf(hidden) } : {};
  const kind = stays ? "activateHidden" : "activate";
  step(book, key, { ...alarm, proof }, { kind, level }, change);
}

function parentOf(hidden: Hidden | null): AlarmId | null {
  return hidden?.workId === undefined ? null : alarmId(hidden.workId);
}

/** What the process measured of itself; told again after a restart, so that what is over ends. */
export function takeTrouble(book: Book, rng: Rng, { rule, level, proof }: Trouble): void {
  if (level === 0) liftSystem(book, rule);
  else raiseSystem(book, rng, rule, proof, level);
}

/** The trouble is over. */
export function liftSystem(book: Book, key: SystemAlarmKey): void {
  const before = book.memory.system[key];
  if (before === undefined || before.returnedAtMs !== null) return;
  step(book, key, before, { kind: "return" }, { returnedAtMs: book.nowMs });
}

/** A step that is no trouble's: a person's act or the watch's. */
export function moveSystem(
  book: Book,
  alarm: Alarm,
  input: AlarmInput,
  change: Partial<Alarm> = {},
): Result<Alarm, AlarmFault> {
  const key = keyOf(alarm);
  if (alarm.state === "normal") {
    const over = stepOf(ruleTable[alarm.rule].latching, alarm, input);
    return over.ok ? ok(alarm) : over;
  }
  if (book.memory.system[key]?.id !== alarm.id) return fail("not-allowed-in-state");
  return step(book, key, alarm, input, change);
}

function keyOf({ rule, subject }: Alarm): SystemAlarmKey {
  return subject === null ? (rule as Exclude<SystemRuleId, "OUTAGE">) : outageKey(subject);
}

function step(
  book: Book,
  key: SystemAlarmKey,
  alarm: Alarm,
  input: AlarmInput,
  change: Partial<Alarm> = {},
): Result<Alarm, AlarmFault> {
  const isNew = book.memory.system[key] === undefined;
  const stepped = stepOf(ruleTable[alarm.rule].latching, isNew ? undefined : alarm, input);
  if (!stepped.ok) return stepped;
  const { life, happened } = stepped.value;
  const isBegin = input.kind === "activate" || input.kind === "activateHidden";
  const isAnew = isBegin && happened.length > 0;
  const next: Alarm = {
    ...lived(alarm, life),
    priority: ruleTable[alarm.rule].priority[life.level === 2 ? 2 : 1],
    ...(isAnew ? { ...unseen(life, book.nowMs), raisedAtMs: book.nowMs } : {}),
    ...(isBegin ? { returnedAtMs: null } : moved(alarm, life, book.nowMs)),
    ...(happened.length > 0 ? change : {}),
  };
  const { [key]: _before, ...others } = book.memory.system;
  book.memory.system = next.state === "normal" ? others : { ...others, [key]: next };
  book.ledger.putAlarm(next);
  book.ledger.putSetting(settingNames.systemAlarms, JSON.stringify(book.memory.system));
  for (const kind of happened) publishAlarm(book, kind, next, null);
  return ok(next);
}

function blank(book: Book, rng: Rng, key: SystemAlarmKey, proof: Proof): Alarm {
  const [word, subject] = key.startsWith("OUTAGE ") ? ["OUTAGE", key.slice(7)] : [key, null];
  const rule = word as SystemRuleId;
  return {
    id: alarmId(rng.uuidV7(book.nowMs)),
    meterNo: null,
    rule,
    ruleVersion: ruleTable[rule].version,
    level: 1,
    priority: ruleTable[rule].priority[1],
    occurrence: 0,
    historical: false,
    state: "normal",
    raisedAtMs: book.nowMs,
    returnedAtMs: null,
    knownAtMs: book.nowMs,
    acknowledgedAtMs: null,
    acknowledgedBy: null,
    ...unhidden,
    subject,
    proof,
  };
}
