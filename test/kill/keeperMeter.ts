/**
 * A meter that keeps its word: every uplink is kept and sent again, byte for byte, until it is acknowledged, and what
 * was acknowledged is written down as an obligation of the service. Its valve is a dumb one: the motor runs on
 * every order to close that arrives, known or not, and each run is counted. It outlives the service.
 */
import { connect, type Socket } from "node:net";
import { generate, parser, type IPublishPacket } from "mqtt-packet";
import { commandId } from "#domain/ids.ts";
import type { SimulatedProtocol } from "#simulators/codec.ts";
import { statusBits, type StatusFlags } from "#domain/status.ts";
import { emptyReading, type CommandReply, type DecodedReading } from "#domain/telegram.ts";
import { secondMs, timestampMs, volumeMl } from "#domain/units.ts";
import { meterCodecs, type MeterOrder } from "#simulators/codec.ts";
import type { Credential } from "../bench/service.ts";

/** What the service owes once it has acknowledged: null times are replies, which owe no reading. */
export interface Obligation {
  readonly measuredAtMs: number | null;
  readonly indexMl: number;
  readonly isLeak: boolean;
}

interface Kept extends Obligation {
  readonly bytes: Buffer;
}

export interface MeterEvents {
  /** An order arrived; the service has no confirmation yet. */
  ordered(meter: KeeperMeter, order: MeterOrder): void;
  acknowledged(meter: KeeperMeter, obligation: Obligation): void;
  /** Logged in and subscribed; what was kept is on its way. */
  listening?(meter: KeeperMeter): void;
}

const realClock = { nowMs: () => Date.now() };

const frameIdMax = 65_535;
/** A real meter's memory is larger; beyond it this one measures less often. */
const keptMax = 16;
/** What it always has room for. */
const keptLeaksMax = 4;
const reconnectMs = 50;
const firstLitre = 1_000_000;
const litreMl = 1_000;
/** One litre a second, 3.6 m³/h: within what a G4 passes. */
const openFlowMlPerHour = 3_600_000;

export class KeeperMeter {
  readonly id: string;
  readonly protocol: SimulatedProtocol;
  readonly obligations: Obligation[] = [];
  /** Runs of the valve's motor. */
  movements = 0;
  /** Frames sent, repetitions included. */
  sent = 0;

  /** Times that it was logged in and lost the link. */
  lostLinks = 0;
  hasLeak = false;
  isClosed = false;
  /** The radio link ends while an order is on it: it arrives, and nobody is told. Once. */
  losesLink = false;
  readonly #secret: string;
  readonly #address: string;
  readonly #events: MeterEvents;
  readonly #clock: { nowMs(): number };
  readonly #topic: string;
  readonly #kept = new Map<number, Kept>();
  #socket: Socket | null = null;
  #port: number | null = null;
  #isWelcome = false;
  #frameId = 0;
  #startedMs = 0;
  #measuredAtMs = 0;
  #indexMl = firstLitre * litreMl;

  constructor(
    credential: Credential,
    protocol: SimulatedProtocol,
    no: number,
    events: MeterEvents,
    clock: { nowMs(): number } = realClock,
  ) {
    this.id = credential.id;
    this.protocol = protocol;
    this.#secret = credential.secret;
    this.#address = String(no).padStart(14, "0");
    this.#events = events;
    this.#clock = clock;
    this.#topic = `meters/${this.id}/up/${protocol}`;
  }

  /** Uplinks that still wait for their acknowledgement. */
  get waiting(): number {
    return this.#kept.size;
  }

  get isOnline(): boolean {
    return this.#isWelcome;
  }

  /** Connects, and comes back whenever the connection ends, until `rest` is called. */
  rise(port: number): void {
    this.#port = port;
    this.#connect(port);
  }

  rest(): void {
    this.#port = null;
    this.#socket?.destroy();
  }

  /** Somebody stands at it and opens its valve; the register goes on from where it stopped. */
  openByHand(): void {
    const litres = this.#indexMl / litreMl - firstLitre;
    this.#startedMs = this.#clock.nowMs() - litres * secondMs;
    this.isClosed = false;
  }

