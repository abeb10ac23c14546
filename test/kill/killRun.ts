/**
 * Kills the whole process again and again under load, on one data directory, and then holds the ledger against what
 * the meters were promised. kill -9 takes from a process what it had in memory, not what the operating system had:
 * what a power cut takes is decided by fsync, and this run says nothing about it.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { readingsDaysMin, retentionDaysMin } from "#domain/retention.ts";
import { seededRng, type SeededRng } from "#simulators/rng.ts";
import { KilledBackups } from "./backups.ts";
import { checkLedger, uplinksSince, type Findings } from "./checks.ts";
import { readMetric } from "./exposition.ts";
import type { KeeperMeter } from "./keeperMeter.ts";
import { Load, registerKeepers } from "./keepers.ts";
import { Operator } from "./operator.ts";
import { livePast } from "./pastMeters.ts";
import { isOnce, isRemake, PhaseTrap, pointsOf, type Phase } from "./phases.ts";
import { freePorts } from "./ports.ts";
import { remakeDays, Remakes } from "./remakes.ts";
import { Victim } from "./victim.ts";

export interface KillOptions {
  readonly cycles: number;
  readonly meters: number;
  /** Reports a second of all meters together, while the service is up. */
  readonly rate: number;
  readonly seed: number;
  /** Runs the composition that acknowledges before it has stored. */
  readonly earlyAck: boolean;
  /** Backups go on beside it, half of them killed; the last one is restored and held against the promises too. */
  readonly backups: boolean;
  /** Four kills of five come at a point of these, one after the other; backup needs `backups`. */
  readonly over: readonly Phase[];
  /** Longest wait for commands to end after the last kill. */
  readonly settleSeconds: number;
  /** A start may take so long; on a busy machine more. */
  readonly startSecondsMax: number;
  readonly say: (line: string) => void;
}

export interface KillReport extends Findings {
  readonly readyMs: { readonly median: number; readonly max: number };
  readonly uplinksPerSecond: number;
  readonly killedDuringStart: number;
  readonly exitCode: number | null;
  readonly seconds: number;
}

/**
 * What a kill waits for: an uplink just acknowledged, an order that enters its meter, a leak just acknowledged, or
 * nothing but its time (and then it kills the next start as well).
 */
const moments = ["acknowledgement", "order", "leak", "start"] as const;
type Moment = (typeof moments)[number];

/** Every fifth kill of a run over phases comes at one of the moments, as all of another run do. */
const momentEvery = 5;
/** A point of a phase comes within this time, or the process is killed without it and that is told. */
const pointWithinMs = 90_000;
/**
 * Archive and retention look once a minute, and first of all at a start: what does not come so soon comes in the next
 * process, which has more to do by then.
 */
const pointSoonMs = 4_000;
/** So far back meters report, in two months, so that retention has something to remove: more than it must keep. */
const pastDays = [readingsDaysMin + 100, readingsDaysMin + 50] as const;
/** So few frames make a file of the archive, that this too is always under way. */
const archivedRows = 500;
/** So few that flushes and merges of the reading store are always under way. */
const flushRows = 100;
/** For the processes that are to let go old frames, or old readings. */
const letsGoFrames = { MERCAPTAN_RETENTION_UPLINKS_DAYS: String(retentionDaysMin.uplinks) };
const letsGoReadings = { MERCAPTAN_RETENTION_READINGS_DAYS: String(readingsDaysMin) };
const startKillMsMax = 600;
const newLeaks = 3;
const newOrders = 2;
const acknowledgedWithinMs = 500;
const deliverWithinMs = 20_000;
/** The rest of the load while commands are verified by readings. */
const calmShare = 0.2;

const services = {
  true: ["test/kill/earlyAckServe.ts"],
  false: ["src/main.ts", "serve", "--json"],
} as const;

