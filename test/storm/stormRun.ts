/**
 * A storm: every meter of one area reports a leak, as after a bad rule or decoder, while the service is killed again
 * and again. The breaker must hold over all restarts, a person hear of it, and one leak elsewhere still be closed.
 */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { SimClock } from "#simulators/clock.ts";
import { followLive } from "#simulators/liveFeed.ts";
import { seededRng } from "#simulators/rng.ts";
import { Wheel } from "#simulators/wheel.ts";
import { callApi } from "../bench/service.ts";
import { freePorts } from "../kill/ports.ts";
import { Victim } from "../kill/victim.ts";
import { layToSleep } from "../sleepy/dormitory.ts";
import type { Dormitory, Sleeper } from "../sleepy/sleeper.ts";
import { checkStorm, type StormFindings } from "./stormChecks.ts";

export interface StormOptions {
  /** Meters of the area that all want to be closed. */
  readonly closes: number;
  readonly kills: number;
  readonly seed: number;
  /** How many times faster than real time clocks run. */
  readonly factor: number;
  /** `forgets`: each kill takes from the ledger who had let the closes go. */
  readonly breakage: "none" | "forgets";
  readonly settleSeconds: number;
  readonly say: (line: string) => void;
}

export interface StormReport extends Omit<StormFindings, "firstHoldAtMs"> {
  /** Real time from the first hold to its alarm at a live client, over restarts. */
  readonly holdToAlarmMs: number | null;
  /** Real time from the report of the leak elsewhere to the order at its meter, in the same wake. */
  readonly leakElsewhereMs: number | null;
  readonly listed: number;
  readonly kills: number;
  readonly seconds: number;
}

const alarmWithinMs = 5_000;
/** The storm's meters tell their leak so often; so does every other one report. */
const habit = { leastMinutes: 30, mostMinutes: 60, isReopened: false };
const othersPerStorm = 50;
const upMs = { least: 400, most: 2_500, withLeak: 8_000 } as const;
const lookMs = 20;

/** One whole run; the report's violations are empty when every promise was kept. */
export async function runStorm(options: StormOptions): Promise<StormReport> {
  const rng = seededRng(options.seed);
  // Ports are not part of the story: two runs with one seed may be under way at a time.
  const [http = 0, mqtt = 0] = await freePorts(2, Math.random);
  const clock = new SimClock({ baseMs: Date.now(), factor: options.factor });
  const victim = new Victim({ http, mqtt }, ["src/main.ts", "serve", "--json"], undefined, {
    MERCAPTAN_CLOCK_FACTOR: String(options.factor),
    MERCAPTAN_CLOCK_BASE_MS: String(clock.lapse.baseMs),
  });
  const run = new StormRun(options, victim, { clock, wheel: new Wheel(clock), rng, port: mqtt });
  try {
    return await run.whole();
  } finally {
    run.end();
    await victim.kill();
    victim.remove();
  }
}

class StormRun {
  readonly #options: StormOptions;
  readonly #victim: Victim;
  readonly #shared: Dormitory;
  readonly #startedMs = performance.now();
  #storm: readonly Sleeper[] = [];
  #others: readonly Sleeper[] = [];
  #leakElsewhereMs: number | null = null;
  /** Real time. */
  #alarmAtMs: number | null = null;
  #unfollow: () => void = () => undefined;
  /** The next leak that is acknowledged ends the service. */
  #strikesAtLeak = false;

  constructor(options: StormOptions, victim: Victim, shared: Dormitory) {
    this.#options = options;
    this.#victim = victim;
    this.#shared = shared;
  }

