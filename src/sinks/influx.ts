/**
 * Copies every stored reading to InfluxDB 2 (or VictoriaMetrics) by its write API. It follows the ledger with a durable
 * cursor: an outage delays the copy, never the intake, and nothing is left out. It does not read, and knows no Flux.
 */
import { setTimeout as wait } from "node:timers/promises";
import { HttpError, InfluxDB, setLogger } from "@influxdata/influxdb-client";
import { dayMs, minuteMs, secondMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { CursorStore } from "#ports/cursor.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { Queries } from "#ports/queries.ts";
import type { Rng } from "#ports/rng.ts";
import { readingLine, type NamedReading } from "./readingPoint.ts";

/** Readings of one request: a few hundred kilobytes of lines. */
export const batchReadingsMax = 2_000;
/** How long a copy may lag when the server is well: also what makes batches of a trickle. */
const pollEveryMs = 500;
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

export interface InfluxSinkOptions {
  readonly target: InfluxTarget;
  readonly queries: Pick<Queries, "readingsAfterSeq" | "newestReadingSeq">;
  readonly cursor: CursorStore;
  readonly observer: Observer;
  readonly metrics: Pick<Metrics, "sinkLag">;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** Starts copying at once. `stop` gives up a write under way: the next start repeats it. */
export function startInfluxSink(options: InfluxSinkOptions): { stop(): Promise<void> } {
  // The package would print to the console; what matters is noted as named events.
  setLogger({ error() {}, warn() {} });
  const stopping = new AbortController();
  const done = follow(options, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/** What identifies the copy: a cursor of another server or bucket means nothing here. */
export function influxCursorTarget(target: Pick<InfluxTarget, "url" | "org" | "bucket">): string {
  return `${target.url} ${target.org} ${target.bucket}`;
}

async function follow(options: InfluxSinkOptions, stopping: AbortSignal): Promise<void> {
  const { queries, cursor } = options;
  const outage = createOutage(options);
  let seq: number | null = null;
  let limit = batchReadingsMax;
  while (!stopping.aborted) {
    let sent = 0;
    try {
      seq ??= await cursor.load();
      const newest = await queries.newestReadingSeq();
      options.metrics.sinkLag("influx", Math.max(newest - seq, 0));
      const readings = await queries.readingsAfterSeq(seq, limit);
      sent = readings.length;
      const last = readings.at(-1);
      if (last !== undefined) {
        const kept = readings.filter(isKept(options));
        if (kept.length > 0) await write(options.target, kept.map(readingLine), stopping);
        seq = last.seq;
        await cursor.store(seq);
        outage.ended();
      }
      limit = Math.min(limit * 2, batchReadingsMax);
      if (sent === 0 || seq >= newest) await pause(pollEveryMs, stopping);
    } catch (error) {
      if (stopping.aborted) return;
      const isTooLarge = error instanceof HttpError && error.statusCode === 413;
      if (isTooLarge && sent > 1) {
        limit = Math.ceil(sent / 2);
        continue;
      }
      await pause(outage.failed(error), stopping);
    }
  }
}

/** Whether the server still keeps a reading of that age; one day less, for both clocks and the way there. */
function isKept({ target, clock }: InfluxSinkOptions): (reading: NamedReading) => boolean {
  const { keepDays } = target;
  if (keepDays === undefined) return () => true;
  const fromMs = clock.nowMs() - (keepDays - 1) * dayMs;
  return ({ measuredAtMs }) => measuredAtMs >= fromMs;
}

/** One request without the client's own retries: the cursor alone decides what is sent again. */
async function write(
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

interface Outage {
  /** Notes the first failure of an episode; returns how long to wait before the next try. */
  failed(error: unknown): number;
  ended(): void;
}

function createOutage({ observer, clock, rng }: InfluxSinkOptions): Outage {
  let failures = 0;
  let sinceMs = 0;
  return {
    failed(error) {
      if (failures === 0) {
        sinceMs = clock.monotonicMs();
        observer.note("sink.failed", { sink: "influx", ...describe(error) });
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
      observer.note("sink.recovered", { sink: "influx", seconds, failures });
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

async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal: stopping }).catch((error: unknown) => {
    if (!stopping.aborted) throw error;
  });
}