/** One whole run; the report's violations are empty when every promise was kept. */
export async function runKills(options: KillOptions): Promise<KillReport> {
  const rng = seededRng(options.seed);
  const [http = 0, mqtt = 0] = await freePorts(2, () => rng.next());
  const trap = new PhaseTrap();
  const settings = {
    MERCAPTAN_READINGS_FLUSH_ROWS: String(flushRows),
    MERCAPTAN_READINGS_FLUSH_MINUTES: "0",
    MERCAPTAN_ARCHIVE_AFTER_DAYS: "0",
    MERCAPTAN_ARCHIVE_FILE_ROWS: String(archivedRows),
    ...(options.over.length > 0 ? trap.settings : {}),
  };
  const victim = new Victim({ http, mqtt }, services[`${options.earlyAck}`], undefined, settings);
  const run = new KillRun(options, victim, rng, trap);
  try {
    return await run.whole();
  } finally {
    run.end();
    await victim.kill();
    victim.remove();
    trap.remove();
  }
}

class KillRun {
  readonly #options: KillOptions;
  readonly #victim: Victim;
  readonly #rng: SeededRng;
  readonly #startedMs = performance.now();
  readonly #readyMs: number[] = [];
  #meters: readonly KeeperMeter[] = [];
  #load: Load | null = null;
  #backups: KilledBackups | null = null;
  #remakes: Remakes | null = null;
  /** While the service was up, and what it acknowledged meanwhile. */
  #upMs = 0;
  #acknowledged = 0;
  #killedDuringStart = 0;
  /** Whom to tell when this cycle's moment has come. */
  #watched: Moment | null = null;
  #strike: () => void = () => undefined;
  readonly #trap: PhaseTrap;
  readonly #points: readonly string[];
  #pointsAimed = 0;
  readonly #missed: string[] = [];

  constructor(options: KillOptions, victim: Victim, rng: SeededRng, trap: PhaseTrap) {
    this.#options = options;
    this.#trap = trap;
    this.#points = pointsOf(options.over);
    this.#victim = victim;
    this.#rng = rng;
  }

