/** Readings as JSON; every quantity a decimal string with its unit in the name. */
import { flagNames, qualities, readingFlags, type StoredReading } from "#domain/reading.ts";
import { statusNames, statusToNames } from "#domain/status.ts";
import { valvePositions } from "#domain/telegram.ts";
import { formatInstant, formatM3 } from "#domain/units.ts";
import { z } from "zod";
import { csvLine } from "../csv.ts";
import { decimalJson, instantJson } from "./common.ts";

const flagWords = Object.keys(readingFlags);

export const readingSchema = z.object({
  meterId: z.string(),
  measuredAt: instantJson,
  receivedAt: instantJson,
  /** What the meter's clock said, even when it was not believed. */
  deviceAt: instantJson.nullable(),
  volumeM3: decimalJson.nullable(),
  flowM3h: decimalJson.nullable(),
  temperatureC: decimalJson.nullable(),
  pressureKpa: decimalJson.nullable(),
  batteryMv: z.number().nullable(),
  batteryPct: z.number().nullable(),
  signalDbm: z.number().nullable(),
  valve: z.enum(valvePositions).nullable(),
  status: z.array(z.enum(statusNames)).nullable(),
  quality: z.enum(qualities),
  late: z.boolean(),
  flags: z.array(z.enum(flagWords)),
  uplinkSeq: z.number(),
});

/** A stored reading for a reader. */
export function readingJson(
  meterId: string,
  reading: StoredReading,
): z.infer<typeof readingSchema> {
  return {
    meterId,
    measuredAt: formatInstant(reading.measuredAtMs),
    receivedAt: formatInstant(reading.receivedAtMs),
    deviceAt: reading.deviceAtMs === null ? null : formatInstant(reading.deviceAtMs),
    volumeM3: reading.indexMl === null ? null : formatM3(reading.indexMl),
    flowM3h: reading.flowMlPerHour === null ? null : formatM3(Math.round(reading.flowMlPerHour)),
    temperatureC:
      reading.temperatureCentiC === null ? null : (reading.temperatureCentiC / 100).toFixed(2),
    pressureKpa: reading.pressurePa === null ? null : (reading.pressurePa / 1000).toFixed(3),
    batteryMv: reading.batteryMv,
    batteryPct: reading.batteryPct,
    signalDbm: reading.signalDbm,
    valve: reading.valve,
    status: reading.status === null ? null : [...statusToNames(reading.status)],
    quality: reading.quality,
    late: (reading.flags & readingFlags.LATE) !== 0,
    flags: [...flagNames(reading.flags)],
    uplinkSeq: reading.uplinkSeq,
  };
}

export const readingCsvHeading = csvLine(Object.keys(readingSchema.shape));

/** One line; words of a list with a blank between them. */
export function readingCsv(meterId: string, reading: StoredReading): string {
  const { status, flags, ...rest } = readingJson(meterId, reading);
  const shown = { ...rest, status: status?.join(" ") ?? null, flags: flags.join(" ") };
  const names = Object.keys(readingSchema.shape) as readonly (keyof typeof shown)[];
  return csvLine(names.map((name) => shown[name]));
}
