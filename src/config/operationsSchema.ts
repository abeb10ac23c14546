/** The settings that keep the data alive: disk, backup, keys of files, retention. */
import { z } from "zod";
import { readingsDaysMin, retentionDaysMin, type Retention } from "#domain/retention.ts";

const file = z.string().min(1);

export const diskSchema = z.strictObject({
  reserveMib: z
    .int()
    .min(0)
    .max(1_048_576)
    .default(128)
    .describe(
      "MiB that are kept in a file of the data directory and given back when the disk is nearly full (less than half as " +
        "much is free beside it): then readings are refused, and alarms and commands go on in that room. 0: none.",
    ),
});

export const encryptionSchema = z.strictObject({
  keyFile: file
    .optional()
    .describe(
      "File with keys of 64 hexadecimal digits, one a line: the first seals new files, all of them open old ones. Keep it, " +
        "and a copy of it, outside the data directory and away from the backups.",
    ),
});

export const backupSchema = z.strictObject({
  folder: file
    .optional()
    .describe("Folder of the backups, on another disk. Not set: the service makes none by itself."),
  everyHours: z
    .int()
    .min(1)
    .max(168)
    .default(24)
    .describe("A backup is due when the newest one is so old. Twice as old, or failed: an alarm."),
  keep: z
    .int()
    .min(1)
    .max(10_000)
    .default(14)
    .describe("So many backups are kept; the oldest are removed, and what only they need."),
  determinants: z
    .int()
    .min(0)
    .max(10_000_000)
    .default(1_000)
    .describe(
      "Of so many meters, evenly spread, and of as many that need care, a backup holds what billing makes of the newest month " +
        "and day, and a restore compares it; each takes some milliseconds. 0: none; as many as there are meters: all.",
    ),
});

/** Days of a kind of data; below the legal minimum it is refused. */
function days(min: number, what: string) {
  return z
    .int()
    .min(min)
    .max(36_500)
    .optional()
    .describe(`Days after which ${what} are removed, at least ${min}. Not set: never.`);
}

export const retentionSchema = z.strictObject({
  uplinksDays: days(retentionDaysMin.uplinks, "raw frames"),
  quarantineDays: days(retentionDaysMin.quarantine, "entries of the quarantine, with their frames"),
  eventsDays: days(retentionDaysMin.events, "events of `/v1/events`"),
  readingsDays: days(readingsDaysMin, "whole months of readings, but for each meter's last ones,"),
});

type RetentionSettings = Readonly<z.output<typeof retentionSchema>>;

/** As the engine takes it. */
export function retentionOf(settings: RetentionSettings): Retention {
  const { uplinksDays, quarantineDays, eventsDays } = settings;
  return {
    ...(uplinksDays === undefined ? {} : { uplinks: uplinksDays }),
    ...(quarantineDays === undefined ? {} : { quarantine: quarantineDays }),
    ...(eventsDays === undefined ? {} : { events: eventsDays }),
  };
}
