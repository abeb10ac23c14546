/** Where everything meets: starts the parts in the order in which they need each other. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { alarmFigures } from "#alarms/alarmFigures.ts";
import { proposals } from "#alarms/proposals.ts";
import { alarmMessage } from "#alarms/messages.ts";
import { ApiKeys } from "#api/apiKeys.ts";
import { firstKey } from "#api/firstKey.ts";
import { apiLimits } from "#api/limits.ts";
import { LiveHub } from "#api/live/liveHub.ts";
import { startApi } from "#api/server.ts";
import { loadClosePolicy } from "#config/loadClosePolicy.ts";
import { loadRules } from "#config/loadRules.ts";
import { loadProfiles } from "#config/loadProfiles.ts";
import { retentionOf } from "#config/operationsSchema.ts";
import type { Config } from "#config/schema.ts";
import type { Secrets } from "#config/secrets.ts";
import type { Profiles } from "#domain/profile.ts";
import { policyIn } from "#engine/dispatch.ts";
import { createCarrier } from "#downlink/carrier.ts";
import type { EngineQueue } from "#engine/uplinkQueue.ts";
import { startMqttIntake, type MqttIntake } from "#intake/mqttBroker.ts";
import type { EdgeHost } from "#intake/edgeDesk.ts";
import { readOrCreatePepper } from "#intake/pepper.ts";
import { openDeliveryDesk } from "#intake/deliveryDesk.ts";
import { startTcpIntake, type TcpIntake } from "#intake/tcp/tcpIntake.ts";
import { hashSecret, makeSecret } from "#intake/secrets.ts";
import { openQueries, type BillingReads, type QueryClient } from "#ledger/queryClient.ts";
import { urlFault } from "#notify/addresses.ts";
import { webhookSecret } from "#notify/signing.ts";
import { createObservability, type Observability } from "#observability/createObservability.ts";
import type { Clock } from "#ports/clock.ts";
import type { CommandListeners, UplinkQueue } from "#ports/intake.ts";
import type { DeliveryDesk } from "#ports/deliveries.ts";
import { cat1Stream } from "#protocols/cat1/stream.ts";
import { hostBirth, hostDeath } from "#protocols/sparkplug/host.ts";
import { keyVault } from "#vault/keyVault.ts";
import { startAlarmMetrics } from "./alarmMetrics.ts";
import { Aftermath } from "./aftermath.ts";
import { startAuditExport } from "./auditExport.ts";
import { startGapWatch } from "./gapWatch.ts";
import { openBilling } from "./openBilling.ts";
import { startNotifier } from "./startNotifier.ts";
import { startSink } from "./startSink.ts";
import { archiveSettingsOf, storeSettingsOf } from "./storeSettings.ts";
import { startEngineHost, type EngineHost } from "./engineHost.ts";
import { platformEnvelopes } from "./envelopes.ts";
import { LiveDirectory } from "./liveDirectory.ts";
import { onenetPushes } from "./onenetPushes.ts";
import { ruleWords, ruleBook } from "./ruleBook.ts";
import type { QueryWorkerData } from "./queryWorker.ts";
import { anchorNow, systemClock, type SystemClock } from "./systemClock.ts";
import { systemRng } from "./systemRng.ts";
import { watchOurselves } from "./watchOurselves.ts";

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
  /** null: there is no listener for CAT-1. */
  readonly cat1Port: number | null;
  /** The first administrator's key, when it was made now: to be printed once. */
  readonly madeKey: string | null;
  stop(): Promise<void>;
}

/** Puts something between the listeners and the queue: for the test that proves that the kill test can fail. */
export type QueueWrapper = (queue: UplinkQueue) => UplinkQueue;

/** What the later parts need of the earlier ones. */
interface Base {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly profiles: Profiles;
  readonly clock: SystemClock;
  readonly directory: string;
  readonly pepper: Uint8Array;
  readonly observability: Observability;
  readonly queries: QueryClient;
  readonly billing: BillingReads;
  readonly host: EngineHost;
  readonly queue: EngineQueue;
  readonly live: LiveDirectory;
  readonly apiKeys: ApiKeys;
  readonly hub: LiveHub;
  readonly aftermath: Aftermath;
}

/** Profiles that come along with the program. */
const builtInProfiles = fileURLToPath(new URL("../profiles", import.meta.url));
const sampleEveryMs = 1_000;

