/** A meter that will leak: its register, detector, valve and radio, on the city's agenda. */
import { statusBits } from "#domain/status.ts";
import { emptyReading, type CommandReply, type DecodedReading } from "#domain/telegram.ts";
import { hourMs, minuteMs, secondMs, timestampMs, volumeMl } from "#domain/units.ts";
import { meterCodecs } from "#simulators/codec.ts";
import { replyTo } from "#simulators/radio.ts";
import { seededRng, type SeededRng } from "#simulators/rng.ts";
import { Valve } from "#simulators/valve.ts";
import type { Downlink } from "#ports/intake.ts";
import type { Notice } from "#engine/messages.ts";
import { litresAt } from "../bench/sleepyMeter.ts";
import type { Agenda } from "./agenda.ts";
import { addressOf, air, sleepHabits, type PlannedLeak, type PlannedMeter } from "./loopPlan.ts";

/** The head-end as its radio sees it. */
export interface HeadEnd {
  uplink(meter: PlannedMeter, bytes: Uint8Array, isReachable: boolean): void;
  notice(notice: Notice): void;
}

/** What happened when, in the city's time; null: not yet. */
export interface LeakTimes {
  readonly leakAtMs: number;
  /** The head-end has taken a report of it. */
  toldAtMs: number | null;
  orderedAtMs: number | null;
  shutAtMs: number | null;
}

const leakLitresPerHour = 600;
const followUps = 6;
const followUpEveryMs = 5 * minuteMs;
const motorMs = 5 * secondMs;

export class LeakingMeter {
  readonly meter: PlannedMeter;
  readonly times: LeakTimes;
  readonly #leak: PlannedLeak;
  readonly #agenda: Agenda;
  readonly #headEnd: HeadEnd;
  readonly #rng: SeededRng;
  readonly #valve = new Valve({ kind: "obeys", motorMs, passingMlPerHour: 0 });
  /** What no try has brought through; it goes first at the next report. */
  #kept: Uint8Array[] = [];
  #listensUntilMs = 0;
  #series = 0;

