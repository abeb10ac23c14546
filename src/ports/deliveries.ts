/** The seam between the HTTP routes and the intake, for platforms and gateways that push. */
import type { CarrierName } from "#domain/platform.ts";

/** Who pushes, by what the request carries before its body. */
export interface DeliveryCaller {
  readonly carrier: CarrierName;
  readonly gatewayId: string;
  /** Of HTTP Basic; null: the gateway's id in the path. */
  readonly username: string | null;
  /** The gateway's secret; null: none was presented. */
  readonly secret: string | null;
  /** Where the request comes from, for counting wrong secrets. */
  readonly address: string;
}

/** What became of one frame. `stored` means on disk: as a reading, or in quarantine with a reason. */
export type DeliveryItem =
  { readonly outcome: "stored" } | { readonly outcome: "refused"; readonly reason: "SIZE" };

export type DeliveryRefusal =
  /** A wrong secret, a wrong signature, or a gateway that has none. */
  | "unauthorised"
  /** Not an envelope, and too large to be kept as it is. */
  | "notAnEnvelope"
  /** Too much of this gateway, or of all, waits to be stored. */
  | "overloaded"
  /** Nothing was stored, or not all of it. */
  | "notStored";

export type DeliveryAnswer =
  | { readonly ok: true; readonly items: readonly DeliveryItem[] }
  | { readonly ok: false; readonly refusal: DeliveryRefusal };

/** What a platform asks before it pushes: it wants its message back, if we know its token. */
export interface DeliveryQuestion {
  readonly msg: string;
  readonly nonce: string;
  readonly signature: string;
}

export interface DeliveryDesk {
  /** Before the body is read. Resolves late for those who guess. */
  admit(caller: DeliveryCaller): Promise<Extract<DeliveryAnswer, { ok: false }> | null>;
  /** Resolves when everything in the body is on disk, or is known not to be. */
  take(
    caller: Pick<DeliveryCaller, "carrier" | "gatewayId" | "address">,
    bytes: Uint8Array,
  ): Promise<DeliveryAnswer>;
  /** Whether the question was signed with the token of this gateway. Resolves late for those who guess. */
  mayAnswer(
    caller: Pick<DeliveryCaller, "gatewayId" | "address">,
    question: DeliveryQuestion,
  ): Promise<boolean>;
}

/** Platforms that sign what they push, instead of presenting a secret. */
export interface SignedDeliveries {
  /** Whether this gateway has a token at all. */
  hasToken(gatewayId: string): boolean;
  isSigned(gatewayId: string, question: DeliveryQuestion): boolean;
  /** The push in the clear, as it is stored; null: not signed with the token of this gateway. */
  unseal(gatewayId: string, bytes: Uint8Array): Uint8Array | null;
}
