/** What one step wants to be durable: plain rows, written together in the batch's transaction. */
import type { Alarm, OwnRuleId, Proof, RuleId, StoredOccurrence } from "#domain/alarm.ts";
import type { CommandChange, Command } from "#domain/command.ts";
import type { AlarmEventKind } from "#domain/event.ts";
import type { AlarmId, CommandId } from "#domain/ids.ts";
import type { StoredReading } from "#domain/reading.ts";
import type { TimestampMs } from "#domain/units.ts";

export interface Revision {
  readonly reading: StoredReading;
  readonly reason: "completed" | "refolded";
}

export interface Effects {
  readonly readings: StoredReading[];
  readonly revisions: Revision[];
  readonly checkpoints: { readonly atMs: TimestampMs; readonly json: string }[];
  readonly alarms: Map<AlarmId, Alarm>;
  readonly alarmEvents: { readonly kind: AlarmEventKind; readonly alarm: Alarm }[];
  readonly occurrences: StoredOccurrence[];
  readonly retracted: number[];
  readonly commands: CommandChange[];
  /** Commands that leave after the commit; already recorded as sent. */
  readonly sends: Command[];
  /** Instants for which there are now different registers. */
  readonly conflictsMs: number[];
  /** Replies that matched nothing, by word: counted, and a security matter. */
  readonly strayReplies: string[];
  /** Rules of the utility's own that have begun to fail at this meter. */
  readonly ruleFailures: { readonly rule: OwnRuleId; readonly reason: string }[];
  /** Raised or lifted for the whole system. */
  readonly systemAlarms: {
    readonly rule: RuleId;
    readonly isActive: boolean;
    readonly proof: Proof;
  }[];
}

export function noEffects(): Effects {
  return {
    readings: [],
    revisions: [],
    checkpoints: [],
    alarms: new Map(),
    alarmEvents: [],
    occurrences: [],
    retracted: [],
    commands: [],
    sends: [],
    conflictsMs: [],
    strayReplies: [],
    ruleFailures: [],
    systemAlarms: [],
  };
}

/** Numbers and ids for new rows: counters and randomness as an argument. */
export interface Ids {
  readingSeq(): number;
  occurrenceId(): number;
  alarmId(): AlarmId;
  commandId(): CommandId;
}
