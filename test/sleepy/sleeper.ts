/** A meter of the kill test that sleeps: its wakes, what came in each, and a person who opens its valve again. */
import type { MeterOrder } from "#simulators/codec.ts";
import { minuteMs, secondMs } from "#domain/units.ts";
import type { SimClock } from "#simulators/clock.ts";
import type { SeededRng } from "#simulators/rng.ts";
import type { Wheel } from "#simulators/wheel.ts";
import type { KeeperMeter } from "../kill/keeperMeter.ts";

/** What all sleepers share. */
export interface Dormitory {
  readonly clock: SimClock;
  readonly wheel: Wheel;
  readonly rng: SeededRng;
  readonly port: number;
}

/** How often it wakes by itself, and whether somebody opens its valve again some minutes after a close. */
export interface Habit {
  readonly leastMinutes: number;
  readonly mostMinutes: number;
  readonly isReopened: boolean;
}

/** One time awake, by the meter's own clock. */
export interface Wake {
  readonly fromMs: number;
  untilMs: number | null;
  /** The service took a report: this was a listening window. */
  isHeard: boolean;
}

/** An order at the meter's socket, by the meter's own clock. */
export interface OrderArrival {
  readonly atMs: number;
  readonly order: MeterOrder;
  readonly wake: Wake | null;
}

/** Real time that it listens after the last acknowledgement, and after which it gives up. */
const listenRealMs = 150;
const giveUpRealMs = 8_000;
/** Reports after the motor ran, as meters make them; the first ones prove the close. */
const followUps = 6;
const followUpEveryMs = minuteMs;
const reopenedAfterMs = 10 * minuteMs;

export class Sleeper {
  readonly meter: KeeperMeter;
  readonly periodMs: number;
  readonly wakes: Wake[] = [];
  readonly arrivals: OrderArrival[] = [];
  nextWakeMs: number;
  /** Told once the meter listens in its next wake. */
  whenAwake: (() => void) | null = null;
  readonly #shared: Dormitory;
  readonly #habit: Habit;
  #wake: Wake | null = null;
  #hasReported = false;
  #sleepTimer: NodeJS.Timeout | null = null;
  #giveUpTimer: NodeJS.Timeout | null = null;
  #isOn = true;

  constructor(meter: KeeperMeter, shared: Dormitory, habit: Habit) {
    this.meter = meter;
    this.#shared = shared;
    this.#habit = habit;
    const { leastMinutes, mostMinutes } = habit;
    this.periodMs = shared.rng.whole(leastMinutes * 60, mostMinutes * 60) * secondMs;
    this.nextWakeMs = shared.clock.nowMs() + shared.rng.next() * this.periodMs;
    this.#schedule();
  }

  /** Its valve is open, and the service knows where it stands. */
  get isIdle(): boolean {
    const heard = this.wakes.some(({ isHeard }) => isHeard);
    return heard && !this.meter.isClosed && this.#wake === null;
  }

  stop(): void {
    this.#isOn = false;
    this.#sleep();
  }

  listening(): void {
    if (!this.#hasReported) {
      this.#hasReported = true;
      // Without a report of its own, what it kept is one.
      if (!this.meter.report()) this.#stayAwake();
    }
    this.whenAwake?.();
    this.whenAwake = null;
  }

  acknowledged(): void {
    if (this.#wake !== null) this.#wake.isHeard = true;
    if (this.meter.waiting === 0) this.#stayAwake();
  }

  ordered(order: MeterOrder): void {
    const { clock, wheel } = this.#shared;
    const atMs = clock.nowMs();
    this.arrivals.push({ atMs, order, wake: this.#wake });
    if (!order.isClose) return;
    for (let turn = 1; turn <= followUps; turn += 1) {
      wheel.at(atMs + turn * followUpEveryMs, () => this.#rise());
    }
    if (!this.#habit.isReopened) return;
    wheel.at(atMs + reopenedAfterMs, () => {
      this.meter.openByHand();
      this.#rise();
    });
  }

  #schedule(): void {
    this.#shared.wheel.at(this.nextWakeMs, () => {
      this.nextWakeMs += this.periodMs;
      this.#rise();
      if (this.#isOn) this.#schedule();
    });
  }

  /** It sees gas where none should be, and says so at once. */
  tellLeak(): Wake | null {
    this.meter.hasLeak = true;
    if (this.#wake === null) this.#rise();
    else this.meter.report();
    return this.#wake;
  }

  #rise(): void {
    if (!this.#isOn || this.#wake !== null) return;
    this.#wake = { fromMs: this.#shared.clock.nowMs(), untilMs: null, isHeard: false };
    this.wakes.push(this.#wake);
    this.#hasReported = false;
    this.meter.rise(this.#shared.port);
    this.#giveUpTimer = setTimeout(() => this.#sleep(), giveUpRealMs);
  }

  #stayAwake(): void {
    if (this.#sleepTimer !== null) clearTimeout(this.#sleepTimer);
    this.#sleepTimer = setTimeout(() => {
      if (this.meter.waiting === 0) this.#sleep();
    }, listenRealMs);
  }

  #sleep(): void {
    if (this.#sleepTimer !== null) clearTimeout(this.#sleepTimer);
    if (this.#giveUpTimer !== null) clearTimeout(this.#giveUpTimer);
    this.meter.rest();
    if (this.#wake !== null) this.#wake.untilMs = this.#shared.clock.nowMs();
    this.#wake = null;
  }
}
