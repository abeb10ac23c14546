/**
 * The door in front of the broker. When a whole city reconnects at once, letting everybody in together means that
 * nobody finishes a handshake in time; so connections are let in at a steady rate and the others wait, unread.
 */
import type { Socket } from "node:net";
import { secondMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { NamedEvent, Observer } from "#ports/observer.ts";

/** How often waiting connections are looked at. */
const admitEveryMs = 10;

export interface AdmissionLimits {
  readonly waitingPerAddressMax: number;
  readonly admissionsPerSecondMax: number;
}

/** How a listener names what happens at its door. */
interface AdmissionEvents {
  readonly refused: NamedEvent;
  readonly throttled: NamedEvent;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #events: AdmissionEvents;
  readonly #admit: (socket: Socket) => void;
  readonly #open = new Set<Socket>();
  /** Address and port → address, of connections that have not logged in. */
  readonly #unknown = new Map<string, string>();
  readonly #unknownByAddress = new Map<string, number>();
  #waiting: Socket[] = [];
  #allowance: number;
  #countedAtMs: number;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(
    limits: AdmissionLimits,
    clock: Clock,
    observer: Observer,
    admit: (socket: Socket) => void,
    events: AdmissionEvents = { refused: "mqtt.refused", throttled: "mqtt.throttled" },
  ) {
    this.#limits = limits;
    this.#clock = clock;
    this.#observer = observer;
    this.#admit = admit;
    this.#events = events;
    this.#allowance = limits.admissionsPerSecondMax;
    this.#countedAtMs = clock.monotonicMs();
  }

  /** Connections that have not logged in. */
  get unknownCount(): number {
    return this.#unknown.size;
  }

  /** A connection was accepted by the kernel; it has not been read. */
  offer(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const unknown = this.#unknownByAddress.get(address) ?? 0;
    if (this.#isClosed || unknown >= this.#limits.waitingPerAddressMax) {
      this.#observer.note(this.#events.refused, { reason: "ADDRESS_LIMIT" });
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    this.#unknown.set(peer, address);
    this.#unknownByAddress.set(address, unknown + 1);
    this.#open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#forget(peer);
    });
    this.#waiting.push(socket);
    if (this.#timer === null) this.#admitWaiting();
  }

  /** The connection logged in: it no longer counts against its address. */
  known(socket: Socket): void {
    this.#forget(peerOf(socket));
  }

  /** Ends every connection that is still open. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const socket of this.#open) socket.destroy();
  }

  #forget(peer: string): void {
    const address = this.#unknown.get(peer);
    if (address === undefined) return;
    this.#unknown.delete(peer);
    const unknown = (this.#unknownByAddress.get(address) ?? 1) - 1;
    if (unknown > 0) this.#unknownByAddress.set(address, unknown);
    else this.#unknownByAddress.delete(address);
  }

  #admitWaiting(): void {
    this.#timer = null;
    this.#count();
    const admitted = Math.min(this.#waiting.length, Math.floor(this.#allowance));
    this.#allowance -= admitted;
    for (const socket of this.#waiting.splice(0, admitted)) {
      if (!socket.destroyed) this.#admit(socket);
    }
    if (this.#waiting.length === 0) return;
    if (this.#allowance < 1)
      this.#observer.note(this.#events.throttled, { limit: "admissionsPerSecond" });
    this.#timer = setTimeout(() => this.#admitWaiting(), admitEveryMs);
  }

  /** The allowance grows with time, to one second's worth at most. */
  #count(): void {
    const nowMs = this.#clock.monotonicMs();
    const perSecond = this.#limits.admissionsPerSecondMax;
    const grown = ((nowMs - this.#countedAtMs) * perSecond) / secondMs;
    this.#allowance = Math.min(perSecond, this.#allowance + grown);
    this.#countedAtMs = nowMs;
  }
}

/** The same for a connection and for the TLS stream on top of it. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress}|${socket.remotePort}`;
}
