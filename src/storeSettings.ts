/** The settings of the reading store as the store takes them. */
import type { ArchiveSettings } from "#archive/frameKeeper.ts";
import type { Config } from "#config/schema.ts";
import { dayMs, minuteMs } from "#domain/units.ts";
import { storeSettings, type StoreSettings } from "#readings/openReadings.ts";
import { minuteOf } from "./openBilling.ts";

/** When raw frames go to the archive. */
export function archiveSettingsOf({ archive }: Config): ArchiveSettings {
  return { afterMs: archive.afterDays * dayMs, fileRows: archive.fileRows };
}

/** The gas day is that of the whole fleet: an area's own one is answered from the readings. */
export function storeSettingsOf({ readings, gasDay, retention }: Config): StoreSettings {
  const { flushRows, flushMinutes } = readings;
  const keepMs = (retention.readingsDays ?? Infinity) * dayMs;
  return {
    plan: { ...storeSettings.plan, flushRows, flushEveryMs: flushMinutes * minuteMs, keepMs },
    calendar: { zone: gasDay.zone, startMinute: minuteOf(gasDay.start) },
  };
}
