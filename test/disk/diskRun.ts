/**
 * A small disk that fills up again and again under load, slowly and at once. Each time readings must be refused
 * clearly, a leak must ring and a valve must close, and with room everything goes on by itself.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { seededRng } from "#simulators/rng.ts";
import { callApi } from "../bench/service.ts";
import { checkLedger } from "../kill/checks.ts";
import type { KeeperMeter } from "../kill/keeperMeter.ts";
import { Load, registerKeepers } from "../kill/keepers.ts";
import { Operator } from "../kill/operator.ts";
import { freePorts } from "../kill/ports.ts";
import { Victim } from "../kill/victim.ts";
import type { SmallDisk } from "../support/smallDisk.ts";

export interface DiskOptions {
  readonly rounds: number;
  /** At least two more than twice the rounds: in each, one begins to leak and one valve is closed. */
  readonly meters: number;
  readonly rate: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface DiskReport {
  readonly violations: readonly string[];
  readonly lost: number;
  readonly storedTwice: number;
  readonly refusedMs: readonly number[];
  readonly alarmMs: readonly number[];
  readonly resumedMs: readonly number[];
  readonly facts: Readonly<Record<string, unknown>>;
}

interface AlarmPage {
  readonly items: readonly { readonly rule: string }[];
}

const mebibyte = 1024 * 1024;
const reserveMib = 16;
/** Less than half the reserve beside it: readings must stop. */
const lowBytes = 6 * mebibyte;
const withinMs = 30_000;
const fullReason = "the disk is full: readings are refused, alarms and commands go on";
const runMs = 600;

export async function runDisk(disk: SmallDisk, options: DiskOptions): Promise<DiskReport> {
  const rng = seededRng(options.seed);
  const [http = 0, mqtt = 0] = await freePorts(2, () => rng.next());
  const settings = { MERCAPTAN_DISK_RESERVE_MIB: String(reserveMib) };
  const command = ["src/main.ts", "serve", "--json"];
  const victim = new Victim({ http, mqtt }, command, disk.dataDir, settings);
  const run = new DiskRun(options, disk, victim);
  try {
    return await run.whole();
  } finally {
    run.end();
    await victim.kill();
    victim.remove();
  }
}

class DiskRun {
  readonly #options: DiskOptions;
  readonly #disk: SmallDisk;
  readonly #victim: Victim;
  readonly #violations: string[] = [];
  readonly #refusedMs: number[] = [];
  readonly #alarmMs: number[] = [];
  readonly #resumedMs: number[] = [];
  #meters: readonly KeeperMeter[] = [];
  /** Meters that neither leak nor were sent an order. */
  #plain: KeeperMeter[] = [];
  #load: Load | null = null;

  constructor(options: DiskOptions, disk: SmallDisk, victim: Victim) {
    this.#options = options;
    this.#disk = disk;
    this.#victim = victim;
  }

