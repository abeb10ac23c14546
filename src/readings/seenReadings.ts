/** What the rules look at of a fleet's readings: fewer columns than a whole reading has, and each chunk read once. */
import type { SeenReading } from "#domain/reading.ts";
import { valvePositions } from "#domain/telegram.ts";
import { timestampMs, volumeMl } from "#domain/units.ts";
import type { HotRows } from "./hotRows.ts";
import { rowsInForce } from "./inForce.ts";
import { MeterWalk } from "./meterWalk.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces as p, readingSchema } from "./schema.ts";
import type { Span } from "./segmentCursor.ts";
import type { SegmentFiles } from "./segmentFiles.ts";

/** Of one meter after the other, in time order; none may be asked for after one with a higher number. */
export function seenByMeter(
  files: SegmentFiles,
  hot: readonly HotRows[],
  span: Span,
): (meterNo: number) => readonly SeenReading[] {
  const walk = new MeterWalk(files, hot, span, seenPlaces);
  const table = new RowTable(readingSchema.columns.length, 1_024);
  return (meterNo) => {
    table.clear();
    walk.collect(meterNo, table);
    return seenReadings(table);
  };
}

/** The columns that make what the rules look at, and those that tell which row is in force. */
const seenPlaces: ReadonlySet<number> = new Set([
  ...[p.meterNo, p.measuredAtMs, p.receivedAtMs, p.deviceAtMs, p.indexMl, p.flowMlPerHour],
  ...[p.pressurePa, p.batteryMv, p.batteryPct, p.valve, p.status, p.flags, p.seq, p.revision],
]);

/** One meter's readings in force as the rules see them; of the table only `seenPlaces` are read. */
function seenReadings(table: RowTable): readonly SeenReading[] {
  const times = table.column(p.measuredAtMs);
  const received = table.columns[p.receivedAtMs];
  const device = table.columns[p.deviceAtMs];
  const registers = table.columns[p.indexMl];
  const flows = table.columns[p.flowMlPerHour];
  const pressures = table.columns[p.pressurePa];
  const millivolts = table.columns[p.batteryMv];
  const shares = table.columns[p.batteryPct];
  const valves = table.columns[p.valve];
  const words = table.columns[p.status];
  const flags = table.columns[p.flags];
  return rowsInForce(table, p.measuredAtMs).map((row): SeenReading => {
    const atMs = timestampMs(times[row] ?? NaN);
    const receivedAtMs = said(received, row);
    const deviceAtMs = said(device, row);
    const indexMl = said(registers, row);
    return {
      measuredAtMs: atMs,
      receivedAtMs: receivedAtMs === null ? atMs : timestampMs(receivedAtMs),
      deviceAtMs: deviceAtMs === null ? null : timestampMs(deviceAtMs),
      indexMl: indexMl === null ? null : volumeMl(indexMl),
      flowMlPerHour: said(flows, row),
      pressurePa: said(pressures, row),
      batteryMv: said(millivolts, row),
      batteryPct: said(shares, row),
      valve: valvePositions[said(valves, row) ?? -1] ?? null,
      status: said(words, row),
      flags: said(flags, row) ?? 0,
    };
  });
}

function said(column: Float64Array | undefined, row: number): number | null {
  const value = column?.[row];
  return value === undefined || Number.isNaN(value) ? null : value;
}
