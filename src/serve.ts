/** Where everything meets: starts the parts in the order in which they need each other. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { alarmMessage } from "#alarms/messages.ts";
import { ApiKeys } from "#api/apiKeys.ts";
import { firstKey } from "#api/firstKey.ts";
import { apiLimits } from "#api/limits.ts";
import { LiveHub } from "#api/live/liveHub.ts";
import { startApi } from "#api/server.ts";
import type { Config } from "#config/schema.ts";
import type { Secrets } from "#config/secrets.ts";
import { createCarrier } from "#downlink/carrier.ts";
import { startMqttIntake } from "#intake/mqttBroker.ts";
import { readOrCreatePepper } from "#intake/pepper.ts";
import { hashSecret, makeSecret } from "#intake/secrets.ts";
import { openQueries } from "#ledger/queryClient.ts";
import { createObservability } from "#observability/createObservability.ts";
import type { DownlinkCarrier } from "#ports/intake.ts";
import { protocolByName } from "#protocols/registry.ts";
import { fileCursor } from "#sinks/fileCursor.ts";
import { influxCursorTarget, startInfluxSink } from "#sinks/influx.ts";
import { startEngineHost } from "./engineHost.ts";
import { LiveDirectory } from "./liveDirectory.ts";
import { systemClock } from "./systemClock.ts";
import { systemRng } from "./systemRng.ts";

/** The data directory cannot be used; says what and what next. */
export class DataDirectoryError extends Error {
  override readonly name = "DataDirectoryError";
  readonly code = "DATA_DIRECTORY_UNUSABLE";
}

/** The first administrator's key was given, and cannot be used. */
export class FirstKeyError extends Error {
  override readonly name = "FirstKeyError";
  readonly code = "FIRST_KEY_INVALID";
}

export interface Running {
  readonly httpPort: number;
  readonly mqttPort: number;
  /** The first administrator's key, when it was made now: to be printed once. */
  readonly madeKey: string | null;
  stop(): Promise<void>;
}

const sampleEveryMs = 1_000;