  constructor(leak: PlannedLeak, seed: number, agenda: Agenda, headEnd: HeadEnd) {
    this.#leak = leak;
    this.meter = leak.meter;
    this.#agenda = agenda;
    this.#headEnd = headEnd;
    this.#rng = seededRng(seed, 3, leak.meter.no);
    this.times = { leakAtMs: leak.atMs, toldAtMs: null, orderedAtMs: null, shutAtMs: null };
    const { periodMs, hasEvents } = sleepHabits[this.meter.habit];
    this.#every(agenda.nowMs + this.meter.offsetMs, periodMs);
    if (hasEvents) agenda.at(leak.atMs, () => this.#alarm());
  }

  get isListening(): boolean {
    return this.meter.habit === "listening" || this.#agenda.nowMs < this.#listensUntilMs;
  }

  /** An order that has left the head-end: it arrives some seconds later, or never. */
  send({ bytes, commandId }: Downlink): void {
    const { nowMs } = this.#agenda;
    if (this.#isLost(nowMs)) {
      const confirmTimeOutMs = 10 * secondMs;
      this.#agenda.at(nowMs + confirmTimeOutMs, () => {
        this.#headEnd.notice({ kind: "downlink", commandId, outcome: "unconfirmed" });
      });
      return;
    }
    this.#agenda.at(nowMs + this.#delay(), () => {
      this.#headEnd.notice({ kind: "downlink", commandId, outcome: "delivered" });
      this.#obey(bytes);
    });
  }

  #every(atMs: number, periodMs: number): void {
    this.#agenda.at(atMs, () => {
      this.#report();
      this.#every(atMs + periodMs, periodMs);
    });
  }

  /** The detector says it at once, and again at short intervals. */
  #alarm(): void {
    this.#report();
    this.#followUp(this.#agenda.nowMs);
  }

  #followUp(fromMs: number): void {
    this.#series += 1;
    const series = this.#series;
    for (let turn = 1; turn <= followUps; turn += 1) {
      this.#agenda.at(fromMs + turn * followUpEveryMs, () => {
        if (series === this.#series) this.#report();
      });
    }
  }

  #report(): void {
    for (const bytes of this.#kept.splice(0)) this.#transmit(bytes, false, 0);
    this.#transmit(this.#encode([this.#reading()], []), this.#isLeaking(), 0);
  }

  #isLeaking(): boolean {
    const { nowMs } = this.#agenda;
    return nowMs >= this.#leak.atMs && nowMs < (this.times.shutAtMs ?? Infinity);
  }

  #reading(): DecodedReading {
    const { nowMs } = this.#agenda;
    const atMs = Math.min(nowMs, this.times.shutAtMs ?? nowMs);
    const leakedMs = Math.max(0, atMs - this.#leak.atMs);
    const litres = litresAt(atMs) + Math.floor((leakedMs * leakLitresPerHour) / hourMs);
    return {
      ...emptyReading,
      measuredAtMs: timestampMs(Math.floor(nowMs / secondMs) * secondMs),
      volume: { ml: volumeMl(litres * 1_000), count: litres, exponent: -3 },
      batteryMv: 3_600,
      valve: this.#valve.positionAt(nowMs),
      status: this.#isLeaking() ? statusBits.leak : 0,
    };
  }

  #encode(readings: readonly DecodedReading[], replies: readonly CommandReply[]): Uint8Array {
    const { protocol, no } = this.meter;
    const address = protocol === "cjt188" ? addressOf(no) : null;
    return meterCodecs[protocol].encodeUplink({ address, frameId: null, readings, replies });
  }

  /** Tried again until it is taken; what no try brings through waits for the next report. */
  #transmit(bytes: Uint8Array, tellsLeak: boolean, tries: number): void {
    const { nowMs } = this.#agenda;
    if (this.#isLost(nowMs)) {
      if (tries >= air.retriesMax) this.#kept.push(bytes);
      else {
        const againAtMs = nowMs + air.retryAfterMs;
        this.#agenda.at(againAtMs, () => this.#transmit(bytes, tellsLeak, tries + 1));
      }
      return;
    }
    const isDelayed = this.#rng.chance(air.delayedShare);
    const delayMs = isDelayed ? this.#rng.between(0, air.delayMsMax) : this.#delay();
    this.#agenda.at(nowMs + delayMs, () => this.#arrive(bytes, tellsLeak, !isDelayed));
    if (!this.#rng.chance(air.twiceShare)) return;
    const againMs = delayMs + this.#rng.between(secondMs, air.twiceAfterMsMax);
    this.#agenda.at(nowMs + againMs, () => this.#headEnd.uplink(this.meter, bytes, false));
  }

  /** What the network kept back comes when the meter sleeps again. */
  #arrive(bytes: Uint8Array, tellsLeak: boolean, isAwake: boolean): void {
    const { nowMs } = this.#agenda;
    if (tellsLeak) this.times.toldAtMs ??= nowMs;
    if (isAwake) this.#listensUntilMs = nowMs + air.listenMs;
    this.#headEnd.uplink(this.meter, bytes, this.isListening);
  }

  #obey(bytes: Uint8Array): void {
    const order = meterCodecs[this.meter.protocol].decodeOrder(bytes);
    const { nowMs } = this.#agenda;
    if (order === null || !order.isClose) return;
    if (order.expiresAtMs !== null && nowMs > order.expiresAtMs) return;
    this.times.orderedAtMs ??= nowMs;
    const answer = this.#valve.close(order.key, nowMs);
    if (answer === null) return;
    this.times.shutAtMs ??= this.#valve.motorEndsAtMs;
    this.#transmit(this.#encode([], [replyTo(order, answer)]), false, 0);
    if (!answer.isNew || !sleepHabits[this.meter.habit].hasEvents) return;
    this.#agenda.at(nowMs + motorMs + secondMs, () => this.#report());
    this.#followUp(nowMs + motorMs);
  }

  #isLost(atMs: number): boolean {
    const { outage } = this.#leak;
    const isOut = outage !== null && atMs >= outage.fromMs && atMs < outage.untilMs;
    return this.#rng.chance(air.lostShare) || isOut;
  }

  #delay(): number {
    return this.#rng.between(secondMs / 2, air.usualDelayMsMax);
  }
}
