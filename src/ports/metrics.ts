/** The numbers that other rooms report about themselves; no id ever becomes a label. */
import type { Priority } from "#domain/alarm.ts";
import type { AlarmStanding } from "#domain/alarmEvent.ts";
import type { DeliveryOutcome } from "#domain/webhook.ts";

/** Counts of one committed batch. */
export interface BatchCounts {
  readonly outcomes: readonly {
    readonly protocol: string;
    readonly outcome: string;
    readonly count: number;
  }[];
  readonly quarantined: readonly {
    readonly protocol: string;
    readonly reason: string;
    readonly count: number;
  }[];
  readonly readings: number;
  readonly commands: readonly {
    readonly action: string;
    readonly outcome: string;
    readonly count: number;
  }[];
  /** Automatic closes held by the breaker, waiting for a person. */
  readonly held: number;
  readonly commitSeconds: number;
  readonly batchSeconds: number;
}

/** Of the figures of a day, those that are one number. */
export interface DayFigures {
  readonly per10Minutes: number;
  readonly perHour: number;
  readonly perDay: number;
  readonly peakIn10Minutes: number;
  readonly peakInHour: number;
  readonly floodShare: number;
  readonly chattering: number;
  readonly unanswered: number;
}

/** Ways by which somebody outside is told. */
export const deliveryWays = ["webhook", "sms", "mail"] as const;
export type DeliveryWay = (typeof deliveryWays)[number];

/** Consumers of what is stored; each has its own cursor. */
export const sinkNames = ["influx", "influx-days", "webhooks"] as const;
export type SinkName = (typeof sinkNames)[number];

export interface Metrics {
  batchCommitted(counts: BatchCounts): void;
  /** An uplink that was neither stored nor acknowledged; its sender was cut and may come again. */
  uplinkRefused(protocol: string): void;
  /** MQTT sessions that are open now. */
  connections(count: number): void;
  activeAlarms(counts: Readonly<Record<Priority, number>>): void;
  /** From the receipt of the uplink that raised an alarm to its event leaving on the live feed. */
  alarmToLive(seconds: number): void;
  /** Age of the oldest uplink that the engine has not committed; 0 when there is none. */
  engineLag(seconds: number): void;
  /** Rows that a sink has not taken yet. */
  sinkLag(sink: SinkName, rows: number): void;
  /** An alarm rang: it is a person's business from now on. */
  alarmRang(rule: string, priority: Priority): void;
  /** The key figures of the last day; null: there are none. */
  alarmFigures(day: DayFigures | null, now: AlarmStanding): void;
  /** One sending to somebody outside, and what came of it. */
  delivery(way: DeliveryWay, outcome: DeliveryOutcome): void;
  /** Automatic closes that wait for a person, as the ledger knows them at start-up. */
  held(count: number): void;
}
