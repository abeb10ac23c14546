/** The real program as a child process, as a stranger starts it, and what its sockets and its metrics say. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect as connectTcp } from "node:net";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { expect } from "vitest";
import type { ProtocolName } from "#domain/meter.ts";
import { Raw } from "./mqttRig.ts";

const mainFile = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const readyPattern = /^mercaptan ready {2}api (\S+) {2}meters mqtts?:\/\/[^\s:]+:(\d+) /m;
const startWithinMs = 60_000;

/** A process of the program, with everything it has said so far. */
export class Program {
  stdout = "";
  stderr = "";
  /** null while it runs, and after a signal. */
  exitCode: number | null = null;
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;

  constructor(args: readonly string[], cwd: string, environment: Readonly<Record<string, string>>) {
    const env = { ...process.env, ...environment };
    const child = spawn(process.execPath, [mainFile, ...args], { cwd, env, stdio: "pipe" });
    child.stdout.on("data", (chunk) => (this.stdout += String(chunk)));
    child.stderr.on("data", (chunk) => (this.stderr += String(chunk)));
    child.stdin.end();
    this.child = child;
    this.exited = once(child, "close").then(() => (this.exitCode = child.exitCode));
  }
}

/** A folder for one test's program: its settings, its key and, in `data`, what it keeps. */
export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), "mercaptan-scenario-"));
  readonly key = `mk_scenario_${randomBytes(24).toString("hex")}`;
  readonly dataDir = join(this.folder, "data");
  readonly #programs: Program[] = [];

  constructor() {
    writeFileSync(this.keyFile, this.key, { mode: 0o600 });
  }

  get keyFile(): string {
    return join(this.folder, "admin.key");
  }

  /** Any sub-command, in this folder. */
  run(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Program {
    const program = new Program(args, this.folder, {
      MERCAPTAN_HTTP_PORT: "0",
      MERCAPTAN_MQTT_PORT: "0",
      MERCAPTAN_LOG_LEVEL: "error",
      MERCAPTAN_DISK_RESERVE_MIB: "4",
      ...environment,
    });
    this.#programs.push(program);
    return program;
  }

  /** `serve` with the key of this folder; resolves when meters may report. */
  async serve(environment: Readonly<Record<string, string>> = {}): Promise<Service> {
    const program = this.run(["serve"], { MERCAPTAN_ADMIN_KEY_FILE: this.keyFile, ...environment });
    return this.ready(program);
  }

  async ready(program: Program, key = this.key): Promise<Service> {
    const isReady = () => readyPattern.test(program.stdout);
    const hasEnded = program.exited.then(() => true);
    const endAtMs = performance.now() + startWithinMs;
    while (!isReady()) {
      const isOver = await Promise.race([
        hasEnded,
        once(program.child.stdout ?? program.child, "data"),
      ]);
      const isLate = performance.now() > endAtMs;
      if ((isOver === true && !isReady()) || isLate) expect.unreachable(program.stderr);
    }
    const [, api = "", port] = readyPattern.exec(program.stdout) ?? [];
    const cat1 = /  cat1 tcp:\/\/[^\s:]+:(\d+) /.exec(program.stdout)?.[1];
    return new Service(program, api, Number(port), key, Number(cat1 ?? 0));
  }

  /** Ends what still runs and leaves nothing behind. */
  async remove(): Promise<void> {
    for (const { child, exited } of this.#programs) {
      child.kill("SIGKILL");
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What is asked of a meter that a test registers. */
export interface MeterWish {
  readonly id: string;
  readonly protocol: ProtocolName;
  readonly [property: string]: unknown;
}

/** A program that is ready, seen through its two listeners. */
export class Service {
  readonly program: Program;
  readonly api: string;
  readonly mqttPort: number;
  readonly key: string;
  /** 0: there is no listener for CAT-1. */
  readonly cat1Port: number;
  readonly #secrets = new Map<string, string>();

  constructor(program: Program, api: string, mqttPort: number, key: string, cat1Port = 0) {
    this.cat1Port = cat1Port;
    this.program = program;
    this.api = api;
    this.mqttPort = mqttPort;
    this.key = key;
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    this.program.child.kill("SIGTERM");
    return this.program.exited;
  }

  async fetch(method: string, path: string, body?: unknown, headers = {}): Promise<Response> {
    return fetch(`${this.api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** The answer's JSON; fails loudly when it is not a success. */
  async call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.fetch(method, path, body);
    const text = await response.text();
    if (!response.ok) expect.unreachable(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? null : JSON.parse(text)) as Answer;
  }

  async items<Item>(path: string): Promise<readonly Item[]> {
    return (await this.call<{ items: readonly Item[] }>("GET", path)).items;
  }

  /** Meters with a credential each. */
  async register(meters: readonly MeterWish[]): Promise<void> {
    const rows = meters.map((wish) => ({ size: "G4", quantumMl: 1_000, ...wish }));
    const { created } = await this.call<{ created: number }>("POST", "/v1/meters/import", rows);
    expect(created).toBe(rows.length);
    for (const { id } of meters) await this.issue("meters", id);
  }

  async gateway(id: string, meterIds: readonly string[]): Promise<void> {
    await this.call("POST", "/v1/gateways", { id, meterIds });
    await this.issue("gateways", id);
  }

  async issue(kind: "meters" | "gateways", id: string): Promise<void> {
    const { secret } = await this.call<{ secret: string }>("POST", `/v1/${kind}/${id}/credentials`);
    this.#secrets.set(id, secret);
  }

  secretOf(id: string): string {
    return this.#secrets.get(id) ?? "no such secret";
  }

  /** A well-behaved client that never reconnects by itself. */
  async login(username: string, extra: IClientOptions = {}): Promise<MqttClient> {
    const client = await connectAsync({
      host: "127.0.0.1",
      port: this.mqttPort,
      username,
      clientId: username,
      password: this.secretOf(username),
      reconnectPeriod: 0,
      ...extra,
    });
    client.on("error", () => undefined);
    return client;
  }

  /** A connection of bytes to the meters' listener. */
  async raw(): Promise<Raw> {
    const raw = new Raw(connectTcp(this.mqttPort, "127.0.0.1"));
    await once(raw.socket, "connect");
    return raw;
  }

  /** Of every series of a metric whose labels are at least these, the sum. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await fetch(`${this.api}/metrics`)).text();
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return text
      .split("\n")
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  async event(event: string, reason = "none"): Promise<number> {
    return this.metric("mercaptan_events_total", { event, reason });
  }

  /** Alive, and ready for meters. */
  async expectReady(): Promise<void> {
    expect(this.program.child.exitCode, this.program.stderr).toBe(null);
    expect((await fetch(`${this.api}/readyz`)).status).toBe(200);
  }
}

/** Between two questions, so that the one who is asked has the processor and not who asks. */
const askEveryMs = 10;

/** Waits until the answer is as it should be; fails with the last one. */
export async function eventually<Answer>(
  ask: () => Promise<Answer>,
  isRight: (answer: Answer) => boolean,
  withinMs = 10_000,
): Promise<Answer> {
  const endAtMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (performance.now() > endAtMs) expect.unreachable(`never so: ${JSON.stringify(answer)}`);
    await delay(askEveryMs);
  }
}
