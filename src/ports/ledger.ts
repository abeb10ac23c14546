/**
 * The system of record as the engine sees it. One writer; everything between `begin` and `commit` exists
 * together or not at all. Look-ups see what the open transaction has written.
 */
import type { Alarm, StoredOccurrence } from "#domain/alarm.ts";
import type {
  Determinant,
  MeterConversion,
  MeterExchange,
  RegisterDecision,
  RegisterGap,
} from "#domain/billing.ts";
import type { Campaign } from "#domain/campaign.ts";
import type { CommandChange } from "#domain/command.ts";
import type { StoredEvent } from "#domain/event.ts";
import type { AlarmId, CommandId } from "#domain/ids.ts";
import type { Meter } from "#domain/meter.ts";
import type { SealedKey } from "#domain/meterKey.ts";
import type { UplinkName } from "#domain/platform.ts";
import type { QuarantineReason, UplinkOutcome } from "#domain/quarantine.ts";
import type { StoredReading } from "#domain/reading.ts";
import type { RetainedKind } from "#domain/retention.ts";
import type { Notification, Recipient } from "#domain/recipient.ts";
import type { Role } from "#domain/role.ts";
import type { RulePreview, RuleRecord } from "#domain/ruleDocument.ts";
import type { TimestampMs, VolumeMl } from "#domain/units.ts";
import type { DeliveryAttempt, Webhook } from "#domain/webhook.ts";
import type { PlannedWork } from "#domain/plannedWork.ts";
import type { WorkOrder } from "#domain/workOrder.ts";

/** How an uplink came in: from the meter itself or through a gateway (its id). */
export type UplinkRoute = "meter" | `gateway:${string}`;

export interface UplinkRow {
  readonly seq: number;
  /** null: authenticated, but the frame names no known meter. */
  readonly meterNo: number | null;
  readonly route: UplinkRoute;
  /** A protocol, or the carrier whose envelope it is. */
  readonly protocol: UplinkName;
  readonly receivedAtMs: number;
  readonly outcome: UplinkOutcome;
  readonly bytes: Uint8Array;
}

export interface QuarantineRow {
  readonly uplinkSeq: number;
  readonly meterNo: number | null;
  /** A protocol, or the carrier whose envelope it is. */
  readonly protocol: UplinkName;
  readonly reason: QuarantineReason;
  readonly detail: string;
  readonly receivedAtMs: number;
}

export interface CredentialRow {
  readonly username: string;
  readonly kind: "meter" | "gateway";
  /** Keyed hash of the secret, hexadecimal; never the secret. */
  readonly secretHash: string;
}

export interface ApiKeyRow {
  readonly id: string;
  /** SHA-256 of the key, hexadecimal. */
  readonly keyHash: string;
  readonly role: Role;
  readonly label: string;
}

export interface GatewayRow {
  readonly id: string;
  /** Ids of the meters that may be reported through it. */
  readonly meterIds: readonly string[];
}

/** Setting that a restore leaves for the engine's first start; "" afterwards. */
export const restoredSetting = "ledger.restored";

export interface AuditRow {
  readonly atMs: number;
  readonly actor: string;
  readonly role: string;
  readonly act: string;
  readonly subject: string;
  readonly reason: string | null;
  readonly detailJson: string;
}

/** What walking the audit's hash chain found; `seq` is the first entry that is not as it was written. */
export type AuditVerdict =
  | { readonly ok: true; readonly entries: number; readonly hash: string }
  | { readonly ok: false; readonly seq: number; readonly problem: AuditProblem };

/** `rewritten`: whole in itself, and not what a copy of its head says; what is wrong lies at or before it. */
export type AuditProblem = "changed" | "missing" | "rewritten";

/** The newest entry of the chain: a copy of it elsewhere shows a chain that was written anew. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** The registry and keys: small enough to be held in memory by the intake and the API. */
export interface Directory extends Access {
  readonly meters: readonly Meter[];
}

/** Who may come in, and who is told. */
export interface Access {
  readonly gateways: readonly GatewayRow[];
  readonly credentials: readonly CredentialRow[];
  readonly apiKeys: readonly ApiKeyRow[];
  readonly webhooks: readonly Webhook[];
  readonly recipients: readonly Recipient[];
}

export interface Sequences {
  readonly uplink: number;
  readonly reading: number;
  readonly event: number;
  readonly occurrence: number;
  readonly meter: number;
}

