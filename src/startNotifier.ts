/** Joins the notifier to the engine, the ledger's events and the settings. */
import { localTimeIn } from "#notify/duty.ts";
import { PeopleTeller } from "#notify/peopleTeller.ts";
import type { Secrets } from "#config/secrets.ts";
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
import { messengersOf } from "./messengers.ts";
import { systemRng } from "./systemRng.ts";

interface Base {
  readonly config: Pick<Config, "notify" | "gasDay">;
  readonly secrets: Pick<Secrets, "smsSecret" | "mailPassword">;
  readonly queries: QueryClient;
  readonly queue: EngineQueue;
  readonly clock: Clock;
  readonly observability: Observability;
  readonly pepper: Uint8Array;
  readonly live: LiveDirectory;
  readonly host: EngineHost;
  readonly aftermath: Aftermath;
}

/** Ended together at the stop of the process. */
export interface Told {
  stop(): Promise<void>;
}

/** Starts telling at once what waited while the process was away. */
export function startNotifier(base: Base): Told {
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
  const messengers = messengersOf(config.notify, base.secrets, systemRng);
  const localTime = localTimeIn(config.gasDay.zone);
  const { recipients } = host.directory;
  const teller =
    messengers.length === 0
      ? null
      : new PeopleTeller(
          { ...world, areaOf, limits: notifyLimits, messengers, localTime },
          recipients,
        );
  aftermath.teller = teller;
  teller?.start();
  return {
    async stop() {
      await Promise.all([notifier.stop(), teller?.stop()]);
    },
  };
}
