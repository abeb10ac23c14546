/**
 * The part of a meter that sleeps and wakes: it keeps unacknowledged uploads, sends them one at a time, listens
 * a while for an order, answers it, and reports what the valve did.
 */
import type { CommandReply, DecodedReading, Telegram } from "#domain/telegram.ts";
import { commandId } from "#domain/ids.ts";
import { secondMs } from "#domain/units.ts";
import type { SimClock } from "./clock.ts";
import { meterCodecs } from "./codec.ts";
import type { MeterOrder } from "./codec.ts";
import type { RadioHabit } from "./incidents.ts";
import type { SimMeter } from "./meter.ts";
import { Session } from "./session.ts";
import type { Broker } from "./session.ts";
import type { Truth } from "./truth.ts";
import type { ValveAnswer } from "./valve.ts";
import type { Wheel } from "./wheel.ts";

export interface RadioSettings {
  readonly broker: Broker;
  /** Real time that a meter listens after its last upload was acknowledged; Infinity: never sleeps. */
  readonly listenRealMs: number;
  /** The same after an event: an order to close is likely. */
  readonly eventListenRealMs: number;
  /** District time between the reports that follow an event or a valve order, and how many there are. */
  readonly followUpEveryMs: number;
  readonly followUps: number;
  /** Connections at a time; events do not wait. */
  readonly sessionsMax: number;
}

export const defaultRadioSettings = {
  listenRealMs: 1_500,
  eventListenRealMs: 15_000,
  followUpEveryMs: 300_000,
  followUps: 6,
  sessionsMax: 300,
} as const satisfies Omit<RadioSettings, "broker">;

/** What the radios of a district share. */
export interface Air {
  readonly settings: RadioSettings;
  readonly clock: SimClock;
  readonly wheel: Wheel;
  readonly truth: Truth;
  readonly tell: (notice: RadioNotice) => void;
  /** Calls back when a connection may be opened; the caller gives it back with `leave`. */
  enter(isEvent: boolean, go: () => void): void;
  leave(): void;
}

export type RadioNotice = {
  readonly kind: "sent" | "acknowledged" | "ordered" | "unreachable";
  readonly meterId: string;
};

interface Upload {
  readonly bytes: Uint8Array;
}

/** Uploads a meter can remember; the newest are kept. */
const uploadsMax = 64;
const retryFirstRealMs = 250;
const retryLongestRealMs = 10_000;

export class Radio {
  readonly meter: SimMeter;
  readonly habit: RadioHabit = { silent: false, copies: 0, group: 1 };
  readonly #secret: string;
  readonly #air: Air;
  #uploads: Upload[] = [];
  #heldBack: Upload[] = [];
  #session: Session | null = null;
  #isEntering = false;
  #sendingOn: Session | null = null;
  #isListening = false;
  #isOn = true;
  #listenRealMs = 0;
  #sleepTimer: NodeJS.Timeout | null = null;
  #failures = 0;
  #frameId = 0;
  #series = 0;

  constructor(meter: SimMeter, secret: string, air: Air) {
    this.meter = meter;
    this.#secret = secret;
    this.#air = air;
  }

