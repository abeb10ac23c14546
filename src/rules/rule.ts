/** The shape of a rule: a pure function over a meter's screened readings, in event time. */
import type { ConditionLevel, MeterRuleId, Proof } from "#domain/alarm.ts";
import type { StatusFlags } from "#domain/status.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";

/** What the rules know of a meter. */
export interface RuleSettings {
  readonly qmaxMlPerHour: number;
  readonly qminMlPerHour: number;
  readonly quantumMl: number;
}

/** Interval consumption between two registers; roll-over is already in it. */
export interface Interval {
  readonly fromMs: TimestampMs;
  readonly consumedMl: number;
}

/** A screened reading as rules see it. `null`: this reading does not say. */
export interface RuleReading {
  readonly measuredAtMs: TimestampMs;
  /** Against the last trusted register before it; null where either side is missing or suspect. */
  readonly interval: Interval | null;
  /** A jump that screening did not believe (flag RANGE): for the overload rule only. */
  readonly doubtedInterval: Interval | null;
  readonly flowMlPerHour: number | null;
  readonly batteryMv: number | null;
  readonly batteryPct: number | null;
  readonly valve: ValvePosition | null;
  readonly status: StatusFlags | null;
}

/** A condition that changed with this reading. */
export interface ConditionChange {
  readonly rule: MeterRuleId;
  readonly level: ConditionLevel;
  readonly proof: Proof;
}
