/** Reads for the API, answered by a worker with read-only connections: never on the engine, never on the main loop. */
import type { Alarm, AlarmState, Priority, RuleId, StoredOccurrence } from "#domain/alarm.ts";
import type { AlarmEvent, AlarmStanding } from "#domain/alarmEvent.ts";
import type { Campaign } from "#domain/campaign.ts";
import type { Command, CommandState, CommandTransition } from "#domain/command.ts";
import type { ReportingHabit } from "#domain/effectWindow.ts";
import type { StoredEvent } from "#domain/event.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { Meter, Position } from "#domain/meter.ts";
import type { QuarantineReason } from "#domain/quarantine.ts";
import type { StoredReading } from "#domain/reading.ts";
import type { Notification, Recipient } from "#domain/recipient.ts";
import type { RuleRecord } from "#domain/ruleDocument.ts";
import type { ValvePosition } from "#domain/telegram.ts";
import type { DeliveryAttempt, Webhook } from "#domain/webhook.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { PlannedWork } from "#domain/plannedWork.ts";
import type { WorkOrder, WorkOrderState } from "#domain/workOrder.ts";
import type { AuditHead, AuditRow, AuditVerdict, GatewayRow, UplinkRow } from "./ledger.ts";
import type { DamagedPlace, DayRollUp, Registers, RollUpPart } from "./readingStore.ts";

/** A meter's gas day with the names that people look for. */
export type NamedRollUp = DayRollUp & { readonly meterId: string; readonly area: string };

export interface MeterView {
  readonly meter: Meter;
  readonly lastSeenAtMs: number | null;
  readonly valve: ValvePosition | null;
}

export interface AlarmView {
  readonly alarm: Alarm;
  /** null: an alarm of the system itself. */
  readonly meter: Meter | null;
  readonly comments: readonly {
    readonly atMs: number;
    readonly by: string;
    readonly text: string;
  }[];
}

/** One stretch of event time in which a condition held. */
export type OccurrenceView = StoredOccurrence & {
  /** When later readings showed that it never was; null: it stands. */
  readonly retractedAtMs: number | null;
};

export interface WorkOrderView {
  readonly order: WorkOrder;
  /** null: about the system itself. */
  readonly meter: Meter | null;
}

export interface WorkOrderFilter {
  readonly states: readonly WorkOrderState[] | null;
  readonly alarmId: string | null;
  readonly meterId: string | null;
}

export interface CommandView {
  readonly command: Command;
  readonly meterId: string;
  readonly area: string;
  readonly position: Position | null;
  readonly profile: string | null;
  readonly history: readonly CommandTransition[];
  readonly habit: ReportingHabit;
  /** Movements of this valve that the meter has shown. */
  readonly actuations: number;
}

export type RegisterMethod = "exact" | "last-before" | "interpolated" | "estimated";

/** A register at an instant; `reading` is the last trusted one at or before it. */
export interface RegisterView {
  readonly meterId: string;
  readonly atMs: number;
  readonly indexMl: number;
  readonly measuredAtMs: number;
  readonly quality: StoredReading["quality"];
  readonly method: RegisterMethod;
}

export interface QuarantineView {
  readonly id: number;
  readonly uplinkSeq: number;
  readonly meterId: string | null;
  readonly protocol: string;
  readonly reason: QuarantineReason;
  readonly detail: string;
  readonly receivedAtMs: number;
  readonly bytes: Uint8Array;
}

/** One page; `next` continues behind its last row, null at the end. Cursors are opaque outside the ledger. */
export interface Page<Row> {
  readonly items: readonly Row[];
  readonly next: string | null;
}

export interface AlarmFilter {
  readonly states: readonly AlarmState[] | null;
  readonly priorities: readonly Priority[] | null;
  readonly area: string | null;
  readonly meterId: string | null;
  readonly historical: boolean | null;
  /** Only open entries of work lists. */
  readonly listed?: true;
  readonly rules?: readonly RuleId[];
  /** Only those under this alarm. */
  readonly parentId?: string;
}

/** Every method's name is a message to the query worker; arguments and results are plain data. */
/** One alarm of a family, as its parent and siblings show it. */
export interface Relative {
  readonly id: string;
  readonly rule: RuleId;
  readonly meterId: string | null;
  readonly state: AlarmState;
  readonly raisedAtMs: TimestampMs;
  /** 1: the first-out. */
  readonly order: number;
}

/** An alarm between its parent and its children. */
export interface AlarmFamily {
  readonly parent: Relative | null;
  /** The place of the alarm itself among its parent and all children of that; null: it has neither. */
  readonly order: number | null;
  /** The first to begin; as many as were asked for. */
  readonly children: readonly Relative[];
  readonly childCount: number;
}

/** A planned work with the number of alarms that it hid, and of those that it still hides. */
export interface PlannedWorkView {
  readonly work: PlannedWork;
  readonly alarms: { readonly total: number; readonly hidden: number };
}

