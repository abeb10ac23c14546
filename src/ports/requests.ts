/**
 * What people ask of the engine. Requests run in the same ordered stream as uplinks and answer after the
 * commit, so an answer means: it is on disk.
 */
import type {
  AdjustOutcome,
  Conversion,
  Determinant,
  FreezeOutcome,
  RegisterDecision,
} from "#domain/billing.ts";
import type { Alarm, Silence } from "#domain/alarm.ts";
import type { Campaign } from "#domain/campaign.ts";
import type { Command, CommandState, Permit } from "#domain/command.ts";
import type { Meter, MeterDraft } from "#domain/meter.ts";
import type { PlannedWork, WorkKind } from "#domain/plannedWork.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { MeterParameters } from "#domain/parameters.ts";
import type { UplinkOutcome } from "#domain/quarantine.ts";
import type { Role } from "#domain/role.ts";
import type { RuleDocument, RulePreview, RuleRecord } from "#domain/ruleDocument.ts";
import type { DispatchPolicy, ExternalRef, WorkOrder, WorkOrderAct } from "#domain/workOrder.ts";
import type { Recipient } from "#domain/recipient.ts";
import type { EventFilter, Webhook, WebhookState } from "#domain/webhook.ts";
import type { ApiKeyRow, CredentialRow, GatewayRow } from "./ledger.ts";

/** Who asks: the label and role of the API key. */
export interface Actor {
  readonly label: string;
  readonly role: Role;
}

