/** What the notifier tells the engine of its sendings, as a notice in the ordinary stream. */
import type { DeliveryAttempt, DisabledReason, Failing } from "#domain/webhook.ts";

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
