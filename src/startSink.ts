/** The copy of all readings in a time-series server, with a query worker of its own. */
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import type { Config } from "#config/schema.ts";
import type { Secrets } from "#config/secrets.ts";
import { openQueries, type QueryClient } from "#ledger/queryClient.ts";
import type { Observability } from "#observability/createObservability.ts";
import type { Clock } from "#ports/clock.ts";
import { secondMs } from "#domain/units.ts";
import { fileCursor } from "#sinks/fileCursor.ts";
import { influxCursorTarget, startInfluxSink } from "#sinks/influx.ts";
import { startInfluxDays } from "#sinks/influxDays.ts";
import { systemRng } from "./systemRng.ts";

/** Segments and roll-ups are made by the minute at most. */
const lookForDaysEveryMs = 15 * secondMs;

interface SinkParts {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly directory: string;
  readonly observability: Observability;
  readonly clock: Clock;
}

export interface RunningSink {
  /** What its own reads have met. */
  readonly readingDamage: QueryClient["readingDamage"];
  stop(): Promise<void>;
}

/** null: no server is set. Catching up walks through whole segments, and nobody else is to wait for that. */
export function startSink(
  { config, secrets, directory, observability, clock }: SinkParts,
  startWorker: (directory: string) => Worker,
): RunningSink | null {
  if (config.influx === undefined) return null;
  const { url, org, bucket, keepDays, dayBucket, dayKeepDays } = config.influx;
  const target = { url, org, bucket, keepDays, token: secrets.influxToken };
  const cursor = fileCursor(join(directory, "influx.cursor"), influxCursorTarget(target));
  const queries = openQueries(directory, startWorker);
  const { observer, metrics } = observability;
  const rng = systemRng;
  const common = { queries, observer, metrics, clock, rng };
  const sink = startInfluxSink({ ...common, target, cursor });
  const dayTarget = { ...target, bucket: dayBucket ?? "", keepDays: dayKeepDays };
  const days =
    dayBucket === undefined
      ? null
      : startInfluxDays({
          ...common,
          target: dayTarget,
          cursor: fileCursor(join(directory, "influx-days.cursor"), influxCursorTarget(dayTarget)),
          lookEveryMs: lookForDaysEveryMs,
        });
  return {
    readingDamage: () => queries.readingDamage(),
    async stop() {
      await sink.stop();
      await days?.stop();
      await queries.close();
    },
  };
}
