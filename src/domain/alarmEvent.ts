/** What happened to an alarm, as far as key figures need it. */
import type { AlarmState, Priority, RuleId } from "./alarm.ts";
import type { AlarmEventKind } from "./event.ts";

export interface AlarmEvent {
  readonly atMs: number;
  readonly kind: AlarmEventKind;
  readonly alarmId: string;
  readonly rule: RuleId;
  readonly priority: Priority;
  /** The alarm's state after it. */
  readonly state: AlarmState;
  /** null: an alarm of the system itself. */
  readonly meterId: string | null;
}

/** Alarms as they stand now. */
export interface AlarmStanding {
  /** In sight, and not over. */
  readonly standing: number;
  /** Of them: known for more than a day. */
  readonly stale: number;
  readonly shelved: number;
  readonly suppressed: number;
  readonly outOfService: number;
}