export type Ask =
  | { readonly kind: "meter.register"; readonly meter: MeterDraft }
  | {
      readonly kind: "meter.change";
      readonly meterId: string;
      /** null: whatever the version is. */
      readonly ifVersion: number | null;
      readonly change: Partial<MeterDraft>;
    }
  | {
      readonly kind: "meter.exchange";
      readonly meterId: string;
      readonly atMs: number;
      /** What the former meter's register showed at the end, and the new one's at the beginning. */
      readonly closingMl: number;
      readonly openingMl: number;
      readonly formerSerial: string | null;
      readonly serial: string | null;
      /** What is different about the new meter. */
      readonly change: Partial<MeterDraft>;
      readonly reason: string;
    }
  | {
      readonly kind: "register.decide";
      readonly meterId: string;
      readonly measuredAtMs: number;
      readonly indexMl: number;
      readonly decision: RegisterDecision["kind"];
      readonly reason: string;
    }
  | {
      readonly kind: "conversion.put";
      readonly meterId: string;
      readonly conversion: Conversion & { readonly fromMs: number };
      readonly reason: string;
    }
  /** A register at an instant is missing, or has come. */
  | {
      readonly kind: "register.request";
      readonly meterId: string;
      readonly atMs: number;
      readonly isFilled: boolean;
      readonly reason: string;
    }
  /** A bill is made with these; `acceptReview`: a person has looked at what was for review. */
  | {
      readonly kind: "billing.freeze";
      readonly bill: string;
      readonly rows: readonly Determinant[];
      readonly acceptReview: boolean;
      readonly reason: string;
    }
  /** A bill is held against what is known now. */
  | {
      readonly kind: "billing.adjust";
      readonly bill: string;
      readonly rows: readonly Determinant[];
      readonly acceptReview: boolean;
      readonly reason: string;
    }
  | { readonly kind: "gateway.put"; readonly gateway: GatewayRow }
  /** A meter or gateway may hold several credentials while one is being rotated. */
  | { readonly kind: "credential.issue"; readonly credential: CredentialRow }
  | { readonly kind: "credential.revoke"; readonly username: string }
  | { readonly kind: "apiKey.issue"; readonly apiKey: ApiKeyRow }
  | { readonly kind: "apiKey.revoke"; readonly id: string }
  | {
      readonly kind: "meterKeys.put";
      readonly meterId: string;
      readonly keys: readonly Omit<SealedKey, "setAtMs">[];
    }
  | { readonly kind: "meterKeys.drop"; readonly meterId: string }
  | { readonly kind: "quarantine.redecode"; readonly quarantineId: number }
  | {
      readonly kind: "alarm.acknowledge";
      readonly alarmId: string;
      readonly occurrence: number;
      readonly comment: string | null;
    }
  | {
      readonly kind: "alarm.shelve";
      readonly alarmId: string;
      /** null: whatever the occurrence is. */
      readonly occurrence: number | null;
      readonly reason: string;
      /** `onReturn`: when it returns once, and after the longest time of its priority at the latest. */
      readonly end:
        { readonly atMs: number } | { readonly inMs: number } | { readonly onReturn: true };
      readonly silence?: Silence;
    }
  | { readonly kind: "alarm.unshelve"; readonly alarmId: string; readonly reason: string }
  | { readonly kind: "alarm.reset"; readonly alarmId: string; readonly reason: string }
  | { readonly kind: "alarm.comment"; readonly alarmId: string; readonly comment: string }
  | {
      readonly kind: "valve.close";
      readonly meterId: string;
      readonly reason: string;
      readonly expiresInMs: number;
      /** Try it in spite of a battery that may not last: half-way, the meter must be exchanged. */
      readonly lastAttempt?: boolean;
    }
  /** Somebody at the meter may open the valve there, once a second person agrees. */
  | {
      readonly kind: "valve.permit";
      readonly meterId: string;
      readonly reason: string;
      readonly expiresInMs: number;
      readonly permit: Permit;
    }
  | {
      readonly kind: "meter.order";
      readonly meterId: string;
      readonly action: "set_clock" | "read_history";
      readonly reason: string;
      readonly expiresInMs: number;
    }
  | {
      readonly kind: "meter.parameters";
      readonly meterId: string;
      readonly parameters: MeterParameters;
      readonly reason: string;
      readonly expiresInMs: number;
    }
  | {
      readonly kind: "campaign.request";
      readonly meterIds: readonly string[];
      readonly reason: string;
      readonly expiresInMs: number;
    }
  | { readonly kind: "campaign.approve"; readonly campaignId: string; readonly reason: string }
  | { readonly kind: "campaign.stop"; readonly campaignId: string; readonly reason: string }
  | { readonly kind: "command.approve"; readonly commandId: string; readonly reason: string }
  | { readonly kind: "command.cancel"; readonly commandId: string; readonly reason: string }
  /** The same for many at once; each is judged by itself. */
  | {
      readonly kind: "commands.approve" | "commands.cancel";
      readonly commandIds: readonly string[];
      readonly reason: string;
    }
  /** Somebody was shown what this document would change. */
  | { readonly kind: "rules.preview"; readonly document: RuleDocument }
  | {
      readonly kind: "rules.put";
      readonly document: RuleDocument;
      /** The number of the change that was in force when it was shown; 0: there was none. */
      readonly replaces: number;
      readonly reason: string;
    }
  | { readonly kind: "rules.factory"; readonly replaces: number; readonly reason: string }
  | {
      readonly kind: "workOrder.open";
      readonly workOrderId: string;
      readonly alarmId: string;
      readonly note: string | null;
      readonly externalRef: ExternalRef | null;
    }
  | {
      readonly kind: "workOrder.step";
      readonly workOrderId: string;
      readonly act: WorkOrderAct;
      readonly note: string | null;
      readonly assignee: string | null;
      readonly externalRef: ExternalRef | null;
      /** When it happened; null: now. */
      readonly atMs: number | null;
    }
  | {
      readonly kind: "plannedWork.plan";
      readonly plannedWorkId: string;
      readonly work: {
        readonly kind: WorkKind;
        readonly areas: readonly string[];
        readonly meterIds: readonly string[];
        readonly fromMs: number;
        readonly toMs: number;
        readonly responsible: string;
        readonly reason: string;
      };
      readonly reason: string;
    }
  | {
      readonly kind: "plannedWork.extend";
      readonly plannedWorkId: string;
      readonly toMs: number;
      readonly reason: string;
    }
  /** Over, or before its beginning called off. */
  | {
      readonly kind: "plannedWork.end";
      readonly plannedWorkId: string;
      readonly reason: string;
    }
  | { readonly kind: "dispatch.policy"; readonly policy: DispatchPolicy; readonly reason: string }
  | { readonly kind: "recipient.put"; readonly recipient: Recipient; readonly isNew: boolean }
  | { readonly kind: "recipient.remove"; readonly recipientId: string }
  | {
      readonly kind: "webhook.create";
      readonly webhookId: string;
      readonly label: string;
      readonly url: string;
      readonly filter: EventFilter;
    }
  | {
      readonly kind: "webhook.change";
      readonly webhookId: string;
      readonly change: {
        readonly label?: string;
        readonly url?: string;
        readonly filter?: EventFilter;
        readonly state?: WebhookState;
      };
    }
  | { readonly kind: "webhook.remove"; readonly webhookId: string }
  /** A new secret; the one before still signs for a day. */
  | { readonly kind: "webhook.rotate"; readonly webhookId: string }
  /** Everything since the instant once more. */
  | { readonly kind: "webhook.replay"; readonly webhookId: string; readonly fromMs: number }
  | { readonly kind: "automation.stop"; readonly reason: string }
  | { readonly kind: "automation.resume"; readonly reason: string }
  /** When a person's close waits for a second person. */
  | {
      readonly kind: "valves.policy";
      readonly secondPerson: "never" | "critical" | "always";
      readonly reason: string;
    };

