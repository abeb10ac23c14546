/** The time-series server: one write without retries, and how long to wait when it does not take it. */
import { setTimeout as wait } from "node:timers/promises";
import { HttpError, InfluxDB, setLogger } from "@influxdata/influxdb-client";
import { minuteMs, secondMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { SinkName } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { Rng } from "#ports/rng.ts";

const backOffMs = { first: 500, max: minuteMs } as const;

export interface InfluxTarget {
  readonly url: string;
  readonly org: string;
  readonly bucket: string;
  /** null: the server asks for none (VictoriaMetrics). */
  readonly token: string | null;
  /** The server keeps so many days: what was measured before is left out, for it would be refused again and again. */
  readonly keepDays?: number | undefined;
  /** A write that takes longer has failed; 10 s when absent. */
  readonly writeTimeoutMs?: number;
}

/** One request without the client's own retries: the cursor alone decides what is sent again. */
export async function writeLines(
  target: InfluxTarget,
  lines: readonly string[],
  stopping: AbortSignal,
): Promise<void> {
  const { url, org, bucket, token, writeTimeoutMs = 10 * secondMs } = target;
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(writeTimeoutMs)]);
  const client = new InfluxDB({
    url,
    ...(token === null ? {} : { token }),
    timeout: writeTimeoutMs,
    transportOptions: { signal },
  });
  const writeApi = client.getWriteApi(org, bucket, "ms", {
    maxRetries: 0,
    batchSize: lines.length + 1,
    flushInterval: 0,
  });
  writeApi.writeRecords([...lines]);
  await writeApi.flush();
}

export interface Outage {
  /** Notes the first failure of an episode; returns how long to wait before the next try. */
  failed(error: unknown): number;
  ended(): void;
}

interface OutageParts {
  readonly observer: Observer;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** Back-off of one copy, noted once at each end. */
export function createOutage(sink: SinkName, { observer, clock, rng }: OutageParts): Outage {
  let failures = 0;
  let sinceMs = 0;
  return {
    failed(error) {
      if (failures === 0) {
        sinceMs = clock.monotonicMs();
        observer.note("sink.failed", { sink, ...describe(error) });
      }
      const ceilingMs = Math.min(backOffMs.first * 2 ** failures, backOffMs.max);
      failures += 1;
      // Between half and all of it, so that many engines do not return in the same second.
      const jitter = ((rng.bytes(1)[0] ?? 0) / 255 + 1) / 2;
      // Documented as milliseconds, but it is the bare number of the Retry-After header: seconds.
      const askedMs = error instanceof HttpError ? error.retryAfter() * secondMs : 0;
      return Math.max(ceilingMs * jitter, Math.min(askedMs, backOffMs.max));
    },
    ended() {
      if (failures === 0) return;
      const seconds = Math.round((clock.monotonicMs() - sinceMs) / secondMs);
      observer.note("sink.recovered", { sink, seconds, failures });
      failures = 0;
    },
  };
}

function describe(error: unknown): { readonly code: string; readonly detail: string } {
  if (error instanceof HttpError)
    return { code: `HTTP ${error.statusCode}`, detail: error.message };
  if (!(error instanceof Error)) return { code: "UNKNOWN", detail: String(error) };
  const code = "code" in error ? String(error.code) : error.name;
  return { code, detail: error.message };
}

/** Until the time is over or the copy ends. */
export async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal: stopping }).catch((error: unknown) => {
    if (!stopping.aborted) throw error;
  });
}

/** Starts a copy at once. `stop` gives up a write under way: the next start repeats it. */
export function startCopy(follow: (stopping: AbortSignal) => Promise<void>): {
  stop(): Promise<void>;
} {
  // The package would print to the console; what matters is noted as named events.
  setLogger({ error() {}, warn() {} });
  const stopping = new AbortController();
  const done = follow(stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}
