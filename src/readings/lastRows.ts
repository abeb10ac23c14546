/**
 * Of sorted rows only what must outlive them: each meter's newest reading, its newest register, and the newest that may
 * be trusted and billed from. Whole instants with all of their versions, so that every read finds there what it found.
 */
import type { StoredReading } from "#domain/reading.ts";
import { readingsInForce } from "./inForce.ts";
import type { RowSink } from "./mergeRows.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces as p, readingSchema } from "./schema.ts";

/** What reads look for backwards; an instant is kept for each that it is the newest to fulfil. */
const wantedReadings: readonly ((reading: StoredReading) => boolean)[] = [
  () => true,
  ({ indexMl }) => indexMl !== null,
  ({ indexMl, quality }) => indexMl !== null && quality !== "suspect",
  ({ indexMl, quality }) => indexMl !== null && quality !== "suspect" && quality !== "raw",
];

/** What a roll-up carries on beside the register. */
const carriedPlaces = [p.batteryMv, p.temperatureCentiC] as const;

export class LastRows implements RowSink {
  readonly #sink: RowSink;
  /** Rows of the meter that is being read. */
  readonly #rows = new RowTable(readingSchema.columns.length, 1_024);

  constructor(sink: RowSink) {
    this.#sink = sink;
  }

  addRun(table: RowTable, from: number, to: number): void {
    const meters = table.column(p.meterNo);
    let start = from;
    while (start < to) {
      const meterNo = meters[start];
      if (this.#rows.count > 0 && this.#rows.value(p.meterNo, 0) !== meterNo) this.finish();
      let end = start + 1;
      while (end < to && meters[end] === meterNo) end += 1;
      this.#rows.addRun(table, start, end);
      start = end;
    }
  }

  /** Passes on what is kept of the last meter. */
  finish(): void {
    const rows = this.#rows;
    const kept = new Set([...this.#newestWanted(), ...this.#newestCarried()]);
    for (const first of [...kept].sort((one, other) => one - other)) {
      this.#sink.addRun(rows, first, this.#endOf(first));
    }
    rows.clear();
  }

  /** First rows of the instants. */
  #newestWanted(): readonly number[] {
    const kept: number[] = [];
    let wanted = wantedReadings;
    for (let end = this.#rows.count; end > 0 && wanted.length > 0; end = this.#firstOf(end - 1)) {
      const first = this.#firstOf(end - 1);
      const instant = new RowTable(readingSchema.columns.length, end - first);
      instant.addRun(this.#rows, first, end);
      const readings = readingsInForce(instant);
      const others = wanted.filter((isWanted) => !readings.some(isWanted));
      if (others.length < wanted.length) kept.push(first);
      wanted = others;
    }
    return kept;
  }

  #newestCarried(): readonly number[] {
    return carriedPlaces.flatMap((place) => {
      const values = this.#rows.columns[place]?.subarray(0, this.#rows.count);
      const row = values?.findLastIndex((value) => !Number.isNaN(value)) ?? -1;
      return row === -1 ? [] : [this.#firstOf(row)];
    });
  }

  #firstOf(row: number): number {
    const times = this.#rows.column(p.measuredAtMs);
    let first = row;
    while (first > 0 && times[first - 1] === times[row]) first -= 1;
    return first;
  }

  #endOf(first: number): number {
    const times = this.#rows.column(p.measuredAtMs);
    let end = first + 1;
    while (end < this.#rows.count && times[end] === times[first]) end += 1;
    return end;
  }
}
