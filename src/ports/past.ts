/** What a back-test reads: the registry, what meters said, what was made of it, and by which rules. */
import type { MeterRuleId, StoredOccurrence } from "#domain/alarm.ts";
import type { AlarmEvent } from "#domain/alarmEvent.ts";
import type { MeterExchange } from "#domain/billing.ts";
import type { Meter } from "#domain/meter.ts";
import type { SeenReading } from "#domain/reading.ts";
import type { RuleRecord } from "#domain/ruleDocument.ts";

/** An order to close that an alarm asked for, and what became of it at once. */
export interface PastClose {
  readonly meterNo: number;
  readonly rule: string;
  readonly atMs: number;
  readonly state: string;
}

export type PastOccurrence = Pick<
  StoredOccurrence,
  "raisedAtMs" | "returnedAtMs" | "level" | "proof"
> & { readonly rule: MeterRuleId };

export interface Past {
  meters(): readonly Meter[];
  /** Every change of the rules, the oldest first. */
  rules(): readonly RuleRecord[];
  /** Meters that hung there one after the other: when each but the last was taken down. */
  exchanges(meter: Meter): readonly MeterExchange[];
  /**
   * All readings as of now, in time order, from inclusive, to exclusive: of one meter after the other, none of which
   * may be asked for after one with a higher number.
   */
  readings(fromMs: number, toMs: number): (meter: Meter) => readonly SeenReading[];
  /** Of one meter: those that began in the span, and that later readings have not denied. */
  occurrences(meter: Meter, fromMs: number, toMs: number): readonly PastOccurrence[];
  closes(fromMs: number, toMs: number): readonly PastClose[];
  /** What was told of alarms in the span, as far as the limit reaches. */
  alarmEvents(fromMs: number, toMs: number, limit: number): readonly AlarmEvent[];
}