  /** Measures now and sends it: by schedule, or at once because something happened. */
  report(isEvent = false): void {
    if (this.habit.silent || !this.#isOn || this.meter.valve.isDead) return;
    this.#keep([this.meter.reading(this.#air.clock.nowMs())], []);
    this.#wake(isEvent);
  }

  /** Something happened: reported now, and again at short intervals, as a detector repeats itself. */
  alarm(): void {
    this.report(true);
    this.#repeat(this.#air.clock.nowMs());
  }

  /** Uploads on their way that are not acknowledged yet. */
  get pending(): number {
    return this.#uploads.length;
  }

  stop(): void {
    this.#isOn = false;
    this.#session?.close();
  }

  #keep(readings: readonly DecodedReading[], replies: readonly CommandReply[]): void {
    this.#frameId += 1;
    const { protocol, frameAddress } = this.meter.plan;
    const telegram: Telegram = { address: frameAddress, frameId: this.#frameId, readings, replies };
    const upload: Upload = { bytes: meterCodecs[protocol].encodeUplink(telegram) };
    if (replies.length > 0) {
      // An answer is worth more than old readings.
      this.#uploads.unshift(upload);
    } else {
      this.#heldBack.push(upload);
      if (this.#heldBack.length >= this.habit.group) this.#release();
    }
    for (; this.#uploads.length > uploadsMax; this.#uploads.shift()) {
      const atMs = this.#air.clock.nowMs();
      this.#air.truth.write({ kind: "forgotten", atMs, meterId: this.meter.plan.id });
    }
  }

  #release(): void {
    for (const upload of this.#heldBack.toReversed()) {
      for (let copies = this.habit.copies; copies >= 0; copies -= 1) this.#uploads.push(upload);
    }
    this.#heldBack = [];
  }

  #wake(isEvent: boolean): void {
    const { listenRealMs, eventListenRealMs } = this.#air.settings;
    const windowMs = isEvent ? eventListenRealMs : listenRealMs;
    this.#listenRealMs = Math.max(this.#listenRealMs, windowMs);
    if (this.#session !== null) {
      if (this.#isListening) void this.#send();
      return;
    }
    if (this.#isEntering) return;
    this.#isEntering = true;
    this.#air.enter(isEvent, () => {
      this.#isEntering = false;
      if (this.#isOn) this.#connect();
      else this.#air.leave();
    });
  }

  #connect(): void {
    const { id, protocol } = this.meter.plan;
    this.#session = new Session(
      this.#air.settings.broker,
      { meterId: id, secret: this.#secret, protocol },
      {
        opened: () => {
          this.#isListening = true;
          this.#failures = 0;
          void this.#send();
        },
        commanded: (bytes) => {
          this.#ordered(bytes);
        },
        ended: (error) => {
          this.#ended(error);
        },
      },
    );
  }

  /** One at a time, the oldest first, each kept until its acknowledgement. */
  async #send(): Promise<void> {
    const session = this.#session;
    if (session === null || this.#sendingOn === session) return;
    this.#sendingOn = session;
    this.#stayAwake(false);
    for (let upload = this.#uploads[0]; upload !== undefined; upload = this.#uploads[0]) {
      this.#air.tell({ kind: "sent", meterId: this.meter.plan.id });
      const acknowledged = await session.publish(upload.bytes).then(
        () => true,
        // The session tells its end itself; the upload stays and is sent again.
        () => false,
      );
      if (!acknowledged || this.#session !== session) return;
      this.#acknowledged(upload);
    }
    this.#sendingOn = null;
    this.#stayAwake(true);
  }

  #acknowledged(upload: Upload): void {
    const position = this.#uploads.indexOf(upload);
    if (position >= 0) this.#uploads.splice(position, 1);
    const { id, protocol } = this.meter.plan;
    const hex = Buffer.from(upload.bytes).toString("hex");
    const atMs = this.#air.clock.nowMs();
    this.#air.truth.write({ kind: "acknowledged", atMs, meterId: id, protocol, hex });
    this.#air.tell({ kind: "acknowledged", meterId: id });
  }

