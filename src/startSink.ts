/** The copy of all readings in a time-series server, with a query worker of its own. */
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import type { Config } from "#config/schema.ts";
import type { Secrets } from "#config/secrets.ts";
import { openQueries } from "#ledger/queryClient.ts";
import type { Observability } from "#observability/createObservability.ts";
import type { Clock } from "#ports/clock.ts";
import { fileCursor } from "#sinks/fileCursor.ts";
import { influxCursorTarget, startInfluxSink } from "#sinks/influx.ts";
import { systemRng } from "./systemRng.ts";

interface SinkParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly directory: string;
  readonly observability: Observability;
  readonly clock: Clock;
}

/** null: no server is set. Catching up walks through whole segments, and nobody else is to wait for that. */
export function startSink(
  { config, secrets, directory, observability, clock }: SinkParts,
  startWorker: (directory: string) => Worker,
): { stop(): Promise<void> } | null {
  if (config.influx === undefined) return null;
  const { url, org, bucket, keepDays } = config.influx;
  const target = { url, org, bucket, keepDays, token: secrets.influxToken };
  const cursor = fileCursor(join(directory, "influx.cursor"), influxCursorTarget(target));
  const queries = openQueries(directory, startWorker);
  const { observer, metrics } = observability;
  const rng = systemRng;
  const sink = startInfluxSink({ queries, observer, metrics, clock, target, cursor, rng });
  return {
    async stop() {
      await sink.stop();
      await queries.close();
    },
  };
}