  async whole(): Promise<StormReport> {
    const { closes, kills } = this.#options;
    await this.#victim.start();
    this.#storm = await this.#settleIn("S", "storm", closes);
    this.#others = await this.#settleIn("E", "elsewhere", Math.ceil(closes / othersPerStorm));
    const { api: baseUrl, key } = this.#victim;
    this.#unfollow = followLive({ baseUrl, key }, ({ kind, rule }) => {
      if (rule === "BREAKER" && kind === "alarm.raised") this.#alarmAtMs ??= Date.now();
    });
    for (const { meter } of this.#storm) meter.hasLeak = true;
    this.#shared.wheel.start();
    const lonelyAt = Math.floor(kills * this.#shared.rng.between(0.4, 0.8));
    const [lonely] = this.#others;
    for (let no = 0; no < kills; no += 1) {
      if (no === lonelyAt) await this.#tellElsewhere(lonely);
      await this.#cycle(no);
    }
    const listed = await this.#settle();
    const exitCode = await this.#victim.stop();
    const report = this.#judge(listed);
    if (exitCode !== 0) report.violations.push(`SIGTERM ended with exit code ${exitCode}`);
    return report;
  }

  end(): void {
    this.#unfollow();
    this.#shared.wheel.stop();
    for (const sleeper of [...this.#storm, ...this.#others]) sleeper.stop();
  }

  #settleIn(prefix: string, area: string, count: number): Promise<readonly Sleeper[]> {
    return layToSleep(
      this.#victim,
      count,
      this.#shared,
      habit,
      { prefix, area },
      {
        ordered: () => undefined,
        acknowledged: ({ isLeak }) => {
          if (!this.#strikesAtLeak || !isLeak) return;
          this.#strikesAtLeak = false;
          this.#victim.strike();
        },
      },
    );
  }

  /** Up for a while, killed by chance or as a leak is acknowledged, and up again. */
  async #cycle(no: number): Promise<void> {
    const { rng } = this.#shared;
    await delay(rng.between(upMs.least, upMs.most));
    this.#strikesAtLeak = no % 2 === 0;
    for (let waits = 0; this.#strikesAtLeak && waits < 20; waits += 1) await delay(lookMs);
    await this.#victim.kill();
    this.#strikesAtLeak = false;
    if (this.#options.breakage === "forgets") this.#forget();
    await this.#victim.start();
    if (no % 10 === 9) this.#options.say(`${no + 1} kills, ${this.#moved} motors ran`);
  }

  get #moved(): number {
    return [...this.#storm, ...this.#others].reduce((sum, { meter }) => sum + meter.movements, 0);
  }

  #forget(): void {
    const db = new DatabaseSync(join(this.#victim.dataDir, "ledger.sqlite"));
    db.exec("UPDATE command_transition SET by = 'nobody' WHERE state = 'authorised'");
    db.close();
  }

  /** Between two kills: what the service and the meter do with it, not what a kill does. */
  async #tellElsewhere(lonely: Sleeper | undefined): Promise<void> {
    const { clock } = this.#shared;
    const atMs = clock.nowMs();
    const wake = lonely?.tellLeak() ?? null;
    const untilMs = performance.now() + upMs.withLeak;
    while ((lonely?.arrivals.length ?? 0) === 0 && performance.now() < untilMs) await delay(lookMs);
    const arrival = lonely?.arrivals[0];
    this.#options.say(
      `leak elsewhere: ${wake?.isHeard === true ? "heard" : "not heard"}, ` +
        (arrival === undefined ? "no order yet" : "ordered"),
    );
    if (arrival === undefined || arrival.wake !== wake) return;
    this.#leakElsewhereMs = Math.round((arrival.atMs - atMs) / clock.lapse.factor);
  }

  /** Until every meter of the storm has told its leak to a service that lived; what is held is then listed. */
  async #settle(): Promise<number> {
    const { settleSeconds, closes } = this.#options;
    const untilMs = performance.now() + settleSeconds * 1_000;
    for (;;) {
      const listed = await this.#list();
      if (listed + this.#moved > closes || performance.now() > untilMs) return listed;
      await delay(1_000);
    }
  }

  /** As an operator's screen pages through it. */
  async #list(): Promise<number> {
    let cursor: string | null = null;
    let listed = 0;
    do {
      const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/v1/commands?state=held&limit=1000${query}`;
      const page = (await callApi(this.#victim, "GET", path)) as {
        readonly items: readonly unknown[];
        readonly next: string | null;
      };
      listed += page.items.length;
      cursor = page.next;
    } while (cursor !== null);
    return listed;
  }

  #judge(listed: number): StormReport {
    const { factor, closes, kills } = this.#options;
    const areas = { storm: this.#storm, elsewhere: this.#others };
    const { firstHoldAtMs, ...found } = checkStorm(this.#victim.dataDir, areas);
    const { violations, held, facts } = found;
    const { baseMs } = this.#shared.clock.lapse;
    const heldAtRealMs = firstHoldAtMs === null ? null : baseMs + (firstHoldAtMs - baseMs) / factor;
    const heardAtMs = this.#alarmAtMs;
    const holdToAlarmMs =
      heldAtRealMs === null || heardAtMs === null ? null : Math.round(heardAtMs - heldAtRealMs);
    if (holdToAlarmMs === null) violations.push("nobody was told that closes are held");
    else if (holdToAlarmMs > alarmWithinMs) violations.push(`told after ${holdToAlarmMs} ms`);
    if (listed !== held) violations.push(`${held} are held, ${listed} are listed`);
    const wishes = Number(facts["wishes"]);
    if (wishes !== closes + 1) violations.push(`${closes + 1} leaks made ${wishes} closes`);
    const leakElsewhereMs = this.#leakElsewhereMs;
    if (leakElsewhereMs === null)
      violations.push("the leak elsewhere was not closed in its window");
    const seconds = Math.round((performance.now() - this.#startedMs) / 1_000);
    return { ...found, holdToAlarmMs, leakElsewhereMs, listed, kills, seconds };
  }
}