/** Starts everything and resolves when meters may report. */
export async function serve(
  config: Config,
  secrets: Secrets,
  wrap: QueueWrapper = (queue) => queue,
): Promise<Running> {
  const base = await openBase(config, secrets);
  const { aftermath, queue, clock, observability, queries, host } = base;
  const { observer, metrics } = observability;
  const madeKey = await installFirstKey(base);
  const uplinks = wrap(queue);
  const api = await openApi(base, uplinks);
  const intake = await openIntake(base, uplinks);
  const cat1 = await openCat1(base, uplinks);
  const notifier = startNotifier(base);
  const listeners: CommandListeners = {
    find: (no, protocol) => intake.listeners.find(no, protocol) ?? cat1?.find(no, protocol),
  };
  aftermath.listeners = listeners;
  aftermath.carrier = createCarrier({
    listeners,
    gateways: intake.listeners,
    queue,
    clock,
    observer,
  });
  const sink = startSink(base, queryWorkers(secrets));
  const auditExport = startExport(base);
  const gapWatch = startGapWatch({ billing: base.billing, desk: queue, clock, observer });
  const sampler = setInterval(() => {
    metrics.connections(intake.connectionCount());
    metrics.engineLag(queue.lagSeconds());
  }, sampleEveryMs);
  const alarmMetrics = startAlarmMetrics({ queries, clock, metrics, observer });
  const readers = [queries, base.billing, ...(sink === null ? [] : [sink])];
  const watch = watchOurselves(base, readers);
  aftermath.isListening = true;
  observer.note("process.ready", { httpPort: api.port, mqttPort: intake.port });
  return {
    httpPort: api.port,
    mqttPort: intake.port,
    cat1Port: cat1?.port ?? null,
    madeKey,
    async stop() {
      aftermath.isListening = false;
      observer.note("process.stopping");
      clearInterval(sampler);
      alarmMetrics.stop();
      await watch.stop();
      await gapWatch.stop();
      await sink?.stop();
      await notifier.stop();
      await intake.close();
      await cat1?.close();
      await api.close();
      await auditExport?.stop();
      // The ledger's last reader first: only then is all of it in its file when the writer closes.
      await queries.close();
      await base.billing.close();
      await host.stop();
      observability.close();
    },
  };
}

