/** One connection: what it has been told apart as, how far it is read, and which commands it still has to confirm. */
import type { Socket } from "node:net";
import type { Client, ConnectPacket, PublishPacket } from "aedes";
import { FrameGate, type GateFault, type GateLimits } from "./frameGate.ts";
import type { DownlinkPlace, Identity } from "./ownership.ts";

/** What a session's reader asks before it hands bytes to the broker. */
export interface Readers {
  /** How many more publishes may be in flight now. */
  publishesAllowed(): number;
  /** Nothing more is read: we are stopping. */
  isStopping(): boolean;
  /** The bytes are no MQTT, or announce too much. */
  refuse(fault: GateFault): void;
}

/** Who logged in, with which client id and which kept hash (null: a client certificate). */
export interface Login extends Identity {
  readonly clientId: string;
  readonly secretHash: string | null;
}

const frameIdMax = 65_535;
/** MQTT 3.1.1, 3.4: type and flags, a length of 2, the frame's id. */
const pubackHeader = 0x40;
const pubackBytes = 4;

export class Session {
  readonly socket: Socket;
  readonly address: string;
  /** Common name of a client certificate that our authority signed. */
  readonly certificateName: string | null;
  readonly gate: FrameGate;
  /** The broker's side of it. */
  client: Client | null = null;
  connect: ConnectPacket | null = null;
  login: Login | null = null;
  /** Publishes that passed the gate and are not yet settled. */
  inFlight = 0;
  /** It has had to wait because of its own limit, and that was said. */
  isThrottled = false;
  /** Its end was already explained to the observer. */
  isExplained = false;
  /** Command topics that were granted, and whose commands they carry. */
  readonly topics = new Map<string, DownlinkPlace>();

  #frameId = 0;
  /** PUBACKs of this turn, as bytes. */
  #pubacks: number[] = [];
  readonly #unconfirmed = new Map<number, (delivered: boolean) => void>();
  /** The one command that may pass to the meter at this moment. */
  #permit: { readonly payload: Buffer; readonly frameId: number } | null = null;

  constructor(socket: Socket, certificateName: string | null, limits: GateLimits) {
    this.socket = socket;
    this.certificateName = certificateName;
    this.address = socket.remoteAddress ?? "";
    this.gate = new FrameGate(limits);
  }

  get downlinksInFlight(): number {
    return this.#unconfirmed.size;
  }

  /** Writes one command. At QoS 0 nobody confirms, so what the socket took counts as delivered. */
  carry(
    command: {
      readonly topic: string;
      readonly bytes: Uint8Array;
      readonly isConfirmed: boolean;
      readonly qos?: 0 | 1;
      readonly isRetained?: boolean;
    },
    ended: (delivered: boolean) => void,
  ): void {
    const frameId = this.#nextFrameId();
    const { bytes } = command;
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const packet: PublishPacket = {
      cmd: "publish",
      topic: command.topic,
      payload,
      qos: command.qos ?? 1,
      retain: command.isRetained ?? false,
      dup: false,
    };
    this.#unconfirmed.set(frameId, ended);
    this.#permit = { payload, frameId };
    this.client?.publish(packet, () => {
      if (!command.isConfirmed) this.confirm(frameId, !this.socket.destroyed);
    });
    this.#permit = null;
  }

  /** The frame id for a frame on its way to the meter, or null: nothing but our commands may leave. */
  permittedFrameId(payload: unknown): number | null {
    return this.#permit?.payload === payload ? (this.#permit?.frameId ?? null) : null;
  }

  /**
   * Writes PUBACK, all of one turn together. aedes would write each in three pieces and give it a turn of the event
   * loop of its own, which is most of what a small uplink costs. False: the socket is nearly full, and aedes, which
   * waits for it and cuts it when it stays full, should write.
   */
  acknowledge(frameId: number): boolean {
    const { socket } = this;
    const roomBytes = socket.writableHighWaterMark - socket.writableLength - this.#pubacks.length;
    if (roomBytes <= pubackBytes) return false;
    if (this.#pubacks.length === 0) process.nextTick(() => this.#writePubacks());
    this.#pubacks.push(pubackHeader, 2, frameId >> 8, frameId & 0xff);
    return true;
  }

  confirm(frameId: number, delivered: boolean): void {
    const ended = this.#unconfirmed.get(frameId);
    this.#unconfirmed.delete(frameId);
    ended?.(delivered);
  }

  /** The connection is gone: what was not confirmed was not delivered. */
  end(): void {
    for (const frameId of this.#unconfirmed.keys()) this.confirm(frameId, false);
  }

  #writePubacks(): void {
    const bytes = Buffer.from(this.#pubacks);
    this.#pubacks = [];
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  #nextFrameId(): number {
    do {
      this.#frameId = this.#frameId === frameIdMax ? 1 : this.#frameId + 1;
    } while (this.#unconfirmed.has(this.#frameId));
    return this.#frameId;
  }
}

/**
 * Puts the gate between the socket and the broker. The broker pulls with `read()`; what may not pass yet is held here
 * (one chunk at most) and the socket fills up behind it, so the sender feels it. Nothing has to wake a held
 * session: the broker pulls again after each publish that it has finished.
 */
export function gateReads(session: Session, readers: Readers): void {
  const { socket, gate } = session;
  const readSocket = socket.read.bind(socket);
  let held: Buffer | null = null;
  socket.read = (size?: number): Buffer | null => {
    // Node's own read(0) would announce the end of the stream over the head of what is held.
    if (size === 0) return held === null ? (readSocket(0) as null) : null;
    if (gate.isJudging || readers.isStopping() || socket.writableNeedDrain) return null;
    const wasHeld = held !== null;
    const chunk = held ?? (readSocket() as Buffer | null);
    held = null;
    if (chunk === null) return null;
    const passage = gate.pass(chunk, readers.publishesAllowed());
    if (!passage.ok) {
      readers.refuse(passage.fault);
      return null;
    }
    session.inFlight += passage.publishes;
    if (passage.bytes < chunk.length) {
      held = chunk.subarray(passage.bytes);
      return passage.bytes === 0 ? null : chunk.subarray(0, passage.bytes);
    }
    // The rest of a frame may wait in the socket, which announces only what arrives later.
    if (wasHeld && socket.readableLength > 0) process.nextTick(() => socket.emit("readable"));
    return chunk;
  };
}
