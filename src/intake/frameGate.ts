/**
 * Walks the fixed headers of an MQTT byte stream (MQTT 3.1.1, 2.2) and says how much of a chunk the broker may see:
 *
 *     type and flags | remaining length, 1 to 4 bytes | body
 *
 * The broker's own parser has no length limit and would collect whatever is announced. Nothing is copied here, and
 * what is inside a body is not looked at.
 */

export type GateFault = "SIZE" | "PROTOCOL" | "FLOOD";

export type Passage =
  | { readonly ok: true; readonly bytes: number; readonly publishes: number }
  | { readonly ok: false; readonly fault: GateFault };

export interface GateLimits {
  readonly frameBytesBeforeLoginMax: number;
  readonly frameBytesAfterLoginMax: number;
  readonly asksPerCheckMax: number;
}

const connectHeader = 0x10;
const publishType = 3;
/** SUBSCRIBE, UNSUBSCRIBE and PINGREQ: frames that make work here and are held by no window. */
const askTypes: ReadonlySet<number> = new Set([8, 10, 12]);
/** A fifth length byte is malformed (MQTT 3.1.1, 2.2.3). */
const lengthFactorEnd = 128 ** 4;

export class FrameGate {
  readonly #limits: GateLimits;
  /** `judging`: CONNECT is complete; not a byte more until the login is decided. */
  #phase: "connect" | "judging" | "open" = "connect";
  #step: "type" | "length" | "body" = "type";
  #length = 0;
  #lengthFactor = 1;
  #asks = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  get isJudging(): boolean {
    return this.#phase === "judging";
  }

  /** The login succeeded. */
  open(): void {
    this.#phase = "open";
  }

  /** Begins a new count of what a session may ask. */
  forgetAsks(): void {
    this.#asks = 0;
  }

  /** How many bytes of the chunk may pass when no more than `publishesMax` publishes may begin in it. */
  pass(chunk: Uint8Array, publishesMax: number): Passage {
    let publishes = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#step === "body") {
        const taken = Math.min(this.#length, chunk.length - at);
        at += taken;
        this.#length -= taken;
        if (this.#length === 0) this.#endFrame();
        continue;
      }
      const byte = chunk[at] ?? 0;
      if (this.#step === "type") {
        if (this.#phase === "judging") break;
        if (this.#phase === "connect" && byte !== connectHeader) return fault("PROTOCOL");
        if (byte >> 4 === publishType && publishes++ === publishesMax) {
          return { ok: true, bytes: at, publishes: publishesMax };
        }
        if (askTypes.has(byte >> 4) && ++this.#asks > this.#limits.asksPerCheckMax) {
          return fault("FLOOD");
        }
        this.#step = "length";
      } else {
        const trouble = this.#takeLengthByte(byte);
        if (trouble !== null) return fault(trouble);
      }
      at += 1;
    }
    return { ok: true, bytes: at, publishes };
  }

  #takeLengthByte(byte: number): GateFault | null {
    this.#length += (byte & 0x7f) * this.#lengthFactor;
    this.#lengthFactor *= 128;
    if (byte >= 0x80) return this.#lengthFactor === lengthFactorEnd ? "PROTOCOL" : null;
    const bytesMax =
      this.#phase === "open"
        ? this.#limits.frameBytesAfterLoginMax
        : this.#limits.frameBytesBeforeLoginMax;
    if (this.#length > bytesMax) return "SIZE";
    this.#lengthFactor = 1;
    if (this.#length === 0) this.#endFrame();
    else this.#step = "body";
    return null;
  }

  #endFrame(): void {
    this.#step = "type";
    if (this.#phase === "connect") this.#phase = "judging";
  }
}

function fault(fault: GateFault): Passage {
  return { ok: false, fault };
}
