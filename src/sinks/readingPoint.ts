/** A stored reading as a line of InfluxDB's line protocol: integers in the smallest unit, as in the ledger. */
import { Point } from "@influxdata/influxdb-client";
import { qualities, readingFlags, type StoredReading } from "#domain/reading.ts";
import { valvePositions } from "#domain/telegram.ts";

/** A stored reading with the names that people look for. */
export type NamedReading = StoredReading & { readonly meterId: string; readonly area: string };

export const readingMeasurement = "reading";
/** The second of two different values for one instant: it must not replace the first. */
export const conflictMeasurement = "reading_conflict";
export const readingTags = ["meter", "area"] as const;

/** Every field with where it comes from; null: the meter did not say. Words are numbers: their place in the list. */
export const readingFields = {
  index_ml: (reading) => reading.indexMl,
  flow_ml_h: (reading) => reading.flowMlPerHour,
  temperature_centi_c: (reading) => reading.temperatureCentiC,
  pressure_pa: (reading) => reading.pressurePa,
  battery_mv: (reading) => reading.batteryMv,
  battery_pct: (reading) => reading.batteryPct,
  signal_dbm: (reading) => reading.signalDbm,
  valve: (reading) => (reading.valve === null ? null : valvePositions.indexOf(reading.valve)),
  status_bits: (reading) => reading.status,
  quality: (reading) => qualities.indexOf(reading.quality),
  flags: (reading) => reading.flags,
  received_at_ms: (reading) => reading.receivedAtMs,
} as const satisfies Record<string, (reading: StoredReading) => number | null>;

/** One line, timestamp in milliseconds of the measured time. */
export function readingLine(reading: NamedReading): string {
  const isConflict = (reading.flags & readingFlags.CONFLICT) !== 0;
  const point = new Point(isConflict ? conflictMeasurement : readingMeasurement)
    .tag("meter", reading.meterId)
    .tag("area", tagText(reading.area))
    .timestamp(reading.measuredAtMs);
  for (const [name, valueOf] of Object.entries(readingFields)) {
    const value = valueOf(reading);
    if (value !== null) point.intField(name, value);
  }
  return point.toLineProtocol() ?? "";
}

/** A backslash before the separator would swallow it: line protocol has no escape for a backslash. */
export function tagText(text: string): string {
  return text.replaceAll("\\", "/");
}