/** A frozen determinant as the engine looks at it. */
export interface StoredDeterminant {
  readonly id: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** With all adjustments. */
  readonly volumeMl: number | null;
  /** At base conditions, as it was known last; null: not converted. */
  readonly baseVolumeMl: number | null;
}

/** An adjustment with the determinant that it was made from. */
export interface NewAdjustment {
  readonly volumeMl: number;
  readonly determinant: Determinant;
  readonly reason: string;
  readonly by: string;
  readonly madeAtMs: number;
}

/** An order as its meter will get it. */
export interface CommandFrame {
  readonly frame: Uint8Array;
  readonly sha256: string;
  /** What it was written from. */
  readonly basis: string;
}

export interface Ledger {
  /** In the order of their numbers, row by row: a million at once take several times the room. */
  meters(): Iterable<Meter>;
  access(): Access;
  /** Who may ask for what at this moment. */
  apiKeys(): readonly ApiKeyRow[];
  /** Highest numbers in use; 0 where there is none. */
  sequences(): Sequences;
  /** Contexts as the engine wrote them. */
  contexts(): Iterable<{ readonly meterNo: number; readonly json: string }>;
  setting(name: string): string | undefined;
  meterKeys(): Iterable<SealedKey & { readonly meterNo: number }>;
  /** Conversations with gateways, as the engine wrote them. */
  edgeNodes(): Iterable<{ readonly id: string; readonly now: string; readonly births: string }>;

  begin(): void;
  commit(): void;
  rollback(): void;

  putUplink(row: UplinkRow): void;
  putQuarantine(row: QuarantineRow): void;
  /** It was decoded after all: its new outcome, and whose it is. */
  settleUplink(seq: number, meterNo: number | null, outcome: UplinkOutcome): void;
  settleQuarantine(id: number, atMs: number): void;
  putReading(row: StoredReading): void;
  /** A new version of a stored reading; the former quality and flags are kept with the reason. */
  reviseReading(row: StoredReading, reason: string, atMs: number): void;
  putExchange(meterNo: number, exchange: MeterExchange): void;
  putConversion(meterNo: number, conversion: MeterConversion): void;
  putDecision(meterNo: number, decision: RegisterDecision): void;
  /** What a person said last of the latest instant in the span, both ends included. */
  decidedRegister(
    meterNo: number,
    fromMs: number,
    toMs: number,
  ): { readonly atMs: TimestampMs; readonly indexMl: VolumeMl } | undefined;
  /** Different registers for one instant; open until a person settles it, and again when another one comes. */
  putConflict(meterNo: number, measuredAtMs: number, atMs: number): void;
  settleConflict(meterNo: number, measuredAtMs: number, atMs: number): void;
  putDeterminant(bill: string, meterNo: number, row: Determinant, by: string, atMs: number): void;
  /** Of this bill and meter; `volumeMl` with its adjustments. */
  determinantOf(bill: string, meterNo: number): StoredDeterminant | undefined;
  /** The bill that has some of this stretch of the meter's gas; undefined: none. */
  billOver(meterNo: number, fromMs: number, toMs: number): string | undefined;
  putAdjustment(determinantId: number, row: NewAdjustment): void;
  gapAt(meterNo: number, atMs: number): RegisterGap | undefined;
  /** Registers that meters are asked for at this moment. */
  gapsRequested(): number;
  putGap(meterNo: number, gap: RegisterGap): void;
  putContext(meterNo: number, json: string): void;
  putCheckpoint(meterNo: number, atMs: number, json: string): void;
  putAlarm(alarm: Alarm): void;
  putAlarmComment(alarmId: AlarmId, atMs: number, by: string, text: string): void;
  putOccurrence(meterNo: number, row: StoredOccurrence): void;
  /** Later knowledge showed that it never was: kept, marked, no longer listed. */
  retractOccurrence(id: number, atMs: number): void;
  putCommand(change: CommandChange): void;
  /** The order as its meter will get it; the former one is forgotten. */
  putCommandFrame(id: CommandId, frame: Uint8Array, basis: string, atMs: number): CommandFrame;
  putCampaign(campaign: Campaign): void;
  /** Campaigns that wait or run, for start-up. */
  openCampaigns(): readonly Campaign[];
  putWorkOrder(order: WorkOrder): void;
  workOrder(id: string): WorkOrder | undefined;
  /** Those that somebody still has something to do about, for start-up. */
  openWorkOrders(): readonly WorkOrder[];
  putPlannedWork(work: PlannedWork): void;
  plannedWork(id: string): PlannedWork | undefined;
  /** Those that nobody has ended, for start-up. */
  openPlannedWorks(): readonly PlannedWork[];
  recipients(): readonly Recipient[];
  putRecipient(recipient: Recipient): void;
  dropRecipient(id: string): void;
  putNotification(notification: Notification): void;
  webhooks(): readonly Webhook[];
  putWebhook(webhook: Webhook): void;
  dropWebhook(id: string): void;
  putDelivery(webhookId: string, attempt: DeliveryAttempt): void;
  /** The last event before the instant; 0 when there is none. */
  eventSeqBefore(atMs: number): number;
  putEvent(event: StoredEvent, atMs: number, kind: string, meterNo: number | null): void;
  putAudit(row: AuditRow): void;
  putMeter(meter: Meter): void;
  putGateway(row: GatewayRow): void;
  putCredential(row: CredentialRow): void;
  dropCredentials(username: string): void;
  putApiKey(row: ApiKeyRow): void;
  dropApiKey(id: string): void;
  putSetting(name: string, value: string): void;
  /** What was shown for the first time. */
  putRulePreview(preview: RulePreview): void;
  rulePreview(hash: string): RulePreview | undefined;
  /** One more change of the rules in force. */
  putRules(record: RuleRecord): void;
  /** The newest changes, newest first. */
  newestRules(count: number): readonly RuleRecord[];
  /** The newest change to a document of this version. */
  rulesNamed(version: string): RuleRecord | undefined;
  putMeterKey(meterNo: number, key: SealedKey): void;
  /** `births` null: as it was. */
  putEdgeNode(id: string, now: string, births: string | null): void;
  dropMeterKeys(meterNo: number): void;
  /**
   * Removes at most so many rows of the kind that are older than the instant and whose number is higher, in the order
   * of their numbers; stops at the first that is not older. `isEnd`: nothing older is left.
   */
  dropOld(
    kind: RetainedKind,
    beforeMs: number,
    afterNo: number,
    countMax: number,
  ): { readonly deleted: number; readonly lastNo: number; readonly isEnd: boolean };
  /** Keeps the answer of a request for its Idempotency-Key. */
  putIdempotent(key: string, requestHash: string, responseJson: string, atMs: number): void;

