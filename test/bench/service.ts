/** The real program as a child process on a fresh data directory, with its meters registered over the API. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Service {
  readonly pid: number;
  readonly dataDir: string;
  readonly api: string;
  readonly key: string;
  readonly mqttPort: number;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  remove(): void;
}

const root = new URL("../../", import.meta.url).pathname;

/** Settings besides the usual ones, as environment variables. */
export type ServiceSettings = Readonly<Record<string, string>>;

/** A key for the first administrator, in a file of the folder. */
export function adminKey(folder: string): { readonly key: string; readonly keyFile: string } {
  const key = `mk_bench_${randomBytes(24).toString("hex")}`;
  const keyFile = join(folder, "admin.key");
  writeFileSync(keyFile, key, { mode: 0o600 });
  return { key, keyFile };
}

async function startService(settings: ServiceSettings): Promise<Service> {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-bench-"));
  const { key, keyFile } = adminKey(folder);
  const dataDir = join(folder, "data");
  const child = spawn(process.execPath, ["src/main.ts", "serve", "--json"], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      MERCAPTAN_DATA_DIR: dataDir,
      MERCAPTAN_HTTP_PORT: "0",
      MERCAPTAN_MQTT_PORT: "0",
      MERCAPTAN_MQTT_CONNECTIONS_MAX: "15000",
      MERCAPTAN_ADMIN_KEY_FILE: keyFile,
      MERCAPTAN_LOG_LEVEL: "error",
      ...settings,
    },
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ready = await readyLine(child);
  return {
    pid: child.pid ?? 0,
    dataDir,
    api: ready.api,
    key,
    mqttPort: Number(ready.meters.split(":").at(-1)),
    stop() {
      child.kill("SIGTERM");
      return exited;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts the program for a run and leaves nothing behind, however the run ends. */
export async function withService<Result>(
  run: (service: Service) => Promise<Result>,
  settings: ServiceSettings = {},
): Promise<Result> {
  const service = await startService(settings);
  try {
    return await run(service);
  } finally {
    await service.stop();
    service.remove();
  }
}

/** What the service says of itself once it is ready; rejects when it ends before. */
export async function readyLine(
  child: ChildProcess,
): Promise<{ readonly api: string; readonly meters: string }> {
  const { stdout } = child;
  if (stdout === null) throw new TypeError("the service has no output");
  for await (const line of createInterface({ input: stdout })) {
    const said: unknown = line.startsWith("{") ? JSON.parse(line) : null;
    if (typeof said === "object" && said !== null && "ready" in said) {
      return said as unknown as { readonly api: string; readonly meters: string };
    }
  }
  throw new TypeError("the service ended before it was ready");
}

export interface Credential {
  readonly id: string;
  readonly secret: string;
}

export async function callApi(
  service: Pick<Service, "api" | "key">,
  method: string,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const response = await fetch(`${service.api}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${service.key}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new TypeError(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}

/** Enters the meters in the registry; they cannot log in. */
export async function importMeters(
  service: Pick<Service, "api" | "key">,
  ids: readonly string[],
  shared: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  for (let from = 0; from < ids.length; from += 1_000) {
    const rows = ids.slice(from, from + 1_000).map((id) => ({
      id,
      size: "G4",
      protocol: "json",
      quantumMl: 1_000,
      area: "bench",
      ...shared,
    }));
    await callApi(service, "POST", "/v1/meters/import", rows);
  }
}

/** Registers the meters in one import and issues their credentials, some at a time. */
export async function registerMeters(
  service: Pick<Service, "api" | "key">,
  ids: readonly string[],
  shared: Readonly<Record<string, unknown>> = {},
): Promise<readonly Credential[]> {
  await importMeters(service, ids, shared);
  const credentials: Credential[] = [];
  const waiting = [...ids];
  const worker = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const made = await callApi(service, "POST", `/v1/meters/${id}/credentials`);
      credentials.push({ id, secret: (made as { readonly secret: string }).secret });
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return credentials;
}
