/** A meter's gas day as a line of line protocol: exact, from the store's own roll-ups. */
import { Point } from "@influxdata/influxdb-client";
import { qualities } from "#domain/reading.ts";
import type { NamedRollUp } from "#ports/queries.ts";
import { tagText } from "./readingPoint.ts";

export const dayMeasurement = "meter_day";

const qualityCodes: readonly string[] = [...qualities, "billed"];

/** Every field with where it comes from; null: not known. */
export const dayFields = {
  volume_ml: (row) => row.volumeMl,
  opening_index_ml: (row) => row.openingIndexMl,
  closing_index_ml: (row) => row.closingIndexMl,
  closing_quality: ({ closingQuality }) =>
    closingQuality === null ? null : qualityCodes.indexOf(closingQuality),
  conflict: ({ hasConflict }) => (hasConflict ? 1 : 0),
  peak_flow_ml_h: (row) => row.peakFlowMlPerHour,
  night_flow_ml_h: (row) => row.nightFlowMlPerHour,
  readings: (row) => row.readings,
  battery_mv: (row) => row.batteryMv,
  temperature_centi_c: (row) => row.temperatureCentiC,
} as const satisfies Record<string, (row: NamedRollUp) => number | null>;

/** One line; its time is the beginning of the gas day. */
export function dayLine(row: NamedRollUp, fromMs: number): string {
  const point = new Point(dayMeasurement)
    .tag("meter", row.meterId)
    .tag("area", tagText(row.area))
    .timestamp(fromMs);
  for (const [name, valueOf] of Object.entries(dayFields)) {
    const value = valueOf(row);
    if (value !== null) point.intField(name, value);
  }
  return point.toLineProtocol() ?? "";
}
