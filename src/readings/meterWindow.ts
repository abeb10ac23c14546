/**
 * One meter's stored readings in a span, found once. A row becomes a reading only when somebody asks for it: most
 * rows around a late one are passed over, and a reading in words costs more than its row of numbers.
 */
import type { StoredReading } from "#domain/reading.ts";
import { rowsInForce, storedReading } from "./inForce.ts";
import type { JoinedReadings } from "./joinedReadings.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces as p, readingSchema } from "./schema.ts";
import type { MeterSpan } from "./segmentFiles.ts";

export class MeterWindow {
  readonly #table = new RowTable(readingSchema.columns.length, 256);
  #span: MeterSpan | undefined;
  /** In force, by time and number. */
  #rows: readonly number[] = [];
  #readings: (StoredReading | undefined)[] = [];

  /** Whether all that the meter has in (from, to] was found. */
  holds({ meterNo, fromMs, toMs }: MeterSpan): boolean {
    const span = this.#span;
    return span?.meterNo === meterNo && fromMs >= span.fromMs && toMs <= span.toMs;
  }

  find(reads: JoinedReadings, span: MeterSpan): void {
    this.#span = undefined;
    this.#table.clear();
    reads.collect(span.meterNo, span.fromMs, span.toMs, this.#table);
    this.#rows = rowsInForce(this.#table, p.measuredAtMs);
    this.#readings = [];
    this.#span = span;
  }

  /** What was found may no longer be all. */
  forget(): void {
    this.#span = undefined;
  }

  /** The readings in (from, to], by time and number; the same ones each time. */
  between(fromMs: number, toMs: number): readonly StoredReading[] {
    const times = this.#table.column(p.measuredAtMs);
    const found: StoredReading[] = [];
    for (let place = this.#firstAfter(times, fromMs); place < this.#rows.length; place += 1) {
      const row = this.#rows[place] ?? 0;
      if (!((times[row] ?? NaN) <= toMs)) break;
      found.push((this.#readings[place] ??= storedReading(this.#table, row)));
    }
    return found;
  }

  #firstAfter(times: Float64Array, fromMs: number): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[this.#rows[middle] ?? 0] ?? 0) <= fromMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
