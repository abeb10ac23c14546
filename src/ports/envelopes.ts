/** What the listeners need to know of the envelopes of platforms, without knowing any platform. */
import type { CarrierName } from "#domain/platform.ts";
import type { Meter } from "#domain/meter.ts";

/** What an envelope says of the frame inside; a platform's event has no frame. */
export interface OpenedEnvelope {
  /** IMEI, devEUI, or an address of a frame. */
  readonly address: string | null;
  readonly meterId: string | null;
  readonly protocol: string | null;
  readonly inner: Uint8Array | null;
}

export interface Envelopes {
  /** Envelopes of one frame each; null: the bytes cannot be taken apart. */
  split(carrier: CarrierName, bytes: Uint8Array): readonly Uint8Array[] | null;
  /** null: it is none, and the engine says why. */
  open(carrier: CarrierName, bytes: Uint8Array): OpenedEnvelope | null;
  /** Whether there is a way down over this platform. */
  hasDownlink(carrier: CarrierName): boolean;
  /** The platform keeps commands until the meter is heard: they are handed over only when it has just been heard. */
  isHeardFirst(carrier: CarrierName): boolean;
  /** Whether commands to this meter can go down in envelopes at all. */
  canReach(carrier: CarrierName, meter: Meter): boolean;
  /** A command in its envelope; undefined where it cannot be reached. */
  wrap(
    carrier: CarrierName,
    meter: Meter,
    command: { readonly bytes: Uint8Array; readonly expiresAtMs: number },
  ): Uint8Array | undefined;
}
