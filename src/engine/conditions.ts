/**
 * From what the rules say to occurrences, in event time: a condition opens one, or waits out its on-delay first; its
 * end closes it, or waits out the off-delay. Without delays, which is the factory's way, each change counts at once.
 */
import type { ConditionLevel, MeterRuleId, Occurrence, Proof } from "#domain/alarm.ts";
import { minuteMs, type TimestampMs } from "#domain/units.ts";
import type { Conducts } from "#rules/conduct.ts";
import type { ConditionChange } from "#rules/rule.ts";

/** A condition that holds at the newest reading. */
export interface OpenOccurrence {
  readonly raisedAtMs: TimestampMs;
  readonly level: ConditionLevel;
  readonly proof: Proof;
}

export type OpenOccurrences = Partial<Readonly<Record<MeterRuleId, OpenOccurrence>>>;

/** A change that has not counted yet; level 0: its end. */
interface Waiter {
  readonly sinceMs: TimestampMs;
  readonly level: ConditionLevel;
  readonly proof: Proof;
}

export type Waiting = Partial<Readonly<Record<MeterRuleId, Waiter>>>;

interface Conditions {
  readonly open: OpenOccurrences;
  readonly waiting?: Waiting;
}

interface Following {
  readonly rulesVersion: string | null;
  readonly conduct: Conducts;
}

export interface Followed {
  readonly now: Conditions;
  readonly ended: readonly Occurrence[];
}

const nothingEnded: readonly Occurrence[] = [];

/** The conditions after one instant, and those that ended with it. */
export function followConditions(
  settings: Following,
  before: Conditions,
  changes: readonly ConditionChange[],
  atMs: TimestampMs,
): Followed {
  const { open, waiting } = before;
  if (changes.length === 0 && waiting === undefined) return { now: { open }, ended: nothingEnded };
  const draft = { open: { ...open }, waiting: { ...waiting } };
  for (const { rule, level, proof } of changes) {
    const standing = draft.open[rule]?.level ?? 0;
    if (level > 0 === standing > 0) {
      // It is as it was before it began to wait, or graver, or less grave.
      delete draft.waiting[rule];
      if (level !== standing) change(draft, settings, rule, level, proof, atMs);
    } else wait(draft, rule, { sinceMs: atMs, level, proof });
  }
  const ended: Occurrence[] = [];
  for (const rule of Object.keys(draft.waiting) as MeterRuleId[]) {
    const waiter = draft.waiting[rule];
    if (waiter === undefined) continue;
    const { onDelayMinutes, offDelayMinutes } = settings.conduct[rule];
    const delayMs = (waiter.level > 0 ? onDelayMinutes : offDelayMinutes) * minuteMs;
    const heldMs = atMs - waiter.sinceMs;
    if (heldMs < delayMs) continue;
    delete draft.waiting[rule];
    if (waiter.level > 0) {
      const proof = heldMs === 0 ? waiter.proof : { ...waiter.proof, heldMs };
      change(draft, settings, rule, waiter.level, proof, atMs);
    } else {
      const was = draft.open[rule];
      if (was !== undefined) ended.push({ rule, ...was, returnedAtMs: atMs });
      delete draft.open[rule];
    }
  }
  // What is the same stays the same object: whoever looks for changes need not compare.
  const isSame = ended.length === 0 && isEqual(open, draft.open);
  const now = { open: isSame ? open : draft.open };
  const isWaiting = Object.keys(draft.waiting).length > 0;
  return { now: isWaiting ? { ...now, waiting: draft.waiting } : now, ended };
}

interface Draft {
  readonly open: { -readonly [Rule in keyof OpenOccurrences]: OpenOccurrences[Rule] };
  readonly waiting: { -readonly [Rule in keyof Waiting]: Waiting[Rule] };
}

/** While it waits to ring it may become graver; the clock runs from when it began. */
function wait({ waiting }: Draft, rule: MeterRuleId, waiter: Waiter): void {
  const known = waiting[rule];
  const sinceMs = known !== undefined && known.level > 0 ? known.sinceMs : waiter.sinceMs;
  waiting[rule] = { ...waiter, sinceMs };
}

/** A proof names the rule document whose thresholds it met. */
function change(
  { open }: Draft,
  { rulesVersion }: Following,
  rule: MeterRuleId,
  level: ConditionLevel,
  proof: Proof,
  atMs: TimestampMs,
): void {
  const raisedAtMs = open[rule]?.raisedAtMs ?? atMs;
  const told = rulesVersion === null ? proof : { ...proof, rulesVersion };
  open[rule] = { raisedAtMs, level, proof: told };
}

function isEqual(one: OpenOccurrences, other: OpenOccurrences): boolean {
  const rules = Object.keys(other) as MeterRuleId[];
  return (
    rules.length === Object.keys(one).length && rules.every((rule) => one[rule] === other[rule])
  );
}

/** The open conditions as occurrences. */
export function openAsOccurrences(open: OpenOccurrences): readonly Occurrence[] {
  const rules = Object.keys(open) as MeterRuleId[];
  return rules.flatMap((rule) => {
    const occurrence = open[rule];
    return occurrence === undefined ? [] : [{ rule, ...occurrence, returnedAtMs: null }];
  });
}
