/** Alarms about the system itself: one live alarm per rule, kept in the ledger's settings over restarts. */
import { newLife, stepAlarm, type AlarmInput } from "#alarms/alarmLife.ts";
import type { Alarm, Proof, SystemRuleId } from "#domain/alarm.ts";
import { alarmId } from "#domain/ids.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { Rng } from "#ports/rng.ts";
import { ruleTable } from "#rules/ruleTable.ts";
import { publishAlarm, type Book } from "./book.ts";
import { settingNames } from "./memory.ts";

/** Raises the system's alarm, or brings its proof up to date. */
export function raiseSystem(book: Book, rng: Rng, rule: SystemRuleId, proof: Proof): void {
  const before = book.memory.system[rule];
  const alarm = before ?? blank(book, rng, rule, proof);
  step(book, rule, { ...alarm, proof }, { kind: "activate", level: 1 });
}

/** The trouble is over. */
export function liftSystem(book: Book, rule: SystemRuleId): void {
  const before = book.memory.system[rule];
  if (before === undefined || before.returnedAtMs !== null) return;
  step(book, rule, { ...before, returnedAtMs: book.nowMs }, { kind: "return" });
}

/** A person acknowledges or resets one. */
export function actOnSystem(
  book: Book,
  alarm: Alarm,
  input: AlarmInput,
  by: string,
): Result<Alarm, "occurrence-changed" | "not-allowed-in-state"> {
  const rule = alarm.rule as SystemRuleId;
  if (book.memory.system[rule]?.id !== alarm.id) return fail("not-allowed-in-state");
  const isFirst = input.kind === "acknowledge" && alarm.acknowledgedAtMs === null;
  const acknowledged = isFirst ? { acknowledgedAtMs: book.nowMs, acknowledgedBy: by } : {};
  return step(book, rule, { ...alarm, ...acknowledged }, input);
}

function step(
  book: Book,
  rule: SystemRuleId,
  alarm: Alarm,
  input: AlarmInput,
): Result<Alarm, "occurrence-changed" | "not-allowed-in-state"> {
  const isNew = book.memory.system[rule] === undefined;
  const { state, occurrence, level } = alarm;
  const stepped = stepAlarm(
    ruleTable[rule].latching,
    isNew ? newLife : { state, occurrence, level },
    input,
  );
  if (!stepped.ok) return stepped;
  const { life, happened } = stepped.value;
  const hasRung = input.kind === "activate" && happened.length > 0;
  const next: Alarm = {
    ...alarm,
    ...life,
    level: 1,
    ...(hasRung ? { ...unseen, raisedAtMs: book.nowMs } : {}),
  };
  const { [rule]: _before, ...others } = book.memory.system;
  book.memory.system = next.state === "normal" ? others : { ...others, [rule]: next };
  book.ledger.putAlarm(next);
  book.ledger.putSetting(settingNames.systemAlarms, JSON.stringify(book.memory.system));
  for (const kind of happened) publishAlarm(book, kind, next, null);
  return ok(next);
}

const unseen = { returnedAtMs: null, acknowledgedAtMs: null, acknowledgedBy: null } as const;

function blank(book: Book, rng: Rng, rule: SystemRuleId, proof: Proof): Alarm {
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
    proof,
  };
}
