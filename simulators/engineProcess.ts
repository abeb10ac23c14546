/** The engine as a child process, as a stranger would start it; nothing of it is imported. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ApiAccess } from "./api.ts";
import type { TimeLapse } from "./clock.ts";
import type { Broker } from "./session.ts";

export interface RunningEngine {
  readonly api: ApiAccess;
  readonly broker: Broker;
  readonly dataDir: string;
  /** Resolves when the process is gone, however that came. */
  readonly exited: Promise<number | null>;
  /** Asks it to stop and waits; true: it ended by itself, in time and with exit code 0. */
  stop(): Promise<boolean>;
}

/** The engine did not come up. */
class EngineStartError extends Error {
  override readonly name = "EngineStartError";
  readonly code = "ENGINE_START";
}

const host = "127.0.0.1";
const readyLine = "mercaptan ready";
const startTimeoutMs = 60_000;
/** The contract gives it 25 s to finish. */
const stopTimeoutMs = 27_000;
const linesKept = 20;
const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Starts an engine of our own on free ports with an empty data directory and a key that we make. */
export async function startEngine(lapse: TimeLapse): Promise<RunningEngine> {
  const dataDir = await mkdtemp(join(tmpdir(), "mercaptan-demo-"));
  const key = `demo_${randomBytes(24).toString("hex")}`;
  const keyFile = join(dataDir, "admin.key");
  await writeFile(keyFile, key, { mode: 0o600 });
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, [mainFile, "serve"], {
    env: {
      ...process.env,
      MERCAPTAN_DATA_DIR: join(dataDir, "data"),
      MERCAPTAN_ADMIN_KEY_FILE: keyFile,
      MERCAPTAN_HTTP_PORT: String(httpPort),
      MERCAPTAN_MQTT_PORT: String(mqttPort),
      MERCAPTAN_CLOCK_BASE_MS: String(lapse.baseMs),
      MERCAPTAN_CLOCK_FACTOR: String(lapse.factor),
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A Ctrl-C in the terminal reaches us alone; we stop the child in order.
    detached: true,
  });
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", resolve);
    child.once("error", () => resolve(null));
  });
  try {
    await untilReady(child, exited);
  } catch (error) {
    child.kill("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
    throw error;
  }
  return {
    api: { baseUrl: `http://${host}:${httpPort}`, key },
    broker: { host, port: mqttPort },
    dataDir,
    exited,
    stop: () => stopChild(child, exited),
  };
}

/** Reads on for ever, so that the child never waits for us; the newest lines explain a failed start. */
async function untilReady(child: ChildProcess, exited: Promise<number | null>): Promise<void> {
  const { stdout, stderr } = child;
  const lines: string[] = [];
  const listen = (input: NodeJS.ReadableStream | null, onLine: (line: string) => void): void => {
    if (input === null) return;
    createInterface({ input }).on("line", (line) => {
      lines.push(line);
      if (lines.length > linesKept) lines.shift();
      onLine(line);
    });
  };
  let timer: NodeJS.Timeout | undefined;
  const outcome = await Promise.race([
    new Promise<"ready">((resolve) => {
      const look = (line: string): void => {
        if (line.startsWith(readyLine)) resolve("ready");
      };
      listen(stdout, look);
      listen(stderr, () => undefined);
    }),
    exited.then((code) => `ended with exit code ${code}`),
    new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve("was not ready in time"), startTimeoutMs);
    }),
  ]);
  clearTimeout(timer);
  if (outcome !== "ready") {
    throw new EngineStartError(`ENGINE_START: the engine ${outcome}\n${lines.join("\n")}`);
  }
}

async function stopChild(child: ChildProcess, exited: Promise<number | null>): Promise<boolean> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  const code = await exited;
  clearTimeout(timer);
  return code === 0;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