  async whole(): Promise<DiskReport> {
    const { rounds, meters, rate } = this.#options;
    await this.#victim.start();
    const events = { ordered: () => undefined, acknowledged: () => undefined };
    this.#meters = await registerKeepers(this.#victim, meters, events);
    this.#plain = [...this.#meters];
    const operator = await Operator.employ(this.#victim);
    for (const meter of this.#meters) meter.rise(this.#victim.mqttPort);
    this.#load = new Load(this.#meters, rate);
    await this.#until(async () => (await this.#readiness()).status === 200, "it is ready");
    for (let no = 1; no <= rounds; no += 1) await this.#round(no, operator);
    return this.#finish(operator);
  }

  end(): void {
    this.#load?.stop();
    for (const meter of this.#meters) meter.rest();
  }

  async #round(no: number, operator: Operator): Promise<void> {
    await delay(runMs);
    const isAtOnce = no % 2 === 0;
    const startedMs = performance.now();
    this.#disk.fillUpTo(isAtOnce ? 0 : lowBytes);
    await this.#until(async () => {
      const { status, reasons } = await this.#readiness();
      return status === 503 && reasons.includes(fullReason);
    }, `round ${no}: readings are refused`);
    this.#refusedMs.push(performance.now() - startedMs);
    const [leaking, ordered] = [this.#plain.pop(), this.#plain.pop()];
    if (leaking === undefined || ordered === undefined) throw new TypeError("too few meters");
    await this.#quiet(no);
    const before = this.#owed();
    const leakedMs = performance.now();
    leaking.hasLeak = true;
    operator.close(ordered.id);
    await this.#until(() => this.#hasAlarm("R1", leaking.id), `round ${no}: a leak rings`);
    this.#alarmMs.push(performance.now() - leakedMs);
    await this.#until(() => this.#hasAlarm("INTAKE"), `round ${no}: INTAKE is stored`);
    await this.#until(() => ordered.movements === 1, `round ${no}: a valve is closed`);
    await this.#until(() => this.#isAnswered(ordered.id), `round ${no}: its answer is stored`);
    if (this.#owed() !== before) this.#violations.push(`round ${no}: a reading was acknowledged`);
    const freedMs = performance.now();
    this.#disk.free();
    await this.#until(async () => (await this.#readiness()).status === 200, `round ${no}: ready`);
    this.#resumedMs.push(performance.now() - freedMs);
    await this.#until(() => this.#owed() > before + 20, `round ${no}: readings enter again`);
    this.#options.say(
      `round ${no}: ${isAtOnce ? "full at once" : "nearly full"}, refused after ` +
        `${Math.round(this.#refusedMs.at(-1) ?? 0)} ms, leak rang after ` +
        `${Math.round(this.#alarmMs.at(-1) ?? 0)} ms, resumed after ` +
        `${Math.round(this.#resumedMs.at(-1) ?? 0)} ms`,
    );
  }

  /** Two looks a second apart see no new acknowledgement: what was under way has ended. */
  async #quiet(no: number): Promise<void> {
    let last = -1;
    await this.#until(async () => {
      const before = this.#owed();
      const isQuiet = before === last;
      last = before;
      if (!isQuiet) await delay(1_000);
      return isQuiet;
    }, `round ${no}: no reading is acknowledged`);
  }

  #owed(): number {
    return this.#plain.reduce((all, { obligations }) => all + obligations.length, 0);
  }

  async #readiness(): Promise<{ readonly status: number; readonly reasons: readonly string[] }> {
    const response = await fetch(`${this.#victim.api}/readyz`);
    const { reasons } = (await response.json()) as { readonly reasons: readonly string[] };
    return { status: response.status, reasons };
  }

  async #hasAlarm(rule: string, meterId?: string): Promise<boolean> {
    const meter = meterId === undefined ? "" : `&meterId=${meterId}`;
    const path = `/v1/alarms?limit=1000&state=unacknowledged${meter}`;
    const { items } = (await callApi(this.#victim, "GET", path)) as AlarmPage;
    return items.some((alarm) => alarm.rule === rule);
  }

  async #isAnswered(meterId: string): Promise<boolean> {
    const path = `/v1/commands?limit=1000&state=accepted,executed,verified`;
    const page = await callApi(this.#victim, "GET", path);
    const { items } = page as { readonly items: readonly { readonly meterId: string }[] };
    return items.some((command) => command.meterId === meterId);
  }

  async #until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const endMs = performance.now() + withinMs;
    while (!(await isSo())) {
      if (performance.now() > endMs) throw new TypeError(`never happened: ${what}`);
      await delay(50);
    }
  }

  async #finish(operator: Operator): Promise<DiskReport> {
    await operator.settled();
    this.#load?.stop();
    const waiting = () => this.#meters.reduce((all, meter) => all + meter.waiting, 0);
    await this.#until(() => waiting() === 0, "every meter got rid of all it kept");
    const exitCode = await this.#victim.stop();
    const found = checkLedger(this.#victim.dataDir, this.#meters, operator.ordered);
    // On a disk that is full at once the first commit fails before the reserve is given back, and that is told.
    const wrong = found.violations.filter((line) => !line.startsWith("an alarm BLIND"));
    const ended = exitCode === 0 ? [] : [`SIGTERM ended with exit code ${exitCode}`];
    return {
      violations: [...this.#violations, ...wrong, ...operator.surprises, ...ended],
      lost: found.lost,
      storedTwice: found.storedTwice,
      refusedMs: this.#refusedMs.map(Math.round),
      alarmMs: this.#alarmMs.map(Math.round),
      resumedMs: this.#resumedMs.map(Math.round),
      facts: found.facts,
    };
  }
}
