/** The store of a data directory, opened by the one writer on its ledger's connection. */
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Disk } from "#ports/disk.ts";
import { GasCalendar, type GasCalendarSettings } from "./gasDay.ts";
import { Manifest } from "./manifest.ts";
import { nodeDisk } from "./nodeDisk.ts";
import { planSettings, type PlanSettings } from "./planWork.ts";
import { ReadingRecord } from "./readingRecord.ts";
import { runWork, segmentSettings } from "./runWork.ts";
import { sealedDisk } from "./sealedDisk.ts";
import { SegmentedReadings, type StoreParts } from "./segmentedReadings.ts";

/** How a store is kept. */
export interface StoreSettings {
  readonly plan: PlanSettings;
  /** By which a new store cuts its days: its roll-ups answer at the ends of these. */
  readonly calendar: GasCalendarSettings;
  /** Where its files lie; the plain disk unless it is told otherwise. */
  readonly disk?: Disk;
}

/** The disk of a store without a key: a sealed file on it is a key that is missing. */
export const plainDisk = sealedDisk(nodeDisk, null);

/** What a store uses unless it is told otherwise. */
export const storeSettings: StoreSettings = {
  plan: { ...planSettings, flushRows: 250_000 },
  calendar: { zone: "Asia/Shanghai", startMinute: 0 },
};

/** Folder of the segments in the data directory. */
export function segmentFolder(directory: string): string {
  return join(directory, "readings");
}

export interface OpenReadings {
  readonly store: SegmentedReadings;
  readonly record: ReadingRecord;
  readonly manifest: Manifest;
  /** By which its days are cut. */
  readonly calendar: GasCalendarSettings;
  /** Writes segments on this thread when enough is hot: before anybody waits. */
  flushFull(): void;
}

/** The connection has the newest schema. */
export function openReadings(
  db: DatabaseSync,
  directory: string,
  putAudit: StoreParts["putAudit"],
  { plan, calendar: wanted, disk = plainDisk }: StoreSettings = storeSettings,
): OpenReadings {
  const manifest = new Manifest(db);
  const calendarSettings = manifest.calendar(wanted);
  const calendar = new GasCalendar(calendarSettings);
  const folder = segmentFolder(directory);
  const store = new SegmentedReadings({ disk, folder, manifest, calendar, plan, putAudit });
  const parts = { disk, folder, calendar, manifest, settings: segmentSettings };
  return {
    store,
    record: new ReadingRecord(store, manifest),
    manifest,
    calendar: calendarSettings,
    flushFull() {
      if (store.isFull) store.flushHere((work) => runWork(parts, work));
    },
  };
}
