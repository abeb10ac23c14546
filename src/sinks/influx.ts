/**
 * Copies every stored reading to InfluxDB 2 (or VictoriaMetrics) by its write API. It follows the ledger with a durable
 * cursor: an outage delays the copy, never the intake, and nothing is left out. It does not read, and knows no Flux.
 */
import { HttpError } from "@influxdata/influxdb-client";
import { dayMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { CursorStore } from "#ports/cursor.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { Queries } from "#ports/queries.ts";
import type { Rng } from "#ports/rng.ts";
import { createOutage, pause, startCopy, writeLines, type InfluxTarget } from "./influxServer.ts";
import { readingLine, type NamedReading } from "./readingPoint.ts";

/** Readings of one request: a few hundred kilobytes of lines. */
export const batchReadingsMax = 2_000;
/** How long a copy may lag when the server is well: also what makes batches of a trickle. */
const pollEveryMs = 500;

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
  return startCopy((stopping) => follow(options, stopping));
}

/** What identifies the copy: a cursor of another server or bucket means nothing here. */
export function influxCursorTarget(target: Pick<InfluxTarget, "url" | "org" | "bucket">): string {
  return `${target.url} ${target.org} ${target.bucket}`;
}

async function follow(options: InfluxSinkOptions, stopping: AbortSignal): Promise<void> {
  const { queries, cursor } = options;
  const outage = createOutage("influx", options);
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
        if (kept.length > 0) await writeLines(options.target, kept.map(readingLine), stopping);
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
