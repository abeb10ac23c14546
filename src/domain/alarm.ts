/** Conditions, occurrences and alarms: the nouns that rules, alarms, ledger and API share. */
import type { AlarmId } from "./ids.ts";
import type { WorkKind } from "./plannedWork.ts";
import type { TimestampMs } from "./units.ts";

/** Places for the rules that a utility writes itself. */
export const ownRuleIds = [
  ...(["X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8"] as const),
  ...(["X9", "X10", "X11", "X12", "X13", "X14", "X15", "X16"] as const),
] as const;
export type OwnRuleId = (typeof ownRuleIds)[number];

/** Rules over one meter (gas-domain 2.5), those of a utility's own, and the system's own. */
export const meterRuleIds = [
  "R1",
  "R2",
  "R3",
  "R4",
  "R5",
  "R6",
  "R7",
  "R8",
  "R9",
  "R10",
  "R11",
  "R12",
  "R13",
  "R14",
  "R15",
  "R16",
  "R17",
  "R18",
  "R19",
  "R20",
  "R21",
  ...ownRuleIds,
] as const;
/** What the process measures of itself and tells the engine. */
export const troubleRuleIds = [
  "LAG",
  "CLOCK",
  "DISK",
  "INTAKE",
  "BACKUP",
  "DAMAGE",
  "HEARTBEAT",
  "NOTIFIER",
  "FANOUT",
] as const;
export type TroubleRuleId = (typeof troubleRuleIds)[number];
export const systemRuleIds = [
  "BLIND",
  "PARKED",
  "BREAKER",
  "OUTAGE",
  "SELF_CLOSURE",
  "WORK",
  "COMMAND_MISMATCH",
  "ARRIVALS",
  ...troubleRuleIds,
] as const;
export type MeterRuleId = (typeof meterRuleIds)[number];
export type SystemRuleId = (typeof systemRuleIds)[number];
export type RuleId = MeterRuleId | SystemRuleId;

/** 1 is the highest. */
export type Priority = 1 | 2 | 3 | 4;

/** 0 is normal; a higher level is the same rule, more serious (battery low, battery critical). */
export type ConditionLevel = 0 | 1 | 2;

/** Numbers and words that a person needs to believe the condition; units in the names. */
export type Proof = Readonly<Record<string, number | string>>;

/** ISA-18.2 / IEC 62682 states (gas-domain 3.1); contract names. */
export const alarmStates = [
  "unacknowledged",
  "acknowledged",
  "returned-unacknowledged",
  "latched-unacknowledged",
  "latched-acknowledged",
  "shelved",
  "suppressed",
  "out-of-service",
  "normal",
] as const;
export type AlarmState = (typeof alarmStates)[number];

/** One condition that chooses alarms by a label, as Alertmanager writes it. */
export interface Matcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  readonly isEqual: boolean;
}

/** One act of a person that shelved several alarms: by its id it is shown and ended as one. */
export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
}

/** Why an alarm is on record and does not ring: shelved by a person, suppressed by design, out of service. */
export interface Hidden {
  readonly reason: string;
  /** The label of a person's key, or "engine". */
  readonly by: string;
  readonly sinceMs: TimestampMs;
  /** null: until the cause is over. */
  readonly untilMs: TimestampMs | null;
  /** A shelf that also ends when the alarm returns for the first time. */
  readonly isOnce?: boolean;
  /** The planned work that explains it, and its kind. */
  readonly workId?: string;
  readonly workKind?: WorkKind;
  readonly silence?: Silence;
}

/** States in which an alarm is recorded and does not ring. */
export const hiddenStates: readonly AlarmState[] = ["shelved", "suppressed", "out-of-service"];

/** An alarm that nothing hides and that has not rung. */
export const unhidden = Object.freeze({
  hidden: null,
  rungAtMs: null,
  unanswered: 0,
  parentId: null,
  listed: false,
  subject: null,
} satisfies Partial<Alarm>);

/** One life of an alarm, from raise to normal. `occurrence` counts raises within that life. */
export interface Alarm {
  readonly id: AlarmId;
  /** null: an alarm of the system itself. */
  readonly meterNo: number | null;
  readonly rule: RuleId;
  /** What a system alarm is about, where there can be several: `area binhai-3`, `gateway G1`; else null. */
  readonly subject: string | null;
  readonly ruleVersion: number;
  readonly level: ConditionLevel;
  readonly priority: Priority;
  readonly occurrence: number;
  /** Made from late data: a record that never rang, notified or moved a valve. */
  readonly historical: boolean;
  readonly state: AlarmState;
  /** Event time: when the condition began and ended, by the meter's clock. */
  readonly raisedAtMs: TimestampMs;
  readonly returnedAtMs: TimestampMs | null;
  /** Our clock: when the alarm became known here. */
  readonly knownAtMs: TimestampMs;
  readonly acknowledgedAtMs: TimestampMs | null;
  readonly acknowledgedBy: string | null;
  readonly hidden: Hidden | null;
  /** Our clock: when it last began to ring; null: never. */
  readonly rungAtMs: TimestampMs | null;
  /** How often it has been told since then that nobody answers. */
  readonly unanswered: number;
  /** The alarm, or the planned work, of which this one is a consequence. */
  readonly parentId: AlarmId | null;
  /** No operator's business: an entry of a work list (clause 6.2.4), which never rings. */
  readonly listed: boolean;
  readonly proof: Proof;
}

/** One stretch of event time in which a meter's condition held. */
export interface Occurrence {
  readonly rule: MeterRuleId;
  readonly raisedAtMs: TimestampMs;
  /** null: still holds at the newest reading. */
  readonly returnedAtMs: TimestampMs | null;
  readonly level: ConditionLevel;
  readonly proof: Proof;
}

/** An occurrence in the ledger, tied to the alarm that shows it. */
export interface StoredOccurrence extends Occurrence {
  readonly id: number;
  readonly alarmId: AlarmId;
}

/** Late data may leave the times as they are and change the numbers that explain them. */
export function isSameProof(one: Proof, other: Proof): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}
