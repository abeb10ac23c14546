/**
 * What every carrier offers: an envelope of a platform to the frame inside, and a frame to the envelope that the
 * platform wants. What the frame says is the business of the meter's own protocol.
 */
import type { CarrierName } from "#domain/platform.ts";
import type { Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { DecodeFault, EncodeFault } from "#protocols/contract.ts";

/** What stands around a frame. Nothing of it is believed over the login of the gateway that brought it. */
export interface Envelope {
  /** IMEI, devEUI (16 digits, lower case), the platform's own id, or a frame's address; null: it does not say. */
  readonly address: string | null;
  /** The meter by its id with us, where the gateway knows it. */
  readonly meterId: string | null;
  /** The name of the protocol of the frame, where the gateway says it. */
  readonly protocol: string | null;
  /** The frame; null: the platform tells an event (a join, a status, online), and no meter speaks. */
  readonly inner: Uint8Array | null;
  /** What the platform calls the event; null where a frame is inside. */
  readonly event: string | null;
  /** One delivery of the platform, the same in each repetition. */
  readonly deliveryId: string | null;
  /** The platform's clock: for people, never for a decision. */
  readonly sentAtMs: TimestampMs | null;
  /** Where the bytes were read from or reported for, where the platform speaks LwM2M: `/19/0/0`. */
  readonly path: string | null;
  /** The port inside LoRaWAN. */
  readonly fPort: number | null;
}

/** An envelope that says nothing. */
export const emptyEnvelope: Envelope = {
  address: null,
  meterId: null,
  protocol: null,
  inner: null,
  event: null,
  deliveryId: null,
  sentAtMs: null,
  path: null,
  fPort: null,
};

/** A command on its way into an envelope. */
export interface CarriedOrder {
  /** Under which the platform carries the meter, by the registry. */
  readonly address: string | null;
  readonly meterId: string;
  readonly protocol: string;
  readonly inner: Uint8Array;
  readonly expiresAtMs: TimestampMs;
}

export interface Carrier {
  readonly name: CarrierName;
  /**
   * The platform keeps a command until the meter is heard next (LoRaWAN class A): it is handed over only when the
   * meter has just been heard, so that it does not lie there past its time.
   */
  readonly isHeardFirst: boolean;
  /** The one frame of an envelope. Never throws, linear in the bytes. */
  open(bytes: Uint8Array): Result<Envelope, DecodeFault>;
  /** Envelopes of one frame each, in order; whoever brings one frame at a time brings it as it is. */
  split(bytes: Uint8Array): Result<readonly Uint8Array[], DecodeFault>;
  /** null: there is no way down over this platform. */
  readonly encodeDownlink: ((order: CarriedOrder) => Result<Uint8Array, EncodeFault>) | null;
}