  /** Every version stored for that instant. */
  readingsAt(meterNo: number, measuredAtMs: number): readonly StoredReading[];
  /** In time order, `fromMs` exclusive. */
  readingsAfter(meterNo: number, fromMs: number): readonly StoredReading[];
  /** Not retracted, and open or ended after `fromMs`. */
  occurrencesAfter(meterNo: number, fromMs: number): readonly StoredOccurrence[];
  /** The newest checkpoint that is older than the instant. */
  checkpointBefore(
    meterNo: number,
    atMs: number,
  ): { readonly atMs: number; readonly json: string } | undefined;
  alarm(id: AlarmId): Alarm | undefined;
  /** What `putCommandFrame` kept. */
  commandFrame(id: CommandId): CommandFrame | undefined;
  command(id: CommandId): CommandChange["command"] | undefined;
  /** Commands that have not ended, for start-up. */
  openCommands(): readonly CommandChange["command"][];
  /** Automatic closes authorised since the instant: the breaker's memory. */
  automaticClosesSince(atMs: number): readonly { readonly atMs: number; readonly area: string }[];
  idempotent(
    key: string,
  ): { readonly requestHash: string; readonly responseJson: string } | undefined;
  uplink(seq: number): UplinkRow | undefined;
  quarantined(
    id: number,
  ):
    | (Pick<QuarantineRow, "uplinkSeq" | "meterNo"> & { readonly settledAtMs: number | null })
    | undefined;
  close(): void;
}

/** What was found of the sums of the ledger's pages when it was opened. */
export interface LedgerOpening {
  /** `made`: there were none. `remade`: they could not be read. `new`: neither was there a ledger. */
  readonly origin: "kept" | "made" | "remade" | "new";
  /** The file's time of change is another one than when the program ended: it was changed or copied. */
  readonly isTouched: boolean;
}
