/** Joins the notifier to the engine, the ledger's events and the settings. */
import type { Config } from "#config/schema.ts";
import { notifyLimits } from "#notify/limits.ts";
import { Notifier } from "#notify/notifier.ts";
import { openPoster } from "#notify/post.ts";
import type { EngineQueue } from "#engine/uplinkQueue.ts";
import type { QueryClient } from "#ledger/queryClient.ts";
import type { Observability } from "#observability/createObservability.ts";
import type { Clock } from "#ports/clock.ts";
import type { Aftermath } from "./aftermath.ts";
import type { EngineHost } from "./engineHost.ts";
import type { LiveDirectory } from "./liveDirectory.ts";
import { systemRng } from "./systemRng.ts";

interface Base {
  readonly config: Pick<Config, "notify">;
  readonly queries: QueryClient;
  readonly queue: EngineQueue;
  readonly clock: Clock;
  readonly observability: Observability;
  readonly pepper: Uint8Array;
  readonly live: LiveDirectory;
  readonly host: EngineHost;
  readonly aftermath: Aftermath;
}

/** Starts telling at once what waited while the process was away. */
export function startNotifier(base: Base): Notifier {
  const { config, queries, queue, clock, observability, pepper, live, host, aftermath } = base;
  const { observer, metrics } = observability;
  const { source, hostAllowList } = config.notify;
  const areaOf = (meterId: string) => live.meterById(meterId)?.area ?? null;
  const world = { queries, queue, clock, observer, metrics, rng: systemRng };
  const notifier = new Notifier(
    { ...world, pepper, areaOf, source, limits: notifyLimits },
    openPoster(hostAllowList),
    host.directory.webhooks,
  );
  aftermath.notifier = notifier;
  notifier.start();
  return notifier;
}