  /** Measures and sends. False: asleep, too much unacknowledged, or the clock has not moved on. */
  report(): boolean {
    const most = keptMax + (this.hasLeak ? keptLeaksMax : 0);
    if (!this.#isWelcome || this.#kept.size >= most) return false;
    // CJ/T 188 writes whole seconds.
    const stepMs = this.protocol === "cjt188" ? secondMs : 1;
    const nowMs = Math.floor(this.#clock.nowMs() / stepMs) * stepMs;
    if (nowMs <= this.#measuredAtMs) return false;
    if (this.#startedMs === 0) this.#startedMs = nowMs;
    this.#measuredAtMs = nowMs;
    if (!this.isClosed) {
      const litres = firstLitre + Math.floor((nowMs - this.#startedMs) / secondMs);
      this.#indexMl = litres * litreMl;
    }
    const obligation = { measuredAtMs: nowMs, indexMl: this.#indexMl, isLeak: this.hasLeak };
    this.#keep(obligation, [this.#reading()], []);
    return true;
  }

  #reading(): DecodedReading {
    const status: StatusFlags = this.hasLeak ? statusBits.leak : 0;
    const count = this.#indexMl / litreMl;
    return {
      ...emptyReading,
      measuredAtMs: timestampMs(this.#measuredAtMs),
      volume: { ml: volumeMl(this.#indexMl), count, exponent: -3 },
      flowMlPerHour: this.isClosed ? 0 : openFlowMlPerHour,
      batteryMv: 3_600,
      valve: this.isClosed ? "closed" : "open",
      status,
    };
  }

  #keep(
    obligation: Obligation,
    readings: readonly DecodedReading[],
    replies: readonly CommandReply[],
  ): void {
    do {
      this.#frameId = (this.#frameId % frameIdMax) + 1;
    } while (this.#kept.has(this.#frameId));
    const address = this.protocol === "cjt188" ? this.#address : null;
    const telegram = { address, frameId: null, readings, replies };
    const bytes = Buffer.from(meterCodecs[this.protocol].encodeUplink(telegram));
    this.#kept.set(this.#frameId, { ...obligation, bytes });

    this.#send(this.#frameId, bytes, false);
  }

  #send(messageId: number, payload: Buffer, dup: boolean): void {
    this.sent += 1;
    this.#socket?.write(
      generate({
        cmd: "publish",
        topic: this.#topic,
        payload,
        qos: 1,
        retain: false,
        dup,
        messageId,
      }),
    );
  }

  #connect(port: number): void {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket = socket;
    const inbound = parser();
    inbound.on("packet", (packet) => {
      if (packet.cmd === "connack" && packet.returnCode === 0) this.#greet();
      else if (packet.cmd === "suback") this.#welcome();
      else if (packet.cmd === "puback") this.#release(packet.messageId ?? 0);
      else if (packet.cmd === "publish") this.#obey(packet);
    });
    socket.on("data", (chunk) => inbound.parse(chunk));
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.lostLinks += this.#isWelcome ? 1 : 0;
      this.#isWelcome = false;
      setTimeout(() => {
        if (this.#socket === null && this.#port !== null) this.#connect(this.#port);
      }, reconnectMs);
    });
    socket.write(
      generate({
        cmd: "connect",
        clientId: this.id,
        clean: true,
        keepalive: 300,
        username: this.id,
        password: Buffer.from(this.#secret),
      }),
    );
  }

  #greet(): void {
    const subscriptions = [{ topic: `meters/${this.id}/down/${this.protocol}`, qos: 1 as const }];
    this.#socket?.write(generate({ cmd: "subscribe", messageId: 1, subscriptions }));
  }

  /** What was not acknowledged before leaves first, oldest first. */
  #welcome(): void {
    for (const [frameId, { bytes }] of this.#kept) this.#send(frameId, bytes, true);
    this.#isWelcome = true;
    this.#events.listening?.(this);
  }

  #release(frameId: number): void {
    const kept = this.#kept.get(frameId);
    if (kept === undefined) return;
    this.#kept.delete(frameId);
    const { measuredAtMs, indexMl, isLeak } = kept;
    const obligation = { measuredAtMs, indexMl, isLeak };
    this.obligations.push(obligation);
    this.#events.acknowledged(this, obligation);
  }

  #obey({ payload, messageId }: IPublishPacket): void {
    const order = meterCodecs[this.protocol].decodeOrder(Buffer.from(payload));
    if (order?.isClose === true) {
      this.movements += 1;
      this.isClosed = true;
    }
    if (order !== null) this.#events.ordered(this, order);
    if (this.losesLink) {
      this.losesLink = false;
      this.#socket?.destroy();
    } else if (messageId !== undefined) {
      this.#socket?.write(generate({ cmd: "puback", messageId }));
    }
    if (order !== null) this.#answer(order);
  }

  #answer({ commandId: id, sequence }: MeterOrder): void {
    // The answer of CJ/T 188 knows no more than that the order was taken.
    const result = id === null ? ("accepted" as const) : ("executed" as const);
    const reply: CommandReply = {
      commandId: id === null ? null : commandId(id),
      sequence,
      result,
      reason: null,
      valve: this.isClosed ? "closed" : "open",
    };
    const nothing = { measuredAtMs: null, indexMl: this.#indexMl, isLeak: false };
    this.#keep(nothing, [], [reply]);
  }
}
