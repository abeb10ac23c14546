/** What the notifier tells the engine of its sendings, as a notice in the ordinary stream. */
import type { Notification } from "#domain/recipient.ts";
import type { DeliveryAttempt, DisabledReason, Failing } from "#domain/webhook.ts";

/** How far people have been told, and what became of each telling. */
export interface NotificationReport {
  readonly toldSeq: number | null;
  readonly notifications: readonly Notification[];
}

export interface WebhookReport {
  readonly webhookId: string;
  /** A report about a place that a person has left meanwhile does not count. */
  readonly course: number;
  readonly toldSeq: number;
  readonly failing: Failing | null;
  /** It is to be disabled. */
  readonly disabled: DisabledReason | null;
  readonly attempts: readonly DeliveryAttempt[];
}
