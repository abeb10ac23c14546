/**
 * A rule document over what meters have said, in dry run: the same fold that the engine runs, reading by reading, and
 * nothing is written, told or ordered. Silence, outages and what a shut valve hides are not part of it.
 */
import type { ConditionLevel, MeterRuleId, Priority, Proof } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import { readingFlags, type SeenReading } from "#domain/reading.ts";
import type { RuleDocument, RuleRecord } from "#domain/ruleDocument.ts";
import { timestampMs } from "#domain/units.ts";
import { isListed } from "#rules/ruleTable.ts";
import { meterAt, type FoldExchange } from "./exchange.ts";
import { foldInstant, initialFold } from "./fold.ts";
import { inForce, type RulesInForce } from "./rulesInForce.ts";
import { byInstant } from "./window.ts";

/** One occurrence that the candidate makes, as far as people would have noticed it. */
export interface Told {
  readonly meterNo: number;
  readonly rule: MeterRuleId;
  readonly raisedAtMs: number;
  /** null: it still holds at the end. */
  readonly returnedAtMs: number | null;
  readonly level: ConditionLevel;
  readonly proof: Proof;
  readonly priority: Priority;
  /** Our clock, each time that it would have rung; none: history, or a matter for the work list. */
  readonly rangMs: readonly number[];
  /** It would have asked for a close when it first rang. */
  readonly asksForClose: boolean;
}

/** The rules of the past until an instant, and from then on the candidate; null: the factory's. */
export function candidateRules(
  records: readonly RuleRecord[],
  candidate: RuleDocument | null,
  fromMs: number,
): RulesInForce {
  const before = records.filter(({ inForceAtMs }) => inForceAtMs < fromMs);
  const tried: RuleRecord = {
    ...{ no: 0, document: candidate, source: "api", previewedAtMs: null },
    ...{ by: "back-test", role: null, reason: null },
    inForceAtMs: timestampMs(fromMs),
  };
  return inForce([...before, tried]);
}

interface Draft {
  readonly rangMs: number[];
  level: ConditionLevel;
  isAsking: boolean;
}

/** What is on record of one meter. */
export interface MeterPast {
  readonly meter: Meter;
  readonly exchanges: readonly FoldExchange[];
  /** In time order. */
  readonly readings: readonly SeenReading[];
}

/** Folds one meter's readings; what began before `fromMs` only warms the rules. */
export function backTestMeter(
  rules: RulesInForce,
  { meter, exchanges, readings }: MeterPast,
  fromMs: number,
): readonly Told[] {
  const told: Told[] = [];
  const open = new Map<MeterRuleId, Draft>();
  let state = initialFold;
  const settle = (
    rule: MeterRuleId,
    one: Pick<Told, "raisedAtMs" | "level" | "proof">,
    returnedAtMs: number | null,
  ): void => {
    const { rangMs, isAsking } = open.get(rule) ?? { rangMs: [], isAsking: false };
    open.delete(rule);
    if (one.raisedAtMs < fromMs) return;
    const { priority, gravePriority } = rules.settingsAt(meter, one.raisedAtMs).conduct[rule];
    told.push({
      ...{ meterNo: meter.no, rule, raisedAtMs: one.raisedAtMs, returnedAtMs },
      ...{ level: one.level, proof: one.proof, rangMs, asksForClose: isAsking },
      priority: one.level === 2 ? gravePriority : priority,
    });
  };
  for (const versions of byInstant(readings)) {
    const [first] = versions;
    // Stored for the record, and never judged.
    if (first === undefined || (first.flags & readingFlags.BEYOND_WINDOW) !== 0) continue;
    const atMs = first.measuredAtMs;
    const settings = rules.settingsAt(meterAt(meter, exchanges, atMs), atMs);
    const folded = foldInstant({ settings, exchanges }, state, versions);
    if (folded === undefined) continue;
    for (const one of folded.ended) settle(one.rule, one, one.returnedAtMs);
    const hasChanged = folded.state.open !== state.open;
    state = folded.state;
    if (hasChanged || open.size > 0) hear(rules, meter, state.open, open, versions);
  }
  for (const [rule, one] of Object.entries(state.open)) settle(rule as MeterRuleId, one, null);
  return told;
}

/** What rings with this reading: what is new or graver, and what was known from old data only. */
function hear(
  rules: RulesInForce,
  meter: Meter,
  holding: typeof initialFold.open,
  open: Map<MeterRuleId, Draft>,
  versions: readonly SeenReading[],
): void {
  const isTimely = versions.some(({ flags }) => (flags & readingFlags.LATE) === 0);
  for (const [name, { level, raisedAtMs }] of Object.entries(holding)) {
    const rule = name as MeterRuleId;
    const known = open.get(rule) ?? { rangMs: [], level: 0, isAsking: false };
    open.set(rule, known);
    const isInService =
      meter.lifecycle === "active" || (rule === "R1" && meter.lifecycle !== "closed");
    if (!isTimely || !isInService || isListed(rule, level) || level <= known.level) continue;
    known.level = level;
    known.rangMs.push(versions[0]?.receivedAtMs ?? raisedAtMs);
    known.isAsking ||= rules.settingsAt(meter, raisedAtMs).conduct[rule].asksForClose;
  }
}
