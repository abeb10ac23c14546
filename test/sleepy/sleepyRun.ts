/**
 * Orders to meters that sleep, while the service is killed and started again: each must leave in the first window, in
 * time, once, and the newest only. Meters and service share a clock in time-lapse, so that minutes pass in seconds.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { secondMs } from "#domain/units.ts";
import { SimClock } from "#simulators/clock.ts";
import { seededRng } from "#simulators/rng.ts";
import { Wheel } from "#simulators/wheel.ts";
import { Operator } from "../kill/operator.ts";
import { freePorts } from "../kill/ports.ts";
import { Victim } from "../kill/victim.ts";
import { checkSleepers, type SleepyFindings } from "./checks.ts";
import { layToSleep } from "./dormitory.ts";
import type { Dormitory, Sleeper } from "./sleeper.ts";
import { Desk } from "./stories.ts";

/**
 * What may be broken on purpose. `deaf`: the service does not notice that a meter listens. `slowClock`: its clock is
 * two minutes behind. `echo`: the network gives every order to its meter twice.
 */
export const breakages = ["none", "deaf", "slowClock", "echo"] as const;
export type Breakage = (typeof breakages)[number];

export interface SleepyOptions {
  readonly commands: number;
  readonly meters: number;
  readonly restarts: number;
  readonly seed: number;
  /** How many times faster than real time clocks run. */
  readonly factor: number;
  readonly breakage: Breakage;
  readonly settleSeconds: number;
  readonly say: (line: string) => void;
}

export interface SleepyReport extends SleepyFindings {
  readonly commands: number;
  readonly restarts: number;
  readonly byStory: Readonly<Record<string, number>>;
  readonly stillOpen: number;
  readonly seconds: number;
}

const firstWindowShareMin = 0.999;
const strictFromWindows = 2_000;
const lookMs = 50;
const sayEveryMs = 10_000;
/** A service whose clock is so far behind sends what is over for the meters. */
const clockBehindMs = 120 * secondMs;
const habit = { leastMinutes: 5, mostMinutes: 20, isReopened: true };

/** One whole run; the report's violations are empty when every promise was kept. */
export async function runSleepy(options: SleepyOptions): Promise<SleepyReport> {
  const rng = seededRng(options.seed);
  // Ports are not part of the story: two runs with one seed may be under way at a time.
  const [http = 0, mqtt = 0] = await freePorts(2, Math.random);
  const clock = new SimClock({ baseMs: Date.now(), factor: options.factor });
  const victim = new Victim(
    { http, mqtt },
    programOf(options),
    undefined,
    settingsOf(options, clock),
  );
  const wheel = new Wheel(clock);
  const run = new SleepyRun(options, victim, { clock, wheel, rng, port: mqtt });
  try {
    return await run.whole();
  } finally {
    run.end();
    await victim.kill();
    victim.remove();
  }
}

function programOf({ breakage }: SleepyOptions): readonly string[] {
  return breakage === "deaf" ? ["test/sleepy/deafServe.ts"] : ["src/main.ts", "serve", "--json"];
}

function settingsOf({ breakage, factor }: SleepyOptions, { lapse }: SimClock) {
  const laterMs = breakage === "slowClock" ? Math.round(clockBehindMs / (factor - 1)) : 0;
  return {
    MERCAPTAN_CLOCK_FACTOR: String(factor),
    MERCAPTAN_CLOCK_BASE_MS: String(lapse.baseMs + laterMs),
  };
}

class SleepyRun {
  readonly #options: SleepyOptions;
  readonly #victim: Victim;
  readonly #shared: Dormitory;
  readonly #startedMs = performance.now();
  #sleepers: readonly Sleeper[] = [];
  /** The next order that enters its meter ends the service. */
  #strikesAtOrder = false;

  constructor(options: SleepyOptions, victim: Victim, shared: Dormitory) {
    this.#options = options;
    this.#victim = victim;
    this.#shared = shared;
  }

  async whole(): Promise<SleepyReport> {
    await this.#victim.start();
    const { commands, say, seed } = this.#options;
    const operator = await Operator.employ(this.#victim, "dispatcher");
    this.#sleepers = await this.#settleIn();
    const desk = new Desk(this.#shared, operator, commands);
    for (const sleeper of this.#sleepers) desk.serve(sleeper);
    this.#shared.wheel.start();
    const restarts = await this.#restartBetween(desk);
    say(`${desk.orders.length} orders are written down, ${restarts} restarts`);
    const stillOpen = await this.#settle(operator);
    const exitCode = await this.#victim.stop();
    const found = checkSleepers(this.#victim.dataDir, this.#sleepers, desk.orders);
    found.violations.push(...operator.surprises);
    if (stillOpen > 0) found.violations.push(`${stillOpen} commands have not come to an end`);
    if (exitCode !== 0) found.violations.push(`SIGTERM ended with exit code ${exitCode}`);
    found.violations.push(...windowFaults(found));
    found.facts["seed"] = seed;
    const seconds = Math.round((performance.now() - this.#startedMs) / 1_000);
    const { byStory, orders } = desk;
    return { ...found, commands: orders.length, restarts, byStory, stillOpen, seconds };
  }

  end(): void {
    this.#shared.wheel.stop();
    for (const sleeper of this.#sleepers) sleeper.stop();
  }

  #settleIn(): Promise<readonly Sleeper[]> {
    const { meters, breakage } = this.#options;
    const settings = { prefix: "S", area: "sleepy" };
    return layToSleep(this.#victim, meters, this.#shared, habit, settings, {
      ordered: (sleeper, order) => {
        if (breakage === "echo") sleeper.ordered(order);
        if (!this.#strikesAtOrder) return;
        this.#strikesAtOrder = false;
        // At once, in the same turn: before the meter confirms.
        this.#victim.strike();
      },
    });
  }

  /** The service dies each time another share of the orders is written down: by chance, or as one enters its meter. */
  async #restartBetween(desk: Desk): Promise<number> {
    const { commands, restarts, say } = this.#options;
    let done = 0;
    let saidMs = performance.now();
    while (!desk.isDone) {
      await delay(lookMs);
      if (desk.orders.length > ((done + 1) * commands) / (restarts + 1) && done < restarts) {
        if (done % 2 === 0) await this.#strikeAtOrder();
        await this.#victim.kill();
        await this.#victim.start();
        done += 1;
      }
      if (performance.now() - saidMs < sayEveryMs) continue;
      saidMs = performance.now();
      say(`${desk.orders.length} orders, ${done} restarts`);
    }
    return done;
  }

  async #strikeAtOrder(): Promise<void> {
    this.#strikesAtOrder = true;
    const untilMs = performance.now() + secondMs;
    while (this.#strikesAtOrder && performance.now() < untilMs) await delay(1);
    this.#strikesAtOrder = false;
  }

  async #settle(operator: Operator): Promise<number> {
    const untilMs = performance.now() + this.#options.settleSeconds * 1_000;
    let open = await operator.openCommands();
    while (open > 0 && performance.now() < untilMs) {
      await delay(10 * lookMs);
      open = await operator.openCommands();
    }
    return open;
  }
}

/** In a short run one order that a kill takes out of the air would be more than a thousandth. */
function windowFaults({ windows, inFirstWindow, cutByKill }: SleepyFindings): readonly string[] {
  const excused = windows < strictFromWindows ? cutByKill : 0;
  if (inFirstWindow + excused >= firstWindowShareMin * windows) return [];
  return [`only ${inFirstWindow} of ${windows} came in their first window`];
}