  /** The listening window counts from the last acknowledgement. */
  #stayAwake(untilSleep: boolean): void {
    if (this.#sleepTimer !== null) clearTimeout(this.#sleepTimer);
    this.#sleepTimer = null;
    if (!untilSleep || this.#listenRealMs === Infinity) return;
    this.#sleepTimer = setTimeout(() => this.#session?.close(), this.#listenRealMs);
  }

  #ended(error: Error | null): void {
    this.#stayAwake(false);
    this.#session = null;
    this.#isListening = false;
    this.#sendingOn = null;
    this.#listenRealMs = 0;
    this.#air.leave();
    if (!this.#isOn || (error === null && this.#uploads.length === 0)) return;
    if (error !== null) {
      this.#failures += 1;
      this.#air.tell({ kind: "unreachable", meterId: this.meter.plan.id });
    }
    const backOffMs = Math.min(retryLongestRealMs, retryFirstRealMs * 2 ** this.#failures);
    // Full jitter: a thousand meters must not come back in the same second.
    const delayRealMs = backOffMs * Math.random();
    const { clock, wheel } = this.#air;
    wheel.at(clock.nowMs() + delayRealMs * clock.lapse.factor, () => {
      if (this.#isOn) this.#wake(false);
    });
  }

  #ordered(bytes: Uint8Array): void {
    const { clock, truth, tell } = this.#air;
    const { id, protocol } = this.meter.plan;
    const order = meterCodecs[protocol].decodeOrder(bytes);
    if (this.habit.silent || order === null) return;
    tell({ kind: "ordered", meterId: id });
    const nowMs = clock.nowMs();
    this.meter.advanceTo(nowMs);
    const movementsBefore = this.meter.valve.movements;
    const answer = this.#answer(order, nowMs);
    const { movements, motorEndsAtMs } = this.meter.valve;
    truth.write({
      kind: "order",
      atMs: nowMs,
      meterId: id,
      order: order.key,
      result: answer?.result ?? null,
      isNew: answer?.isNew ?? false,
    });
    if (movements > movementsBefore && motorEndsAtMs !== null) {
      truth.write({
        kind: "movement",
        atMs: nowMs,
        meterId: id,
        order: order.key,
        endsAtMs: motorEndsAtMs,
        position: this.meter.valve.positionAt(motorEndsAtMs),
        movements,
      });
    }
    if (answer === null) return;
    for (let copies = answer.copies; copies > 0; copies -= 1) {
      this.#keep([], [replyTo(order, answer)]);
    }
    this.#wake(true);
    if (answer.isNew && answer.result === "accepted") this.#followUp(nowMs);
  }

  #answer(order: MeterOrder, nowMs: number): ValveAnswer | null {
    const position = this.meter.valve.positionAt(nowMs);
    const itself = { isForeign: false, copies: 1 } as const;
    const refused = { result: "refused", position, isNew: false, ...itself } as const;
    if (!order.isClose) return { ...refused, reason: "unsupported" };
    if (order.expiresAtMs !== null && nowMs > order.expiresAtMs) {
      return { ...refused, reason: "expired" };
    }
    return this.meter.valve.close(order.key, nowMs);
  }

  /** Once when the motor has stopped, then at short intervals, so that the flow proves the position. */
  #followUp(orderedAtMs: number): void {
    const motorEndsAtMs = orderedAtMs + this.meter.plan.valve.motorMs;
    // The next whole second: two reports with one time stamp would contradict each other.
    this.#air.wheel.at(motorEndsAtMs + secondMs, () => {
      this.report(true);
    });
    this.#repeat(motorEndsAtMs);
  }

  /** A new series takes the place of the one before. */
  #repeat(fromMs: number): void {
    const { wheel, settings } = this.#air;
    this.#series += 1;
    const series = this.#series;
    for (let turn = 1; turn <= settings.followUps; turn += 1) {
      wheel.at(fromMs + turn * settings.followUpEveryMs, () => {
        if (series === this.#series) this.report(true);
      });
    }
  }
}

/** What the meter says of an order. */
export function replyTo(order: MeterOrder, answer: ValveAnswer): CommandReply {
  return {
    commandId: order.commandId === null ? null : commandId(namedIn(order.commandId, answer)),
    sequence:
      order.sequence === null || !answer.isForeign ? order.sequence : (order.sequence + 128) % 256,
    result: answer.result,
    reason: answer.reason,
    valve: answer.position,
  };
}

/** A foreign answer names an order that this meter never had. */
function namedIn(id: string, { isForeign }: ValveAnswer): string {
  return isForeign ? `neighbour-${id.slice(0, 8)}` : id;
}
