/** Backups beside a service that is killed again and again, each second of them killed as well. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { manifestNames } from "#backup/backupManifest.ts";
import { restoreBackup } from "#backup/restoreBackup.ts";
import { verifyBackups } from "#backup/verifyBackup.ts";
import { plainDisk } from "#readings/openReadings.ts";
import type { SeededRng } from "#simulators/rng.ts";
import { billedTotals } from "../../src/billedTotals.ts";

const root = new URL("../../", import.meta.url).pathname;
const keep = 3;
const killMsMax = 2_500;

export class KilledBackups {
  made = 0;
  killed = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), "mercaptan-kill-backups-"));
  readonly #dataDir: string;
  readonly #rng: SeededRng;
  #isStopping = false;
  #running: Promise<void> = Promise.resolve();
  #child: ChildProcess | null = null;

  readonly #settings: Readonly<Record<string, string>>;

  /** Settings are environment variables; the last backup is made without them. */
  constructor(dataDir: string, rng: SeededRng, settings: Readonly<Record<string, string>> = {}) {
    this.#settings = settings;
    this.#dataDir = dataDir;
    this.#rng = rng;
  }

  /** One after the other, until it is stopped. */
  start(): void {
    this.#running = this.#goOn();
  }

  /** A last one of the service at rest; every backup that is there is whole, and it is restored to `into`. */
  async finish(into: string): Promise<readonly string[]> {
    this.#isStopping = true;
    await this.#running;
    const violations: string[] = [];
    if ((await this.#backup(null)) !== 0) violations.push("the last backup failed");
    const folder = join(this.#folder, "backups");
    const verdict = verifyBackups(folder, undefined, () => undefined);
    if (!verdict.ok)
      violations.push(`backup: ${verdict.path} of ${verdict.backup} ${verdict.problem}`);
    const reading = { disk: plainDisk, billed: billedTotals };
    const common = { folder, seal: null, ...reading, say: () => undefined };
    // Also one that was made under load: a restore proves by itself that it is what it was.
    const names = manifestNames(folder);
    for (const [place, wanted] of names.entries()) {
      const dataDir = place === names.length - 1 ? into : join(this.#folder, `restored-${place}`);
      try {
        restoreBackup({ ...common, wanted, dataDir, nowMs: Date.now() });
      } catch (error) {
        violations.push(`restore of ${wanted}: ${String(error)}`);
      }
    }
    return violations;
  }

  remove(): void {
    this.#isStopping = true;
    this.#child?.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #goOn(): Promise<void> {
    for (let turn = 0; !this.#isStopping; turn += 1) {
      const isKilled = turn % 2 === 1;
      const code = await this.#backup(isKilled ? this.#rng.between(50, killMsMax) : null);
      if (code === 0) this.made += 1;
    }
  }

  async #backup(killAfterMs: number | null): Promise<number | null> {
    const where = ["--data-dir", this.#dataDir, "--to", join(this.#folder, "backups")];
    const command = ["src/main.ts", "backup", ...where, "--keep", String(keep)];
    const env = { ...process.env, ...(this.#isStopping ? {} : this.#settings) };
    const child = spawn(process.execPath, command, { cwd: root, stdio: "ignore", env });
    this.#child = child;
    const exited = once(child, "exit");
    if (killAfterMs !== null) {
      await Promise.race([exited, delay(killAfterMs)]);
      if (child.kill("SIGKILL")) this.killed += 1;
    }
    await exited;
    return child.exitCode;
  }
}