export interface Queries {
  meters(after: string | null, limit: number, area: string | null): Promise<Page<MeterView>>;
  meter(id: string): Promise<MeterView | null>;
  /** Which keys are on file of a meter; not the keys. */
  meterKeys(
    meterId: string,
  ): Promise<readonly Pick<SealedKey, "purpose" | "algorithm" | "setAtMs">[]>;
  gateways(): Promise<readonly GatewayRow[]>;
  /** `fromMs` inclusive, `toMs` exclusive; in time order. */
  readings(
    meterId: string,
    fromMs: number,
    toMs: number,
    cursor: string | null,
    limit: number,
  ): Promise<Page<StoredReading>>;
  /** Of all meters in id order, each in time order; a page may be empty and yet not the last. */
  readingsOfAll(
    fromMs: number,
    toMs: number,
    area: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<Page<StoredReading & { readonly meterId: string }>>;
  /** Fails with READINGS_RETIRED where readings at or behind the instant were retired. */
  requireReadings(fromMs: number): Promise<void>;
  latestReading(meterId: string): Promise<StoredReading | null>;
  registerAt(meterId: string, atMs: number): Promise<RegisterView | null>;
  /** Cut-off for all meters, a page at a time in id order; meters with no trusted reading are left out. */
  registersAt(
    atMs: number,
    area: string | null,
    after: string | null,
    limit: number,
  ): Promise<Page<RegisterView>>;
  /** Every meter's newest register at or before the instant, in columns; for runs over a whole city. */
  registerColumns(atMs: number): Promise<Registers>;
  alarms(filter: AlarmFilter, cursor: string | null, limit: number): Promise<Page<AlarmView>>;
  alarm(id: string): Promise<AlarmView | null>;
  /** The readings around an alarm's raise, for its explanation. */
  alarmReadings(id: string, limit: number): Promise<readonly StoredReading[]>;
  /** Each time that its condition held, the newest first; what later readings denied is among them. */
  occurrencesOf(alarmId: string, limit: number): Promise<readonly OccurrenceView[]>;
  /** Alarm events of a span, in time order; `toMs` exclusive. */
  alarmEvents(
    fromMs: number,
    toMs: number,
    area: string | null,
    limit: number,
  ): Promise<readonly AlarmEvent[]>;
  alarmStanding(staleBeforeMs: number, area: string | null): Promise<AlarmStanding>;
  commands(
    states: readonly CommandState[] | null,
    meterId: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<Page<CommandView>>;
  command(id: string): Promise<CommandView | null>;
  campaigns(cursor: string | null, limit: number): Promise<Page<Campaign>>;
  campaign(id: string): Promise<Campaign | null>;
  /** Every change of the rules, the newest first. */
  ruleRecords(cursor: string | null, limit: number): Promise<Page<RuleRecord>>;
  /** The change by which a document of this version came into force; null: it never did. */
  rulesNamed(version: string): Promise<RuleRecord | null>;
  /** The change that was in force at an instant; null: none yet, so the factory's rules were. */
  rulesAt(atMs: number): Promise<RuleRecord | null>;
  workOrders(
    filter: WorkOrderFilter,
    cursor: string | null,
    limit: number,
  ): Promise<Page<WorkOrderView>>;
  workOrder(id: string): Promise<WorkOrderView | null>;
  /** The latest beginning first; null: ended or not. */
  plannedWorks(
    filter: { readonly isOpen: boolean | null },
    cursor: string | null,
    limit: number,
  ): Promise<Page<PlannedWork>>;
  /** Whose consequence the alarm is, and what follows from it, in the order in which they began. */
  alarmFamily(alarmId: string, limit: number): Promise<AlarmFamily>;
  plannedWork(id: string): Promise<PlannedWorkView | null>;
  recipients(cursor: string | null, limit: number): Promise<Page<Recipient>>;
  recipient(id: string): Promise<Recipient | null>;
  /** The newest first; null: of everybody. */
  notifications(
    recipientId: string | null,
    cursor: string | null,
    limit: number,
  ): Promise<Page<Notification>>;
  /** Not told yet. */
  waitingNotifications(): Promise<readonly Notification[]>;
  /** The last event before the instant; 0 when there is none. */
  eventSeqBefore(atMs: number): Promise<number>;
  webhooks(): Promise<readonly Webhook[]>;
  webhook(id: string): Promise<Webhook | null>;
  /** The newest first. */
  deliveries(
    webhookId: string,
    cursor: string | null,
    limit: number,
  ): Promise<Page<DeliveryAttempt>>;
  events(afterSeq: number, limit: number): Promise<readonly StoredEvent[]>;
  eventRange(): Promise<{ readonly oldest: number; readonly newest: number }>;
  quarantine(cursor: string | null, limit: number): Promise<Page<QuarantineView>>;
  uplinks(
    afterSeq: number,
    limit: number,
  ): Promise<readonly (UplinkRow & { readonly meterId: string | null })[]>;
  /** Accepted readings behind a cursor, in the order they were stored; for the sinks. */
  readingsAfterSeq(
    afterSeq: number,
    limit: number,
  ): Promise<readonly (StoredReading & { readonly meterId: string; readonly area: string })[]>;
  /** The highest sequence that `readingsAfterSeq` can give now; 0 when there is none. */
  newestReadingSeq(): Promise<number>;
  /**
   * A part of the first day roll-up that was made behind a number; for the sinks. Between two parts the day may have
   * been made again: then the number is another one.
   */
  rollUpPart(afterFileNo: number, part: number): Promise<RollUpPart<NamedRollUp>>;
  /** Places of the reading store that reads have found damaged since the worker was started. */
  readingDamage(): Promise<readonly DamagedPlace[]>;
  audit(afterSeq: number, limit: number): Promise<readonly (AuditRow & { readonly seq: number })[]>;
  /** The newest entry of the chain; null before the first. */
  auditHead(): Promise<AuditHead | null>;
  /** Walks the whole hash chain; the worker answers nothing else meanwhile. */
  verifyAudit(): Promise<AuditVerdict>;
  areas(): Promise<
    readonly { readonly area: string; readonly meters: number; readonly activeAlarms: number }[]
  >;
  activeAlarmCounts(): Promise<readonly { readonly priority: Priority; readonly count: number }[]>;
  settings(): Promise<Readonly<Record<string, string>>>;
}
