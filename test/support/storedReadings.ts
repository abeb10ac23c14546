/** All readings of a data directory as they are in force, in the order of storing, read beside whoever writes. */
import type { StoredReading } from "#domain/reading.ts";
import { plainDisk } from "#readings/openReadings.ts";
import { followReadings, openForReading } from "#ledger/queries.ts";

const pageRows = 10_000;

export function storedReadings(directory: string): readonly StoredReading[] {
  const db = openForReading(directory);
  const followed = followReadings(db, plainDisk);
  try {
    followed.refresh();
    const readings: StoredReading[] = [];
    for (;;) {
      const page = followed.order.after(readings.at(-1)?.seq ?? 0, pageRows);
      for (const reading of page) readings.push(reading);
      if (page.length < pageRows) return readings;
    }
  } finally {
    followed.close();
    db.close();
  }
}