export interface AskEnvelope {
  readonly actor: Actor;
  readonly ask: Ask;
  /** From the Idempotency-Key header, already bound to actor and route; null: none given. */
  readonly idempotency: { readonly key: string; readonly requestHash: string } | null;
  /** Where the request came from, for the audit: an address or "console". */
  readonly source: string;
  /** The name under which its answer went out; absent: no request over the network. */
  readonly requestId?: string;
}

/** What became of one of many commands. */
export interface CommandOutcome {
  readonly id: string;
  /** null: there is no such command. */
  readonly state: CommandState | null;
  /** Why nothing was done about it; null: it was. */
  readonly refusal: RefusalKind | null;
}

/** The answer of an ask that was carried out. */
export type Answer =
  | { readonly kind: "meter"; readonly meter: Meter }
  | { readonly kind: "alarm"; readonly alarm: Alarm }
  | { readonly kind: "command"; readonly command: Command }
  | { readonly kind: "commands"; readonly commands: readonly CommandOutcome[] }
  | { readonly kind: "campaign"; readonly campaign: Campaign }
  | { readonly kind: "rules"; readonly record: RuleRecord }
  | { readonly kind: "rulePreview"; readonly preview: RulePreview }
  | { readonly kind: "webhook"; readonly webhook: Webhook }
  | { readonly kind: "plannedWork"; readonly work: PlannedWork }
  | { readonly kind: "workOrder"; readonly workOrder: WorkOrder }
  | { readonly kind: "uplink"; readonly seq: number; readonly outcome: UplinkOutcome }
  | { readonly kind: "frozen"; readonly rows: readonly FreezeOutcome[] }
  | { readonly kind: "adjusted"; readonly rows: readonly AdjustOutcome[] }
  | { readonly kind: "done" };

export const refusals = [
  "not-found",
  "already-exists",
  "version-conflict",
  "occurrence-changed",
  "not-allowed-in-state",
  "forbidden",
  "same-person",
  "approval-expired",
  "idempotency-mismatch",
  "invalid",
  "store-unavailable",
] as const;
/** A stable word; the API makes its problem type of it. */
export type RefusalKind = (typeof refusals)[number];

export interface Refusal {
  readonly kind: RefusalKind;
  readonly detail: string;
  /** The alarm as it is now, where an acknowledgement came too late. */
  readonly alarm?: Alarm;
}

export type AskResult =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly refusal: Refusal };

/** The engine's door for the API. Never rejects for an expected reason. */
export interface Desk {
  ask(envelope: AskEnvelope): Promise<AskResult>;
}
