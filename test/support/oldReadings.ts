/** A ledger with registers of one meter over four months, one in ten days, and the only one of another meter. */
import { dayMs, hourMs } from "#domain/units.ts";
import { openForReading } from "#ledger/queries.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { plainDisk, segmentFolder, storeSettings } from "#readings/openReadings.ts";
import { localRunner, segmentSettings } from "#readings/runWork.ts";
import { inTransaction, meterRow, readingRow } from "./ledgerRows.ts";

/** Days count from `fromMs`; at the first hour of one, as many litres more than 1,000. */
export function putOldReadings(directory: string, fromMs: number): void {
  const ledger = openLedger(directory);
  inTransaction(ledger, () => {
    for (const no of [1, 2]) ledger.putMeter(meterRow(no));
    let seq = 0;
    for (let day = 0; day < 120; day += 10) {
      for (const meterNo of day === 0 ? [1, 2] : [1]) {
        seq += 1;
        const measuredAtMs = fromMs + day * dayMs + hourMs;
        const row = readingRow(seq, 0, { meterNo });
        const indexMl = ((1_000 + day) * 1_000) as typeof row.indexMl;
        ledger.putReading({
          ...row,
          measuredAtMs: measuredAtMs as typeof row.measuredAtMs,
          receivedAtMs: measuredAtMs as typeof row.receivedAtMs,
          deviceAtMs: measuredAtMs as typeof row.deviceAtMs,
          indexMl,
          quality: "validated",
        });
      }
    }
  });
  ledger.close();
}

/** As the service does once a minute: what is older than `keepMs` goes. */
export async function letGo(directory: string, nowMs: number, keepMs: number): Promise<void> {
  const plan = { ...storeSettings.plan, flushEveryMs: 0, keepMs };
  const ledger = openLedger(directory, { ...storeSettings, plan });
  const db = openForReading(directory);
  const runner = localRunner({
    disk: plainDisk,
    folder: segmentFolder(directory),
    calendar: new GasCalendar(ledger.calendar),
    manifest: new Manifest(db),
    settings: segmentSettings,
  });
  await ledger.readings.maintain(runner, nowMs);
  db.close();
  ledger.close();
}
