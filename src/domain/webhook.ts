/** Who outside is told of events over HTTP, what of them, and how far they have been told. */
import type { Priority } from "./alarm.ts";
import { formatInstant, type TimestampMs } from "./units.ts";

/** Which events somebody wants; an empty list leaves the choice open. */
export interface EventFilter {
  /** `alarm.raised`, or all of a family as `alarm.*`. */
  readonly kinds: readonly string[];
  /** Only alarms and work orders have a priority: with this list no others pass. */
  readonly priorities: readonly Priority[];
  /** What concerns no meter concerns everybody and passes. */
  readonly areas: readonly string[];
}

export const webhookStates = ["enabled", "disabled"] as const;
export type WebhookState = (typeof webhookStates)[number];

/** Why one is off: a person did it, nobody answered for a day, or the receiver said that it is gone. */
export const disabledReasons = ["person", "no-answer", "gone"] as const;
export type DisabledReason = (typeof disabledReasons)[number];

/** The receiver does not take what it is sent. */
export interface Failing {
  readonly sinceMs: TimestampMs;
  readonly attempts: number;
  readonly nextAtMs: TimestampMs;
  /** A status or a code; never an address. */
  readonly reason: string;
}

export interface Webhook {
  readonly id: string;
  readonly label: string;
  readonly url: string;
  readonly filter: EventFilter;
  readonly state: WebhookState;
  readonly disabledReason: DisabledReason | null;
  readonly createdBy: string;
  readonly createdAtMs: TimestampMs;
  /** Its secrets are numbered; the one before still signs until the instant, so that receivers can follow. */
  readonly secretNo: number;
  readonly previousSecretUntilMs: TimestampMs | null;
  /** Counts the times a person moved its place in the events: what was told of the place before no longer counts. */
  readonly course: number;
  /** The last event that was told, refused for good, or not wanted. */
  readonly toldSeq: number;
  readonly failing: Failing | null;
}

/** Limits of webhooks, by name. */
export const webhookLimits = Object.freeze({
  webhooksMax: 32,
  /** Newest attempts kept of each. */
  attemptsKept: 10_000,
  /** Both secrets sign for so long after a change. */
  rotationMs: 24 * 3_600_000,
});

/** One sending and what came of it. */
export interface DeliveryAttempt {
  readonly eventSeq: number;
  readonly eventKind: string;
  readonly atMs: TimestampMs;
  /** The first is 1. */
  readonly attempt: number;
  readonly outcome: DeliveryOutcome;
  /** null: there was no answer. */
  readonly status: number | null;
  /** A stable word; empty when it was delivered. */
  readonly reason: string;
  readonly durationMs: number;
}
/** `failed` comes again; `refused` does not, unless a person replays it. */
export const deliveryOutcomes = ["delivered", "failed", "refused"] as const;
export type DeliveryOutcome = (typeof deliveryOutcomes)[number];

/** For readers; secrets are nowhere in it. */
export function publicWebhook(webhook: Webhook) {
  const { id, label, url, filter, state, disabledReason, createdBy, toldSeq, failing } = webhook;
  const { createdAtMs, previousSecretUntilMs: untilMs } = webhook;
  return {
    id,
    label,
    url,
    kinds: [...filter.kinds],
    priorities: [...filter.priorities] as number[],
    areas: [...filter.areas],
    state,
    disabledReason,
    createdBy,
    createdAt: formatInstant(createdAtMs),
    previousSecretUntil: untilMs === null ? null : formatInstant(untilMs),
    toldSeq,
    failing:
      failing === null
        ? null
        : {
            since: formatInstant(failing.sinceMs),
            attempts: failing.attempts,
            nextAt: formatInstant(failing.nextAtMs),
            reason: failing.reason,
          },
  };
}
