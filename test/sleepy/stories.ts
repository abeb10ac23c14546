/** What people order of a meter that sleeps, and when: to be carried out, to run out before, to be overtaken. */
import { minuteMs, secondMs } from "#domain/units.ts";
import type { Operator } from "../kill/operator.ts";
import type { Dormitory, Sleeper } from "./sleeper.ts";

const stories = {
  /** One close with time enough. */
  plain: 60,
  /** It runs out before the meter wakes. */
  short: 15,
  /** It runs out within seconds of the wake, before or after. */
  edge: 10,
  /** A newer close takes its place before the meter wakes. */
  newer: 8,
  /** A close takes the place of an order that can wait. */
  overtaken: 4,
  /** Four orders at once while the meter listens. */
  busy: 3,
} as const;
type Story = keyof typeof stories;

const storyNames = Object.keys(stories) as readonly Story[];
const generousPeriods = 4;
const edgeSeconds = 3;
/** Persons do not order in the same instant. */
const laterMs = 5 * secondMs;

export interface Order {
  readonly sleeper: Sleeper;
  /** In the order in which they were asked for. */
  readonly no: number;
  readonly id: string;
  /** As it was written down. */
  readonly state: string;
}

/** Everything that people have ordered so far. */
export class Desk {
  /** What was written down and not refused at once. */
  readonly orders: Order[] = [];
  readonly byStory: Record<string, number> = {};
  #asked = 0;
  readonly #shared: Dormitory;
  readonly #operator: Operator;
  readonly #max: number;

  constructor(shared: Dormitory, operator: Operator, max: number) {
    this.#shared = shared;
    this.#operator = operator;
    this.#max = max;
  }

  get isDone(): boolean {
    return this.orders.length >= this.#max;
  }

  /** Orders of this meter again and again, whenever it sleeps with an open valve. */
  serve(sleeper: Sleeper): void {
    const { clock, wheel, rng } = this.#shared;
    const atMs = clock.nowMs() + rng.between(minuteMs, sleeper.periodMs);
    wheel.at(atMs, () => {
      const isFree = sleeper.isIdle && !this.isDone;
      void (isFree ? this.#tell(sleeper) : Promise.resolve()).then(() => {
        if (!this.isDone) this.serve(sleeper);
      });
    });
  }

  async #tell(sleeper: Sleeper): Promise<void> {
    // Of a CJ/T 188 meter nothing but closing is simulated.
    const closesOnly = sleeper.meter.protocol === "cjt188";
    const picked = this.#pick();
    const story = closesOnly && (picked === "overtaken" || picked === "busy") ? "plain" : picked;
    this.byStory[story] = (this.byStory[story] ?? 0) + 1;
    const generous = Math.ceil((generousPeriods * sleeper.periodMs) / secondMs);
    const { clock, rng } = this.#shared;
    const untilWake = Math.max(2, (sleeper.nextWakeMs - clock.nowMs()) / secondMs);
    switch (story) {
      case "plain":
        return this.#order(sleeper, "valve/close", generous);
      case "short":
        return this.#order(sleeper, "valve/close", Math.ceil(untilWake * rng.between(0.1, 0.8)));
      case "edge": {
        const off = rng.whole(-edgeSeconds, edgeSeconds);
        return this.#order(sleeper, "valve/close", Math.max(1, Math.round(untilWake) + off));
      }
      case "newer":
        await this.#order(sleeper, "valve/close", generous);
        await clock.sleepUntil(clock.nowMs() + laterMs);
        return this.#order(sleeper, "valve/close", generous + 60);
      case "overtaken":
        await this.#order(sleeper, "set-clock", generous);
        await clock.sleepUntil(clock.nowMs() + laterMs);
        return this.#order(sleeper, "valve/close", generous);
      case "busy":
        return this.#crowd(sleeper, generous);
    }
  }

  async #crowd(sleeper: Sleeper, seconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      sleeper.whenAwake = resolve;
    });
    for (const act of ["set-clock", "valve/close", "set-clock", "valve/close"]) {
      await this.#order(sleeper, act, seconds);
    }
  }

  async #order(sleeper: Sleeper, act: string, seconds: number): Promise<void> {
    this.#asked += 1;
    const no = this.#asked;
    const written = await this.#operator.order(sleeper.meter.id, act, seconds, `sleepy-${no}`);
    if (written === null || written.state === "refused") return;
    this.orders.push({ sleeper, no, id: written.id, state: written.state });
  }

  #pick(): Story {
    let left = this.#shared.rng.next() * 100;
    for (const name of storyNames) {
      left -= stories[name];
      if (left < 0) return name;
    }
    return "plain";
  }
}
