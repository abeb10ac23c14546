/** What the engine remembers of a meter between uplinks; written as JSON in every commit that touches it. */
import type { ClosingRule } from "#domain/closePolicy.ts";
import { unhidden, type Alarm, type MeterRuleId } from "#domain/alarm.ts";
import type { AlarmId } from "#domain/ids.ts";
import type { Learned } from "#domain/meterFile.ts";
import type { TimestampMs } from "#domain/units.ts";
import { initialValveState, type ValveState } from "#valves/valveState.ts";
import type { DecidedRegister } from "./decided.ts";
import type { FoldExchange } from "./exchange.ts";
import { contextJson, wholeFold } from "./compact.ts";
import { initialFold, type FoldState } from "./fold.ts";

/** Alarms of meters, and the two that are the system's about one meter. */
export type MeterAlarmRule = MeterRuleId | "PARKED" | "COMMAND_MISMATCH";
export type AlarmSlots = Partial<Readonly<Record<MeterAlarmRule, Alarm>>>;

/** An uplink whose clock cannot tell it from its own repetition. */
export interface RecentBytes {
  readonly digest: string;
  readonly receivedAtMs: number;
}

export interface LeakClose {
  readonly alarmId: AlarmId;
  /** The condition on record; an alarm that only rings again for the next shift is the same one. */
  readonly occurrenceId: number | null;
  /** Why it was refused or held; null: it was ordered. */
  readonly detail: string | null;
}

export interface MeterContext {
  readonly head: FoldState;
  /** Instants of the folds kept in the ledger, oldest first; at most two. */
  readonly checkpointsMs: readonly TimestampMs[];
  /** Readings folded up to the newest of them. */
  readonly checkpointCount: number;
  /** Older checkpoints are gone: what lies before the oldest one cannot be folded again. */
  readonly isTrimmed: boolean;
  readonly lastReceivedAtMs: TimestampMs | null;
  /** Times between its last wakes, our clock: its habit. */
  readonly gapsMs: readonly number[];
  /** The address that the meter's own frames carry, for commands. */
  readonly frameAddress: string | null;
  readonly recent: readonly RecentBytes[];
  /** Names of a platform's last deliveries of this meter; absent where it has none. */
  readonly deliveries?: readonly RecentBytes[];
  /** Counters and formats that the decoder is given again. */
  readonly learned: Learned | null;
  readonly valve: ValveState;
  /** The last automatic close that was asked for, so that one leak does not ask at every report. */
  readonly leakClose: LeakClose | null;
  /** By rule: the occurrence for which a close was last proposed to persons. */
  readonly proposed?: Partial<Readonly<Record<MeterRuleId, string>>>;
  /** By rule: since when it may close this meter by itself, because the meter was moved; absent: as its policy says. */
  readonly loosenedMs?: Partial<Readonly<Record<ClosingRule, TimestampMs>>>;
  /** Automatic closes of this meter that were authorised in the last day, our clock. */
  readonly closesMs: readonly TimestampMs[];
  /** Alarms that are not normal: they ring, or wait for a person. */
  readonly live: AlarmSlots;
  /** Conditions that hold, known from old data only: they do not ring until fresh data says so too. */
  readonly silent: AlarmSlots;
  /** Its last exchanges, the oldest first; absent: it is the first meter there. */
  readonly exchanges?: readonly FoldExchange[];
  /** Registers by which a person has explained that it went back; absent: there is none. */
  readonly decided?: readonly DecidedRegister[];
  /** Ledger ids of the open occurrences. */
  readonly occurrenceIds: Partial<Readonly<Record<MeterRuleId, number>>>;
}

export const initialContext: MeterContext = {
  head: initialFold,
  checkpointsMs: [],
  checkpointCount: 0,
  isTrimmed: false,
  lastReceivedAtMs: null,
  gapsMs: [],
  frameAddress: null,
  recent: [],
  learned: null,
  valve: initialValveState,
  leakClose: null,
  closesMs: [],
  live: {},
  silent: {},
  occurrenceIds: {},
};

/** A context from the ledger; what an older program did not know yet gets its beginning. */
export function reviveContext(json: string): MeterContext {
  const kept = { ...initialContext, ...(JSON.parse(json) as MeterContext) };
  const head = wholeFold(kept.head);
  const valve = reviveValve({ ...initialContext.valve, ...kept.valve });
  return { ...kept, head, valve, live: reviveAlarms(kept.live), silent: reviveAlarms(kept.silent) };
}

function reviveValve(valve: ValveState): ValveState {
  const { outstanding } = valve;
  if (outstanding === null) return valve;
  // The order may be from before orders could change parameters.
  const command = { ...outstanding.command, parameters: outstanding.command.parameters ?? null };
  return { ...valve, outstanding: { ...outstanding, command } };
}

/** Its text for the ledger. */
export function writeContext(context: MeterContext): string {
  return contextJson(context, initialContext);
}

/** The same for the alarms in it. */
export function reviveAlarms<Slots extends Readonly<Partial<Record<string, Alarm>>>>(
  slots: Slots,
): Slots {
  const kept = Object.entries(slots);
  // Nearly all meters have none, and share that.
  if (kept.length === 0) return slots;
  const entries = kept.map(([rule, alarm]) => [rule, { ...unhidden, ...alarm }]);
  return Object.fromEntries(entries) as Slots;
}
