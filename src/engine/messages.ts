/** What crosses between the main thread and the engine's worker. */
import type { CommandId } from "#domain/ids.ts";
import type { Meter } from "#domain/meter.ts";
import type { StoredEvent } from "#domain/event.ts";
import type { Downlink, DownlinkOutcome, LinkNote } from "#ports/intake.ts";
import type {
  ApiKeyRow,
  CredentialRow,
  Directory,
  GatewayRow,
  LedgerOpening,
} from "#ports/ledger.ts";
import type { BatchCounts } from "#ports/metrics.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { AskEnvelope, AskResult } from "#ports/requests.ts";
import type { Trouble } from "#ports/trouble.ts";
import type { NotificationReport, WebhookReport } from "#ports/webhooks.ts";
import type { Recipient } from "#domain/recipient.ts";
import type { Webhook } from "#domain/webhook.ts";

export type { BatchCounts } from "#ports/metrics.ts";

/** Many uplinks in one transfer: bytes back to back, one column per property. */
export interface UplinkBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** End of each uplink's bytes; its start is the end of the one before. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** -1: unknown, the frame's address names the meter. */
  readonly meterNos: Int32Array<ArrayBuffer>;
  readonly receivedAtMs: Float64Array<ArrayBuffer>;
  /** Index into `uplinkNames`. */
  readonly protocols: Uint8Array<ArrayBuffer>;
  /** Bit 0: the meter can be sent a command now. */
  readonly marks: Uint8Array<ArrayBuffer>;
  /** Gateway id, or "" for the meter itself. */
  readonly gateways: readonly string[];
}

export type Notice =
  | { readonly kind: "contact"; readonly meterNo: number }
  | {
      readonly kind: "downlink";
      readonly commandId: CommandId;
      readonly outcome: DownlinkOutcome;
    }
  | { readonly kind: "trouble"; readonly trouble: Trouble }
  | { readonly kind: "webhook"; readonly report: WebhookReport }
  | { readonly kind: "notification"; readonly report: NotificationReport };

export interface EngineBatch {
  readonly kind: "batch";
  readonly uplinks: UplinkBatch | null;
  readonly notices: readonly Notice[];
  readonly asks: readonly { readonly askNo: number; readonly envelope: AskEnvelope }[];
  /** Ends the engine after this batch. */
  readonly isLast: boolean;
}

/** What others must know after a commit. */
export interface DirectoryChange {
  readonly meters: readonly Meter[];
  readonly gateways: readonly GatewayRow[];
  readonly credentials: readonly CredentialRow[];
  readonly revoked: readonly string[];
  readonly apiKeys: readonly ApiKeyRow[];
  readonly revokedApiKeys: readonly string[];
  readonly webhooks: readonly Webhook[];
  readonly removedWebhooks: readonly string[];
  readonly recipients: readonly Recipient[];
  readonly removedRecipients: readonly string[];
}

/** What became of a batch. */
export type BatchReport =
  | {
      readonly kind: "committed";
      readonly answers: readonly { readonly askNo: number; readonly result: AskResult }[];
      readonly events: readonly StoredEvent[];
      readonly downlinks: readonly Downlink[];
      readonly linkNotes: readonly LinkNote[];
      /** Meters for which a command waits since this batch: should one listen, it need not wait for its wake. */
      readonly waiting: readonly number[];
      readonly directory: DirectoryChange | null;
      readonly counts: BatchCounts;
      readonly activeAlarms: Readonly<Record<1 | 2 | 3 | 4, number>>;
    }
  /** Nothing of the batch was kept; nothing may be acknowledged. */
  | { readonly kind: "notCommitted"; readonly code: string; readonly message: string };

/** Damaged places of the reading store that others met. */
export interface DamageNote {
  readonly damage: readonly DamagedPlace[];
}

export type EngineReport =
  | BatchReport
  | { readonly kind: "ready"; readonly directory: Directory }
  /** What the reading store met while it was flushed and merged: damaged places, or work that came to nothing. */
  | {
      readonly kind: "store";
      readonly damage: readonly DamagedPlace[];
      readonly failure: string | null;
    }
  /** A damaged roll-up was made again; its file was put aside. */
  | { readonly kind: "remade"; readonly file: string }
  /** Retention let readings go: all before the instant. */
  | { readonly kind: "retired"; readonly beforeMs: number; readonly rows: number }
  | { readonly kind: "ledger"; readonly opening: LedgerOpening }
  /** The ledger cannot be opened; the worker ends. */
  | { readonly kind: "unusable"; readonly code: string; readonly message: string };
