/** One meter's step in the making: the context as it becomes, and the effects so far. Lives for one step. */
import type { Meter } from "#domain/meter.ts";
import type { MeterFile } from "#domain/meterFile.ts";
import type { StoredReading } from "#domain/reading.ts";
import type { Alarm, StoredOccurrence } from "#domain/alarm.ts";
import type { AlarmId } from "#domain/ids.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { AutomationState } from "#valves/judge.ts";
import type { Protocol } from "#protocols/contract.ts";
import type { ClosingInForce } from "./closingInForce.ts";
import type { MeterContext } from "./context.ts";
import type { RulesInForce } from "./rulesInForce.ts";
import type { Works } from "./worksOver.ts";
import { noEffects, type Effects, type Ids } from "./effects.ts";

/** The meter's past, answered from the open transaction. */
export interface History {
  at(measuredAtMs: number): readonly StoredReading[];
  after(fromMs: number): readonly StoredReading[];
  occurrencesAfter(fromMs: number): readonly StoredOccurrence[];
  checkpointBefore(atMs: number): { readonly atMs: number; readonly json: string } | undefined;
  alarm(id: AlarmId): Alarm | undefined;
}

export interface Draft {
  readonly meter: Meter;
  readonly protocol: Protocol;
  readonly file: MeterFile;
  readonly nowMs: TimestampMs;
  readonly ids: Ids;
  /** Meters in this one's area. */
  readonly areaSize: number;
  readonly history: History;
  readonly rules: RulesInForce;
  readonly closing: ClosingInForce;
  /** Planned works that nobody has ended. */
  readonly works: Works;
  readonly effects: Effects;
  context: MeterContext;
  automation: AutomationState;
}

export interface DraftStart {
  readonly meter: Meter;
  readonly protocol: Protocol;
  readonly file: MeterFile;
  readonly nowMs: TimestampMs;
  readonly ids: Ids;
  /** Meters in this one's area. */
  readonly areaSize: number;
  readonly history: History;
  readonly rules: RulesInForce;
  readonly closing: ClosingInForce;
  /** Planned works that nobody has ended. */
  readonly works: Works;
  readonly context: MeterContext;
  readonly automation: AutomationState;
}

export function startDraft(start: DraftStart): Draft {
  return { ...start, effects: noEffects() };
}
