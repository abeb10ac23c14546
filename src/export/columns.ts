/** What stands in an exported file: whole numbers of the smallest unit, so that no sum is ever rounded. */
import { statusToNames } from "#domain/status.ts";
import { flagNames, type StoredReading } from "#domain/reading.ts";
import type { Determinant } from "#domain/billing.ts";
import type { ParquetColumn } from "./parquetFile.ts";

export type MeterReading = StoredReading & { readonly meterId: string };

/** A reading, with everything that the meter said. */
export const readingColumns: readonly ParquetColumn<MeterReading>[] = [
  { name: "meter_id", type: "text", of: ({ meterId }) => meterId },
  { name: "measured_at", type: "instant", of: ({ measuredAtMs }) => measuredAtMs },
  { name: "received_at", type: "instant", of: ({ receivedAtMs }) => receivedAtMs },
  { name: "device_at", type: "instant", of: ({ deviceAtMs }) => deviceAtMs },
  { name: "index_ml", type: "integer", of: ({ indexMl }) => indexMl },
  { name: "flow_ml_per_hour", type: "integer", of: (r) => rounded(r.flowMlPerHour) },
  { name: "temperature_centi_c", type: "integer", of: (r) => rounded(r.temperatureCentiC) },
  { name: "pressure_pa", type: "integer", of: (r) => rounded(r.pressurePa) },
  { name: "battery_mv", type: "integer", of: (r) => rounded(r.batteryMv) },
  { name: "battery_pct", type: "integer", of: (r) => rounded(r.batteryPct) },
  { name: "signal_dbm", type: "integer", of: (r) => rounded(r.signalDbm) },
  { name: "valve", type: "text", of: ({ valve }) => valve },
  {
    name: "status",
    type: "text",
    of: ({ status }) => (status === null ? null : [...statusToNames(status)].join(" ")),
  },
  { name: "quality", type: "text", of: ({ quality }) => quality },
  { name: "flags", type: "text", of: ({ flags }) => flagNames(flags).join(" ") },
  { name: "uplink_seq", type: "integer", of: ({ uplinkSeq }) => uplinkSeq },
];

/** What passed a meter in a period. */
export const consumptionColumns: readonly ParquetColumn<Determinant>[] = [
  { name: "meter_id", type: "text", of: ({ meterId }) => meterId },
  { name: "area", type: "text", of: ({ area }) => area },
  { name: "from", type: "instant", of: ({ fromMs }) => fromMs },
  { name: "to", type: "instant", of: ({ toMs }) => toMs },
  { name: "opening_ml", type: "integer", of: ({ opening }) => opening?.indexMl ?? null },
  { name: "opening_quality", type: "text", of: ({ opening }) => opening?.quality ?? null },
  { name: "closing_ml", type: "integer", of: ({ closing }) => closing?.indexMl ?? null },
  { name: "closing_quality", type: "text", of: ({ closing }) => closing?.quality ?? null },
  { name: "volume_ml", type: "integer", of: ({ volumeMl }) => volumeMl },
  { name: "quality", type: "text", of: ({ quality }) => quality },
  { name: "estimated_millionths", type: "integer", of: (row) => row.estimatedMillionths },
  { name: "open_conflicts", type: "integer", of: ({ openConflicts }) => openConflicts },
  { name: "segments", type: "integer", of: ({ segments }) => segments.length },
  { name: "flags", type: "text", of: ({ flags }) => flags.join(" ") },
  { name: "standing", type: "text", of: ({ standing }) => standing },
  { name: "hash", type: "text", of: ({ hash }) => hash },
];

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
