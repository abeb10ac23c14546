/**
 * Roll-ups of closed days of which a byte flips while the process is dead: the next one finds it, puts the file aside
 * and makes it again, or is killed at that. What billing is answered for the end of these days never changes.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { dayMs } from "#domain/units.ts";
import type { SeededRng } from "#simulators/rng.ts";
import { callApi } from "../bench/service.ts";
import type { KeeperMeter } from "./keeperMeter.ts";
import type { Victim } from "./victim.ts";

/** Closed days with readings, one after the other: the second is built on the first. */
export const remakeDays = [3, 2] as const;

const wholeWithinMs = 60_000;
/** Enough for all, and for the look that takes from the roll-up what is plain. */
const registersAtOnce = 500;

interface RollUp {
  readonly name: string;
  readonly toMs: number;
}

interface RegisterLine {
  readonly meterId: string;
  readonly measuredAt: string;
  readonly volumeM3: string;
}

export class Remakes {
  readonly violations: string[] = [];
  readonly #victim: Victim;
  readonly #meters: readonly KeeperMeter[];
  readonly #rng: SeededRng;
  readonly #flipped = new Set<string>();
  /** Ends of the days, and what is said of each as long as nothing is damaged. */
  readonly #right = new Map<number, string>();

  constructor(victim: Victim, meters: readonly KeeperMeter[], rng: SeededRng) {
    this.#victim = victim;
    this.#meters = meters;
    this.#rng = rng;
  }

  /** Waits until all roll-ups are whole; returns what flips a byte of one, to be called when the process is dead. */
  async aim(): Promise<() => void> {
    const rollUps = await this.#whole();
    if (this.#right.size === 0) await this.#learn(rollUps);
    const { name } = this.#rng.pick([rollUps[0] ?? none, ...rollUps.slice(1)]);
    return () => this.#flip(name);
  }

  /** Of the running process, whatever state its files are in. */
  async ask(): Promise<void> {
    for (const [atMs, right] of this.#right) {
      const lines = await this.#registersAt(atMs);
      if (JSON.stringify(lines) === right) continue;
      const at = new Date(atMs).toISOString();
      this.violations.push(`registers at ${at} are ${JSON.stringify(lines)}, not ${right}`);
    }
  }

  /** Of the stopped process: what was flipped is put aside and nothing else is, and each day has its roll-up. */
  finish(): { readonly flipped: number; readonly aside: number } {
    const folder = join(this.#victim.dataDir, "readings", "damaged");
    const aside = existsSync(folder) ? readdirSync(folder) : [];
    for (const name of this.#flipped) {
      if (!aside.includes(name)) this.violations.push(`the damaged ${name} is not put aside`);
    }
    for (const name of aside) {
      if (!this.#flipped.has(name)) this.violations.push(`${name} was put aside and is whole`);
    }
    return { flipped: this.#flipped.size, aside: aside.length };
  }

  async #whole(): Promise<readonly RollUp[]> {
    const untilMs = performance.now() + wholeWithinMs;
    for (;;) {
      const rollUps = listedRollUps(this.#victim.dataDir);
      const isWhole = rollUps.every(({ name }) => !this.#flipped.has(name));
      if (isWhole && rollUps.length >= remakeDays.length) return rollUps;
      if (performance.now() > untilMs) {
        this.violations.push(`roll-ups are not whole again: ${JSON.stringify(rollUps)}`);
        return rollUps;
      }
      await delay(50);
    }
  }

  /** The last register that each meter was acknowledged, which nobody but the meters knows. */
  async #learn(rollUps: readonly RollUp[]): Promise<void> {
    for (const { toMs } of rollUps) {
      const lines = await this.#registersAt(toMs);
      const found = lines.map(({ meterId, measuredAt }) => `${meterId} ${Date.parse(measuredAt)}`);
      const sent = this.#meters.flatMap(({ id, obligations }) => {
        const times = obligations.flatMap(({ measuredAtMs }) => measuredAtMs ?? []);
        const last = Math.max(...times.filter((atMs) => atMs <= toMs));
        return last === -Infinity ? [] : [`${id} ${last}`];
      });
      if (JSON.stringify(found.sort()) !== JSON.stringify(sent.sort())) {
        this.violations.push(`registers at ${toMs}: ${found.join()} instead of ${sent.join()}`);
      }
      this.#right.set(toMs, JSON.stringify(lines));
    }
  }

  async #registersAt(atMs: number): Promise<readonly RegisterLine[]> {
    const at = new Date(atMs).toISOString();
    const path = `/v1/billing/registers?at=${at}&limit=${registersAtOnce}&area=past`;
    const { items } = (await callApi(this.#victim, "GET", path)) as { items: RegisterLine[] };
    const ids = new Set(this.#meters.map(({ id }) => id));
    return items
      .filter(({ meterId }) => ids.has(meterId))
      .map(({ meterId, measuredAt, volumeM3 }) => ({ meterId, measuredAt, volumeM3 }));
  }

  #flip(name: string): void {
    const path = join(this.#victim.dataDir, "readings", name);
    const bytes = readFileSync(path);
    const at = this.#rng.whole(0, bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << this.#rng.whole(0, 7));
    writeFileSync(path, bytes);
    this.#flipped.add(name);
  }
}

const none: RollUp = { name: "", toMs: 0 };

/** Of the last days, beside the process that writes them. */
function listedRollUps(dataDir: string): readonly RollUp[] {
  const db = new DatabaseSync(join(dataDir, "ledger.sqlite"), { readOnly: true, timeout: 5_000 });
  const rows = db
    .prepare(
      `SELECT name, to_ms AS toMs FROM reading_file
       WHERE kind = 'rollup' AND replaced_by = 0 AND to_ms > ? ORDER BY to_ms`,
    )
    .all(Date.now() - (Math.max(...remakeDays) + 2) * dayMs);
  db.close();
  return rows as unknown as readonly RollUp[];
}