  async whole(): Promise<KillReport> {
    const { cycles, meters, rate, over } = this.#options;
    const past: KeeperMeter[] = [];
    for (const days of over.includes("retention") ? pastDays : []) {
      past.push(...(await livePast(this.#victim, days, rate)));
    }
    if (over.includes("remake")) {
      const closed: KeeperMeter[] = [];
      for (const days of remakeDays) closed.push(...(await livePast(this.#victim, days, rate)));
      this.#remakes = new Remakes(this.#victim, closed, this.#rng);
      past.push(...closed);
    }
    await this.#start();
    const events = {
      ordered: () => this.#hasCome("order"),
      acknowledged: (_meter: KeeperMeter, { isLeak }: { readonly isLeak: boolean }) => {
        this.#hasCome("acknowledgement");
        if (isLeak) this.#hasCome("leak");
      },
    };
    this.#meters = await registerKeepers(this.#victim, meters, events);
    const operator = await Operator.employ(this.#victim);
    for (const meter of this.#meters) meter.rise(this.#victim.mqttPort);
    this.#load = new Load(this.#meters, rate);
    if (this.#options.backups) {
      const settings = over.includes("backup") ? this.#trap.settings : {};
      this.#backups = new KilledBackups(this.#victim.dataDir, this.#rng, settings);
      this.#backups.start();
    }
    const fresh = this.#shuffled();
    this.#meters = [...this.#meters, ...past];
    for (let no = 1; no <= cycles; no += 1) {
      const isAtPoint = this.#points.length > 0 && no % momentEvery !== 0;
      if (isAtPoint) await this.#cycleAtPoint(no);
      else await this.#cycle(no, fresh, operator);
    }
    return this.#finish(operator);
  }

  end(): void {
    this.#load?.stop();
    this.#backups?.remove();
    for (const meter of this.#meters) meter.rest();
  }

  async #start(more: Readonly<Record<string, string>> = {}): Promise<boolean> {
    const start = await this.#victim.start(more);
    if (start === null) return false;
    this.#readyMs.push(start.readyAfterMs);
    return true;
  }

  /** Points of retention come once: there is nothing left for it afterwards. */
  #nextPoint(): string {
    const again = this.#points.filter((point) => !isOnce(point));
    const beyond = this.#pointsAimed - this.#points.length;
    const place = beyond < 0 ? this.#points[this.#pointsAimed] : again[beyond % again.length];
    return place ?? this.#points[0] ?? "";
  }

  /** The process ends itself at the point; a backup that does takes the service along. */
  async #cycleAtPoint(no: number): Promise<void> {
    const point = this.#nextPoint();
    this.#pointsAimed += 1;
    const upSinceMs = performance.now();
    const before = this.#owed();
    const isHit = await this.#hasComeTo(point);
    if (!isHit) this.#missed.push(point);
    await this.#victim.kill();
    this.#upMs += performance.now() - upSinceMs;
    this.#acknowledged += this.#owed() - before;
    // What is taken from the list is removed at the next start, which is to end there.
    if (point !== "retention.listed") await this.#start();
    if (isRemake(point)) await this.#remakes?.ask();
    this.#options.say(
      `cycle ${no}: killed at ${point}${isHit ? "" : ", which never came"}, ` +
        `ready again after ${Math.round(this.#readyMs.at(-1) ?? 0)} ms`,
    );
  }

  async #hasComeTo(point: string): Promise<boolean> {
    if (isOnce(point) || isRemake(point)) return this.#comesAtStart(point);
    this.#trap.arm(point);
    // A backup is made by a process of its own, again and again.
    if (point.startsWith("backup.")) return this.#trap.sprung(pointWithinMs);
    if (await this.#trap.sprung(pointSoonMs)) return true;
    await this.#victim.kill();
    this.#trap.arm(point);
    await this.#start();
    return this.#trap.sprung(pointWithinMs);
  }

  /** Months of readings go and a roll-up is made again when all else is done, so the load is small meanwhile. */
  async #comesAtStart(point: string): Promise<boolean> {
    const load = this.#load;
    if (load !== null) load.rate = this.#options.rate * calmShare;
    const flip = isRemake(point) ? await this.#remakes?.aim() : undefined;
    this.#trap.arm(point);
    await this.#victim.kill();
    flip?.();
    await this.#start(settingsAt(point));
    const isHit = await this.#trap.sprung(pointWithinMs);
    if (load !== null) load.rate = this.#options.rate;
    return isHit;
  }

  #shuffled(): KeeperMeter[] {
    return [...this.#meters]
      .map((meter) => ({ meter, place: this.#rng.next() }))
      .sort((one, other) => one.place - other.place)
      .map(({ meter }) => meter);
  }

  /** The service runs; it is killed, and started again until it is ready. */
  async #cycle(no: number, fresh: KeeperMeter[], operator: Operator): Promise<void> {
    const moment = moments[(no - 1) % moments.length] ?? "start";
    const upMs = this.#rng.between(300, 3_000);
    const upSinceMs = performance.now();
    const struck = new Promise<void>((resolve) => {
      this.#strike = resolve;
    });
    const isNext = moment === "acknowledgement";
    this.#watched = isNext ? null : moment;
    const trouble = this.#makeTrouble(fresh, operator, Math.min(upMs, 1_000));
    const before = this.#owed();
    await Promise.race([struck, delay(upMs)]);
    // Under load the next acknowledgement is not far.
    if (isNext) this.#watched = moment;
    if (isNext) await Promise.race([struck, delay(acknowledgedWithinMs)]);
    await this.#victim.kill();
    // What was waited for and did not come must not kill the next process, of which nobody expects it.
    this.#watched = null;
    const wasUpMs = performance.now() - upSinceMs;
    const acknowledged = this.#owed() - before;
    this.#upMs += wasUpMs;
    this.#acknowledged += acknowledged;
    await trouble;
    if (moment === "start") await this.#killDuringStart();
    await this.#start();
    this.#options.say(
      `cycle ${no}: killed after ${Math.round(wasUpMs)} ms (${moment}) and ${acknowledged} ` +
        `acknowledgements, ready again after ${Math.round(this.#readyMs.at(-1) ?? 0)} ms`,
    );
  }

  #owed(): number {
    return this.#meters.reduce((all, { obligations }) => all + obligations.length, 0);
  }

  #hasCome(moment: Moment): void {
    if (this.#watched !== moment) return;
    // At once, in the same turn: before the meter confirms, before anything else is read.
    this.#victim.strike();
    this.#watched = null;
    this.#strike();
  }

  /** Some meters begin to leak, some valves are to be closed (one over a bad link), at random moments. */
  async #makeTrouble(fresh: KeeperMeter[], operator: Operator, withinMs: number): Promise<void> {
    const acts = [
      ...fresh.splice(0, newLeaks).map((meter) => () => {
        meter.hasLeak = true;
      }),
      ...fresh.splice(0, newOrders).map((meter, place) => () => {
        meter.losesLink = place === 0;
        operator.close(meter.id);
      }),
    ];
    await Promise.all(
      acts.map(async (act) => {
        await delay(this.#rng.between(0, withinMs));
        act();
      }),
    );
  }

  async #killDuringStart(): Promise<void> {
    const starting = this.#start();
    await delay(this.#rng.between(0, startKillMsMax));
    await this.#victim.kill();
    if (!(await starting)) this.#killedDuringStart += 1;
  }

  /** What came back from the last backup must keep the same promises. */
  async #checkBackups(operator: Operator): Promise<readonly string[]> {
    if (this.#backups === null) return [];
    const into = `${this.#victim.dataDir}-restored`;
    const violations = await this.#backups.finish(into);
    if (violations.length > 0) return violations;
    const restored = checkLedger(into, this.#meters, operator.ordered);
    return restored.violations.map((violation) => `restored: ${violation}`);
  }

  /** What the running process says that it has received and stored. */
  async #counted(): Promise<number> {
    const name = "mercaptan_uplinks_total";
    const { api } = this.#victim;
    return (await readMetric(api, name)) - (await readMetric(api, name, { outcome: "refused" }));
  }

  async #finish(operator: Operator): Promise<KillReport> {
    const { settleSeconds, startSecondsMax, rate } = this.#options;
    const load = this.#load;
    if (load !== null) load.rate = rate * calmShare;
    await operator.settled();
    const untilMs = performance.now() + settleSeconds * 1_000;
    while ((await operator.openCommands()) > 0 && performance.now() < untilMs) await delay(200);
    load?.stop();
    const deliverUntilMs = performance.now() + deliverWithinMs;
    const waiting = () => this.#meters.reduce((all, meter) => all + meter.waiting, 0);
    while (waiting() > 0 && performance.now() < deliverUntilMs) await delay(20);
    const undelivered = waiting();
    // Whole again, and never told otherwise.
    await this.#remakes?.aim();
    await this.#remakes?.ask();
    const counted = await this.#counted();
    const exitCode = await this.#victim.stop();
    const found = checkLedger(this.#victim.dataDir, this.#meters, operator.ordered);
    found.violations.push(...operator.surprises, ...(await this.#checkBackups(operator)));
    if (this.#remakes !== null) {
      found.facts["rollUps"] = this.#remakes.finish();
      found.violations.push(...this.#remakes.violations);
    }
    if (this.#backups !== null) {
      const { made, killed } = this.#backups;
      found.facts["backups"] = { made, killed };
    }
    if (this.#points.length > 0) {
      found.facts["points"] = this.#trap.hits();
      if (this.#missed.length > 0) found.facts["pointsThatNeverCame"] = this.#missed;
      const hits = this.#trap.hits();
      const aimed = this.#points.slice(0, this.#pointsAimed);
      for (const point of aimed) {
        if (hits[point] === undefined) found.violations.push(`no kill came at ${point}`);
      }
    }
    if (undelivered > 0) found.violations.push(`${undelivered} uplinks were never acknowledged`);
    const stored = uplinksSince(this.#victim.dataDir, this.#victim.startedAtMs);
    if (counted !== stored) {
      found.violations.push(`conservation: the last process counted ${counted}, stored ${stored}`);
    }
    if (exitCode !== 0) found.violations.push(`SIGTERM: ${exitCode}, ${this.#victim.lastWords}`);
    const sorted = [...this.#readyMs].sort((one, other) => one - other);
    const max = Math.round(sorted.at(-1) ?? 0);
    if (max > startSecondsMax * 1_000) found.violations.push(`a start took ${max} ms`);
    return {
      ...found,
      readyMs: { median: Math.round(sorted[sorted.length >> 1] ?? 0), max },
      uplinksPerSecond: Math.round((this.#acknowledged * 1_000) / Math.max(1, this.#upMs)),
      killedDuringStart: this.#killedDuringStart,
      exitCode,
      seconds: Math.round((performance.now() - this.#startedMs) / 1_000),
    };
  }
}

function settingsAt(point: string): Readonly<Record<string, string>> {
  if (isRemake(point)) return {};
  return point.startsWith("retiring.") ? letsGoReadings : letsGoFrames;
}
