/** People who are told by short message or mail, and each telling. */
import type { EventFilter, DeliveryOutcome } from "./webhook.ts";
import { formatInstant, type TimestampMs } from "./units.ts";

export const recipientKinds = ["customer", "operator", "dispatch"] as const;
export type RecipientKind = (typeof recipientKinds)[number];

/** When somebody is on duty, by the clock of the settings' time zone. `from` after `to` goes over midnight. */
export interface DutyHours {
  /** Minutes of the day, `to` exclusive. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** 1 is Monday, 7 Sunday: of the day on which the duty begins. Empty: every day. */
  readonly days: readonly number[];
}

export interface Recipient {
  readonly id: string;
  readonly kind: RecipientKind;
  readonly label: string;
  /** With country code: `+8613800000000`. */
  readonly phone: string | null;
  readonly mail: string | null;
  readonly language: "zh" | "en";
  /** A customer is told of the own meter and of no other. */
  readonly meterId: string | null;
  readonly filter: EventFilter;
  /** null: at all hours. */
  readonly hours: DutyHours | null;
}

/** One telling of one person in one way; the same id for every attempt. */
export interface Notification {
  readonly id: string;
  readonly eventSeq: number;
  readonly eventKind: string;
  readonly recipientId: string;
  readonly way: "sms" | "mail";
  readonly madeAtMs: TimestampMs;
  readonly state: "waiting" | Exclude<DeliveryOutcome, "failed"> | "expired";
  readonly attempts: number;
  /** When it is tried next; null: it has ended. */
  readonly nextAtMs: TimestampMs | null;
  /** Of the last attempt; a stable word. */
  readonly reason: string;
  /** What the provider calls it. */
  readonly receipt: string | null;
}

/** Limits of telling people, by name. */
export const recipientLimits = Object.freeze({
  recipientsMax: 200_000,
  /** What is older is no news; others have long acted, or nobody will. */
  newsMs: 2 * 3_600_000,
  /** Newest tellings kept. */
  notificationsKept: 100_000,
  /** In an hour to one person in one way: more is noise. Priority 1 has a limit of its own. */
  perHourMax: 30,
  perHourPriority1Max: 100,
});

/** A number or an address of which only its owner knows what is left out. */
export function masked(contact: string): string {
  const at = contact.indexOf("@");
  if (at > 0) return `${contact.slice(0, 1)}***${contact.slice(at)}`;
  return contact.length < 8 ? "****" : `${contact.slice(0, -8)}****${contact.slice(-4)}`;
}

function timeOfDay(minute: number): string {
  const part = (value: number): string => String(value).padStart(2, "0");
  return `${part(Math.floor(minute / 60))}:${part(minute % 60)}`;
}

/** For readers; contacts are whole only for those who may see them. */
export function publicRecipient(recipient: Recipient, mayContact: boolean) {
  const { id, kind, label, phone, mail, language, meterId, filter, hours } = recipient;
  const shown = (contact: string | null): string | null =>
    contact === null || mayContact ? contact : masked(contact);
  return {
    id,
    kind,
    label,
    phone: shown(phone),
    mail: shown(mail),
    language,
    meterId,
    kinds: [...filter.kinds],
    priorities: [...filter.priorities] as number[],
    areas: [...filter.areas],
    hours:
      hours === null
        ? null
        : {
            from: timeOfDay(hours.fromMinute),
            to: timeOfDay(hours.toMinute),
            days: [...hours.days],
          },
  };
}

/** For readers: whom, not where. */
export function publicNotification(one: Notification) {
  const { id, eventSeq, eventKind: kind, recipientId, way, state, attempts, reason, receipt } = one;
  return {
    id,
    eventSeq,
    kind,
    recipientId,
    way,
    state,
    attempts,
    reason,
    receipt,
    madeAt: formatInstant(one.madeAtMs),
    nextAt: one.nextAtMs === null ? null : formatInstant(one.nextAtMs),
  };
}
