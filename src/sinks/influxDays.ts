/**
 * Copies every day roll-up to a bucket of its own, in the order in which they were made: a day that late readings
 * change is made again and so written again. It computes nothing: what the store says is what the server gets.
 */
import { dayMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { CursorStore } from "#ports/cursor.ts";
import type { Metrics } from "#ports/metrics.ts";
import type { Observer } from "#ports/observer.ts";
import type { Queries } from "#ports/queries.ts";
import type { Rng } from "#ports/rng.ts";
import { dayLine } from "./dayPoint.ts";
import { createOutage, pause, startCopy, writeLines, type InfluxTarget } from "./influxServer.ts";

/** Lines of one request. */
const batchLinesMax = 2_000;

export interface InfluxDaysOptions {
  readonly target: InfluxTarget;
  readonly queries: Pick<Queries, "rollUpPart">;
  readonly cursor: CursorStore;
  readonly observer: Observer;
  readonly metrics: Pick<Metrics, "sinkLag">;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Days are made once a day, or when something late came. */
  readonly lookEveryMs: number;
}

/** Starts copying at once. `stop` gives up a write under way: the next start writes that day again. */
export function startInfluxDays(options: InfluxDaysOptions): { stop(): Promise<void> } {
  return startCopy((stopping) => follow(options, stopping));
}

async function follow(options: InfluxDaysOptions, stopping: AbortSignal): Promise<void> {
  const { cursor, lookEveryMs } = options;
  const outage = createOutage("influx-days", options);
  let afterNo: number | null = null;
  while (!stopping.aborted) {
    try {
      afterNo ??= await cursor.load();
      const fileNo = await copyNext(options, afterNo, stopping);
      if (fileNo === null) {
        await pause(lookEveryMs, stopping);
        continue;
      }
      afterNo = fileNo;
      await cursor.store(fileNo);
      outage.ended();
    } catch (error) {
      if (stopping.aborted) return;
      await pause(outage.failed(error), stopping);
    }
  }
}

/** All parts of the next day; its number, or null when there is none. */
async function copyNext(
  { queries, target, metrics, clock }: InfluxDaysOptions,
  afterNo: number,
  stopping: AbortSignal,
): Promise<number | null> {
  let fileNo: number | null = null;
  for (let part = 0; ; part += 1) {
    const found = await queries.rollUpPart(afterNo, part);
    metrics.sinkLag("influx-days", found.waiting);
    if (found.fileNo === null) return null;
    if (fileNo !== null && found.fileNo !== fileNo) {
      // Made again meanwhile: from its beginning, under the new number.
      fileNo = null;
      part = -1;
      continue;
    }
    fileNo = found.fileNo;
    const isKept = isKeptBy(target.keepDays, clock, found.fromMs);
    const lines = isKept ? found.rows.map((row) => dayLine(row, found.fromMs)) : [];
    for (let first = 0; first < lines.length; first += batchLinesMax) {
      await writeLines(target, lines.slice(first, first + batchLinesMax), stopping);
    }
    if (found.isLast) return fileNo;
  }
}

/** One day less than the server keeps, for both clocks and the way there. */
function isKeptBy(keepDays: number | undefined, clock: Clock, fromMs: number): boolean {
  return keepDays === undefined || fromMs >= clock.nowMs() - (keepDays - 1) * dayMs;
}
