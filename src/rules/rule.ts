/** The shape of a rule: a pure function over a meter's screened readings, in event time. */
import type { ConditionLevel, MeterRuleId, Proof } from "#domain/alarm.ts";
import type { SiteClass } from "#domain/meter.ts";
import type { StatusFlags } from "#domain/status.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { Tuning } from "./tuning.ts";

/** What the rules know of a meter. */
export interface RuleSettings {
  readonly qmaxMlPerHour: number;
  readonly qminMlPerHour: number;
  readonly quantumMl: number;
  readonly siteClass: SiteClass;
  /** Registered pilot lights: gas that burns day and night and is no leak. */
  readonly pilotMlPerHour: number;
  /** The thresholds in force. */
  readonly tuning: Tuning;
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
  readonly pressurePa: number | null;
  /** What screening found: the register goes on, or it went back without an explanation. */
  readonly register: "sound" | "back" | null;
  /** Whether the time in the frame can be; null where the meter sends none. */
  readonly clock: "right" | "wrong" | null;
  readonly valve: ValvePosition | null;
  readonly status: StatusFlags | null;
}

/** A condition that changed with this reading. */
export interface ConditionChange {
  readonly rule: MeterRuleId;
  readonly level: ConditionLevel;
  readonly proof: Proof;
}

/** The smallest hazard that a rule cannot miss where the meter reports often enough, and when it tells. */
export interface DetectionFloor {
  readonly flowMlPerHour: number;
  readonly withinMs: number;
}

/**
 * One rule. Its state is small and JSON; `step` returns the same object when nothing changed, and where a
 * reading does not say, what was known stays known.
 */
export interface Rule<State> {
  readonly initial: State;
  readonly step: (settings: RuleSettings, state: State, reading: RuleReading) => State;
  readonly level: (state: State) => ConditionLevel;
  /** Why the level is what it has just become: `state` is the one that `step` made of this reading. */
  readonly prove: (settings: RuleSettings, state: State, reading: RuleReading) => Proof;
  /** null: the rule is not about a flow, or takes the meter's word. */
  readonly floor: (settings: RuleSettings) => DetectionFloor | null;
}
