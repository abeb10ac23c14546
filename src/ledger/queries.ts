/** Every read of the API on one read-only connection. Synchronous: it belongs in a worker. */
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { FrameArchive } from "#archive/frameArchive.ts";
import { frameFolderName, FrameList } from "#archive/frameList.ts";
import { FollowedReadings } from "#readings/followedReadings.ts";
import type { Disk } from "#ports/disk.ts";
import { plainDisk, segmentFolder } from "#readings/openReadings.ts";
import type { Queries } from "#ports/queries.ts";
import { ledgerFileName } from "./openLedger.ts";
import { alarmQueries } from "./queriesAlarms.ts";
import { familyQueries } from "./queriesFamily.ts";
import { bulkQueries } from "./queriesBulk.ts";
import { campaignQueries } from "./campaignTable.ts";
import { commandQueries } from "./queriesCommands.ts";
import { figureQueries } from "./queriesFigures.ts";
import { logQueries } from "./queriesLog.ts";
import { meterQueries } from "./queriesMeters.ts";
import { readingQueries } from "./queriesReadings.ts";
import { ruleQueries } from "./ruleDocumentTable.ts";
import { recipientQueries } from "./recipientTable.ts";
import { webhookQueries } from "./webhookTable.ts";
import { plannedWorkQueries } from "./plannedWorkTable.ts";
import { workOrderQueries } from "./workOrderTable.ts";

/** The same methods without the promises. */
export type Answers<Part> = {
  readonly [Name in keyof Part]: Part[Name] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

const busyTimeoutMs = 5_000;
const cacheKibibytes = 32 * 1024;

/** The reading store of the data directory in which the database lies. */
export function followReadings(db: DatabaseSync, disk: Disk): FollowedReadings {
  const folder = segmentFolder(dirname(db.location() ?? ""));
  return new FollowedReadings(db, disk, folder);
}

/** The raw frames that have left the ledger's own table. */
export function frameArchive(db: DatabaseSync, disk: Disk): FrameArchive {
  const folder = join(dirname(db.location() ?? ""), frameFolderName);
  return new FrameArchive(disk, folder, new FrameList(db));
}

/** Sees each commit of the writer, never a part of one. */
export function openForReading(directory: string): DatabaseSync {
  const path = join(directory, ledgerFileName);
  const db = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
  try {
    db.exec(`PRAGMA cache_size = -${cacheKibibytes}`);
  } catch (cause) {
    db.close();
    throw cause;
  }
  return db;
}

/** Files of the store that are sealed need the disk with their keys. */
export function answersFrom(db: DatabaseSync, disk: Disk = plainDisk): Answers<Queries> {
  const readings = readingQueries(db, followReadings(db, disk));
  const archive = frameArchive(db, disk);
  return {
    ...meterQueries(db),
    ...readings,
    ...bulkQueries(db, readings),
    ...alarmQueries(db),
    ...familyQueries(db),
    ...figureQueries(db),
    ...commandQueries(db),
    ...campaignQueries(db),
    ...ruleQueries(db),
    ...webhookQueries(db),
    ...recipientQueries(db),
    ...workOrderQueries(db),
    ...plannedWorkQueries(db),
    ...logQueries(db, archive),
    readingDamage: () => [...readings.readingDamage(), ...archive.damage()],
  };
}