/** The engine with its ledger, and what the listeners need; nothing listens yet. */
async function openBase(config: Config, secrets: Secrets): Promise<Base> {
  const profiles = loadProfiles([
    builtInProfiles,
    ...(config.profilesDir === undefined ? [] : [config.profilesDir]),
  ]);
  const ruleDocument =
    config.rulesFile === undefined ? null : loadRules(config.rulesFile, ruleWords);
  const { closePolicyFile } = config;
  const closePolicy = closePolicyFile === undefined ? null : loadClosePolicy(closePolicyFile);
  const anchor = anchorNow();
  const { factor, baseMs = Math.floor(anchor.wallMs) } = config.clock;
  const clockSettings = { factor, baseMs, anchor };
  const clock = systemClock(clockSettings);
  const directory = prepareDirectory(config.dataDir);
  const observability = createObservability({ level: config.log.level, clock });
  const { observer, metrics } = observability;
  const pepper = readOrCreatePepper(join(directory, "pepper.key"), systemRng);
  const { masterKey, fileKeys } = secrets;
  const queries = openQueries(directory, queryWorkers(secrets));
  const billing = openBilling(directory, config.gasDay, fileKeys);
  const aftermath = new Aftermath(clock, observer, metrics);
  const host = await startEngineHost(
    {
      directory,
      clock: clockSettings,
      masterKey,
      profiles,
      ruleDocument,
      closePolicy,
      retention: retentionOf(config.retention),
      store: storeSettingsOf(config),
      fileKeys,
      archive: archiveSettingsOf(config),
    },
    aftermath.parts(),
  );
  const { queue } = host;
  const live = new LiveDirectory(host.directory);
  const apiKeys = new ApiKeys(host.directory.apiKeys);
  const hub = new LiveHub({ queries, apiKeys, clock, observer, limits: apiLimits });
  aftermath.live = live;
  aftermath.apiKeys = apiKeys;
  aftermath.hub = hub;
  aftermath.queue = queue;
  aftermath.store = host;
  return {
    config,
    secrets,
    profiles,
    clock,
    directory,
    pepper,
    observability,
    queries,
    billing,
    host,
    queue,
    live,
    apiKeys,
    hub,
    aftermath,
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

/** Somebody must be able to come in. Returns the key when it was made now. */
async function installFirstKey({ apiKeys, secrets, queue }: Base): Promise<string | null> {
  const first = firstKey(apiKeys.list(), secrets.adminKey, systemRng);
  if (!first.ok) {
    const { characters, charactersMin } = first.fault;
    throw new FirstKeyError(
      `the key in adminKeyFile has ${characters} characters; use ${charactersMin} random ones`,
    );
  }
  if (first.value === null) return null;
  await queue.ask({
    actor: { label: "first start", role: "admin" },
    ask: { kind: "apiKey.issue", apiKey: first.value.row },
    idempotency: null,
    source: "process",
  });
  return first.value.mustPrint ? first.value.key : null;
}

/** Pushes are taken once commands could go down too. */
function openPushes(base: Base, queue: UplinkQueue): DeliveryDesk {
  const { secrets, live, observability, clock, pepper, aftermath } = base;
  const listeners: CommandListeners = {
    find: (meterNo, protocol) => aftermath.listeners?.find(meterNo, protocol),
  };
  return openDeliveryDesk({
    directory: live,
    queue,
    envelopes: platformEnvelopes,
    listeners,
    signed: onenetPushes(secrets.onenet),
    observer: observability.observer,
    clock,
    pepper,
    isOpen: () => aftermath.isListening,
  });
}

function openApi(base: Base, uplinks: UplinkQueue): ReturnType<typeof startApi> {
  const { masterKey } = base.secrets;
  const { config, pepper, observability, queue, queries, hub, apiKeys, clock, aftermath } = base;
  return startApi({
    host: config.http.host,
    port: config.http.port,
    desk: queue,
    queries,
    billing: base.billing,
    pushes: openPushes(base, uplinks),
    live: hub,
    apiKeys,
    issueSecret: () => {
      const secret = makeSecret(systemRng);
      return { secret, secretHash: hashSecret(pepper, secret) };
    },
    vault: masterKey === null ? null : keyVault(masterKey, systemRng),
    profiles: base.profiles,
    ruleBook: ruleBook({
      meters: () => base.live.meters(),
      directory: base.directory,
      fileKeys: base.secrets.fileKeys,
      clock,
    }),
    webhooks: {
      secretOf: (id, secretNo) => webhookSecret(pepper, id, secretNo),
      urlFault: (url) => urlFault(url, config.notify.hostAllowList),
    },
    dispatchPolicyOf: policyIn,
    describeAlarm: alarmMessage,
    figuresOf: alarmFigures,
    proposalsOf: proposals,
    metrics: observability.exposition,
    readiness: () => aftermath.readiness(),
    observer: observability.observer,
    clock,
    rng: systemRng,
    limits: apiLimits,
    allowedOrigins: config.api.originAllowList,
  });
}

function openIntake(base: Base, queue: UplinkQueue): Promise<MqttIntake> {
  const { config, secrets, live, observability, clock, pepper } = base;
  const tls = secrets.mqttTls;
  return startMqttIntake({
    host: config.mqtt.host,
    port: config.mqtt.port,
    ...(tls === null ? {} : { tls: { key: tls.keyPem, cert: tls.certPem } }),
    limits: { connectionsMax: config.mqtt.connectionsMax },
    directory: live,
    queue,
    envelopes: platformEnvelopes,
    observer: observability.observer,
    clock,
    pepper,
    edgeHost: edgeHost(config.sparkplug.hostId, clock),
  });
}

/** Off until a port is set: who may connect is decided by the network alone. */
async function openCat1(base: Base, queue: UplinkQueue): Promise<TcpIntake | null> {
  const { config, live, observability, clock } = base;
  const { host, port, peers } = config.cat1;
  if (port === undefined) return null;
  const { observer } = observability;
  return startTcpIntake({
    host,
    port,
    peers,
    dialect: cat1Stream,
    directory: live,
    queue,
    observer,
    clock,
  });
}

/** This process is broker and host at once: it is there as long as it listens. */
function edgeHost(hostId: string, clock: Clock): EdgeHost {
  const session = { hostId, connectedAtMs: clock.nowMs() };
  const birth = hostBirth(session);
  return { stateTopic: birth.topic, birth: birth.bytes, death: hostDeath(session).bytes };
}

/** How a thread for reads is started. */
function queryWorkers({ fileKeys }: Secrets): (directory: string) => Worker {
  const url = new URL("./queryWorker.ts", import.meta.url);
  return (directory) => {
    const workerData: QueryWorkerData = { directory, fileKeys };
    return new Worker(url, { workerData });
  };
}

function startExport(base: Base): { stop(): Promise<void> } | null {
  const { config, queries, clock, observability } = base;
  const { headFile } = config.audit;
  if (headFile === undefined) return null;
  const { observer } = observability;
  return startAuditExport({ file: headFile, queries, clock, observer });
}
