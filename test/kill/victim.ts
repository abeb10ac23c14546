/** The real program on one data directory and two ports, started and killed again and again. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { readyLine } from "../bench/service.ts";

const root = new URL("../../", import.meta.url).pathname;
const startWithinMs = 180_000;

export interface VictimPorts {
  readonly http: number;
  readonly mqtt: number;
}

/** How one start went; null: killed before it was ready. */
export type Start = { readonly readyAfterMs: number } | null;

export class Victim {
  readonly api: string;
  readonly key = `mk_kill_${randomBytes(24).toString("hex")}`;
  readonly mqttPort: number;
  readonly dataDir: string;
  /** Our clock at the newest start. */
  startedAtMs = 0;
  /** The last line that it wrote to standard error. */
  lastWords = "";
  readonly #folder: string;
  readonly #ports: VictimPorts;
  readonly #arguments: readonly string[];
  #child: ChildProcess | null = null;
  #exited: Promise<number | null> = Promise.resolve(null);

  readonly #settings: Readonly<Record<string, string>>;

  /** The data are kept elsewhere when a directory is given; settings are environment variables. */
  constructor(
    ports: VictimPorts,
    nodeArguments: readonly string[],
    dataDir?: string,
    settings: Readonly<Record<string, string>> = {},
  ) {
    this.#settings = settings;
    this.#ports = ports;
    this.#arguments = nodeArguments;
    this.api = `http://127.0.0.1:${ports.http}`;
    this.mqttPort = ports.mqtt;
    this.#folder = mkdtempSync(join(tmpdir(), "mercaptan-kill-"));
    this.dataDir = dataDir ?? join(this.#folder, "data");
    writeFileSync(join(this.#folder, "admin.key"), this.key, { mode: 0o600 });
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when it says that it is ready, or was killed before that; more settings are of this start alone. */
  async start(more: Readonly<Record<string, string>> = {}): Promise<Start> {
    const spawnedMs = performance.now();
    this.startedAtMs = Date.now();
    const child = spawn(process.execPath, [...this.#arguments], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        MERCAPTAN_DATA_DIR: this.dataDir,
        MERCAPTAN_HTTP_PORT: String(this.#ports.http),
        MERCAPTAN_MQTT_PORT: String(this.#ports.mqtt),
        MERCAPTAN_ADMIN_KEY_FILE: join(this.#folder, "admin.key"),
        MERCAPTAN_LOG_LEVEL: "error",
        MERCAPTAN_DISK_RESERVE_MIB: "4",
        ...this.#settings,
        ...more,
      },
    });
    this.#child = child;
    let wasKilled = false;
    let ending = "";
    this.#exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        wasKilled = signal === "SIGKILL";
        ending = `exit code ${String(code)}, signal ${String(signal)}`;
        resolve(code);
      });
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.lastWords = chunk.toString().trim().split("\n").at(-1) ?? this.lastWords;
    });
    const timer = setTimeout(() => child.kill("SIGABRT"), startWithinMs);
    try {
      await readyLine(child);
      return { readyAfterMs: performance.now() - spawnedMs };
    } catch (cause) {
      await this.#exited;
      if (wasKilled) return null;
      throw new TypeError(`the service did not start (${ending}): ${this.lastWords}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** kill -9: the process has no say in it. */
  strike(): void {
    this.#child?.kill("SIGKILL");
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    this.strike();
    await this.#exited;
  }

  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null> {
    this.#child?.kill("SIGTERM");
    return this.#exited;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