/** Starts everything and resolves when meters may report. */
export async function serve(config: Config, secrets: Secrets): Promise<Running> {
  const clockSettings = {
    factor: config.clock.factor,
    baseMs: config.clock.baseMs ?? Date.now(),
  };
  const clock = systemClock(clockSettings);
  const rng = systemRng;
  const directory = prepareDirectory(config.dataDir);
  const observability = createObservability({ level: config.log.level, clock });
  const { observer, metrics } = observability;
  const blind = new Set<string>();
  const pepper = readOrCreatePepper(join(directory, "pepper.key"), rng);
  const queries = openQueries(directory, startQueryWorker);

  let carrier: DownlinkCarrier | null = null;
  let hub: LiveHub | null = null;
  let live: LiveDirectory | null = null;
  const apiKeys = new ApiKeys([]);

  const host = await startEngineHost(
    { directory, clock: clockSettings },
    {
      clock,
      observer,
      metrics,
      protocols: protocolByName,
      onCommit(commit, oldestReceivedAtMs) {
        metrics.batchCommitted(commit.counts);
        metrics.activeAlarms(commit.activeAlarms);
        if (commit.directory !== null) {
          live?.apply(commit.directory);
          for (const row of commit.directory.apiKeys) apiKeys.put(row);
          for (const id of commit.directory.revokedApiKeys) apiKeys.drop(id);
        }
        for (const downlink of commit.downlinks) carrier?.send(downlink);
        hub?.publish(commit.events);
        const hasRaised = commit.events.some(({ json }) => json.includes('"alarm.raised"'));
        if (hasRaised && oldestReceivedAtMs !== null) {
          metrics.alarmToLive((clock.nowMs() - oldestReceivedAtMs) / 1_000);
        }
      },
      onStoreFailure(code, message) {
        blind.add(`readings cannot be stored: ${code}`);
        observer.note("engine.commitFailed", { reason: code, message });
      },
      onStoreRecovered: () => blind.clear(),
      onDeath(error) {
        observer.note("engine.exited", { reason: String(error) });
        throw error instanceof Error ? error : new DataDirectoryError(String(error));
      },
    },
  );
  const { queue } = host;
  live = new LiveDirectory(host.directory);
  for (const row of host.directory.apiKeys) apiKeys.put(row);
  hub = new LiveHub({ queries, apiKeys, clock, observer, limits: apiLimits });

  const first = firstKey(host.directory.apiKeys, secrets.adminKey, rng);
  if (!first.ok) {
    throw new FirstKeyError(
      `the key in adminKeyFile has ${first.fault.characters} characters; ` +
        `use at least ${first.fault.charactersMin} random ones`,
    );
  }
  if (first.value !== null) {
    await queue.ask({
      actor: { label: "first start", role: "admin" },
      ask: { kind: "apiKey.issue", apiKey: first.value.row },
      idempotency: null,
      source: "process",
    });
  }

  let isReady = false;
  const api = await startApi({
    host: config.http.host,
    port: config.http.port,
    desk: queue,
    queries,
    live: hub,
    apiKeys,
    issueSecret: () => {
      const secret = makeSecret(rng);
      return { secret, secretHash: hashSecret(pepper, secret) };
    },
    describeAlarm: alarmMessage,
    metrics: observability.exposition,
    readiness: () => {
      const reasons = isReady ? [...blind] : ["not listening for meters", ...blind];
      return { ready: reasons.length === 0, reasons };
    },
    observer,
    clock,
    rng,
    limits: apiLimits,
    allowedOrigins: config.api.originAllowList,
  });
  const tls = secrets.mqttTls;
  const intake = await startMqttIntake({
    host: config.mqtt.host,
    port: config.mqtt.port,
    ...(tls === null ? {} : { tls: { key: tls.keyPem, cert: tls.certPem } }),
    limits: { connectionsMax: config.mqtt.connectionsMax },
    directory: live,
    queue,
    observer,
    clock,
    pepper,
  });
  carrier = createCarrier({ listeners: intake.listeners, queue, clock, observer });
  const sink = startSink(config, secrets, { queries, observer, metrics, clock, directory });
  const sampler = setInterval(() => {
    metrics.connections(intake.connectionCount());
    metrics.engineLag(queue.lagSeconds());
  }, sampleEveryMs);
  isReady = true;
  observer.note("process.ready", { httpPort: api.port, mqttPort: intake.port });

  return {
    httpPort: api.port,
    mqttPort: intake.port,
    madeKey: first.value?.mustPrint === true ? first.value.key : null,
    async stop() {
      isReady = false;
      observer.note("process.stopping");
      clearInterval(sampler);
      await sink?.stop();
      await intake.close();
      await api.close();
      await host.stop();
      await queries.close();
      observability.close();
    },
  };
}

function prepareDirectory(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  } catch (cause) {
    throw new DataDirectoryError(
      `the data directory ${directory} cannot be made; name another with MERCAPTAN_DATA_DIR`,
      { cause },
    );
  }
}

function startQueryWorker(directory: string): Worker {
  const url = new URL("./queryWorker.ts", import.meta.url);
  return new Worker(url, { workerData: { directory } });
}

type SinkParts = Pick<
  Parameters<typeof startInfluxSink>[0],
  "queries" | "observer" | "metrics" | "clock"
> & { readonly directory: string };

function startSink(
  config: Config,
  secrets: Secrets,
  { directory, ...parts }: SinkParts,
): { stop(): Promise<void> } | null {
  const { influx } = config;
  if (influx === undefined) return null;
  const { url, org, bucket } = influx;
  const target = { url, org, bucket, token: secrets.influxToken };
  const cursor = fileCursor(join(directory, "influx.cursor"), influxCursorTarget(target));
  return startInfluxSink({ ...parts, target, cursor, rng: systemRng });
}
