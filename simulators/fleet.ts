/** All radios of a district on one clock, one wheel and a bounded number of connections. */
import { secondMs } from "#domain/units.ts";
import { SimClock } from "./clock.ts";
import type { TimeLapse } from "./clock.ts";
import { begin } from "./incidents.ts";
import type { Incident } from "./incidents.ts";
import type { SimMeter } from "./meter.ts";
import { Radio } from "./radio.ts";
import type { Air, RadioNotice, RadioSettings } from "./radio.ts";
import { seededRng } from "./rng.ts";
import type { Truth } from "./truth.ts";
import { Wheel } from "./wheel.ts";

export interface FleetOptions {
  readonly lapse: TimeLapse;
  readonly radio: RadioSettings;
  readonly truth: Truth;
  readonly onNotice?: (notice: RadioNotice) => void;
}

const settleRealMs = 5_000;
const lookEveryRealMs = 10;

export class Fleet {
  readonly clock: SimClock;
  readonly #truth: Truth;
  readonly #wheel: Wheel;
  readonly #air: Air;
  readonly #radios = new Map<string, Radio>();
  readonly #sessionsMax: number;
  readonly #waiting: (() => void)[] = [];
  #sessions = 0;
  #acknowledged = 0;
  #isOn = true;

  constructor(options: FleetOptions) {
    this.clock = new SimClock(options.lapse);
    this.#truth = options.truth;
    this.#wheel = new Wheel(this.clock);
    this.#sessionsMax = options.radio.sessionsMax;
    this.#air = {
      settings: options.radio,
      clock: this.clock,
      wheel: this.#wheel,
      truth: options.truth,
      tell: (notice) => {
        if (notice.kind === "acknowledged") this.#acknowledged += 1;
        options.onNotice?.(notice);
      },
      enter: (isEvent, go) => {
        this.#enter(isEvent, go);
      },
      leave: () => {
        this.#leave();
      },
    };
  }

  add(meter: SimMeter, secret: string): void {
    this.#radios.set(meter.plan.id, new Radio(meter, secret, this.#air));
  }

  get sessions(): number {
    return this.#sessions;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Uploads on their way that are not acknowledged yet. */
  get pending(): number {
    let sum = 0;
    for (const radio of this.#radios.values()) sum += radio.pending;
    return sum;
  }

  /** Every meter begins its schedule, spread over its reporting interval. */
  start(): void {
    const nowMs = this.clock.nowMs();
    for (const radio of this.#radios.values()) {
      const { reportEveryMs, seed } = radio.meter.plan;
      this.#schedule(radio, nowMs + seededRng(seed).next() * reportEveryMs);
    }
    this.#wheel.start();
  }

  #schedule(radio: Radio, atMs: number): void {
    this.#wheel.at(atMs, () => {
      radio.report();
      this.#schedule(radio, atMs + radio.meter.plan.reportEveryMs);
    });
  }

  /** Lets the incident begin at its instant. */
  stage(incident: Incident): void {
    this.#wheel.at(incident.atMs, () => {
      const radio = this.#radios.get(incident.meterId);
      if (radio === undefined) return;
      // A meter's time has whole seconds: what begins within one is there at its start.
      const startsAtMs = Math.floor(this.clock.nowMs() / secondMs) * secondMs;
      const started = { ...incident, atMs: startsAtMs };
      this.#truth.write({ kind: "incident", atMs: startsAtMs, incident: started });
      if (begin(started, radio.meter, radio.habit)) radio.alarm();
    });
  }

  /** Runs something at an instant of the district. */
  at(atMs: number, act: () => void): void {
    this.#wheel.at(atMs, act);
  }

  /** A meter reports out of turn, as when its button is pressed. */
  reportNow(meterId: string): void {
    this.#radios.get(meterId)?.report(true);
  }

  /** Measures nothing any more and waits a while for the acknowledgement of what is on its way. */
  async settle(): Promise<void> {
    this.#wheel.stop();
    const endAtMs = performance.now() + settleRealMs;
    while (this.pending > 0 && performance.now() < endAtMs) {
      await new Promise((resolve) => {
        setTimeout(resolve, lookEveryRealMs);
      });
    }
  }

  /** Ends all sessions at once and writes every meter's true volume. */
  stop(): void {
    if (!this.#isOn) return;
    this.#isOn = false;
    this.#wheel.stop();
    this.#waiting.length = 0;
    const atMs = this.clock.nowMs();
    for (const radio of this.#radios.values()) {
      radio.stop();
      this.#truth.write(volumeOf(radio.meter, atMs));
    }
  }

  #enter(isEvent: boolean, go: () => void): void {
    if (!isEvent && this.#sessions >= this.#sessionsMax) {
      this.#waiting.push(go);
      return;
    }
    this.#sessions += 1;
    go();
  }

  #leave(): void {
    this.#sessions -= 1;
    const next = this.#sessions < this.#sessionsMax ? this.#waiting.shift() : undefined;
    if (next === undefined) return;
    this.#sessions += 1;
    next();
  }
}

function volumeOf(meter: SimMeter, atMs: number) {
  meter.advanceTo(atMs);
  const { id, quantumMl, registerRangeMl, startIndexMl } = meter.plan;
  return {
    kind: "volume",
    atMs,
    meterId: id,
    startMl: startIndexMl,
    trueMl: meter.register.indexMl,
    shownMl: meter.register.shown(quantumMl, registerRangeMl).ml,
    movements: meter.valve.movements,
  } as const;
}
