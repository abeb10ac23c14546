/**
 * Makes a data directory as a running program has one, and is killed: days of a city with leaks and orders in
 * segments, roll-ups and archive, the ledger settled in part, newer readings and entries in its log. argv: directory,
 * meters, days, seed.
 */
import { join } from "node:path";
import { archiveFrames } from "#archive/archiveFrames.ts";
import { FrameKeeper } from "#archive/frameKeeper.ts";
import { frameFolderName } from "#archive/frameList.ts";
import { dayMs, minuteMs } from "#domain/units.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { LedgerKeeper } from "#ledger/sums/ledgerKeeper.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import { Manifest } from "#readings/manifest.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { segmentFolder, storeSettings } from "#readings/openReadings.ts";
import { localRunner, segmentSettings } from "#readings/runWork.ts";
import { loopStartMs } from "../loop/loopPlan.ts";
import { runLoop } from "../loop/loopRun.ts";
import { auditRow, inTransaction, readingRow, startMs, uplinkRow } from "../support/ledgerRows.ts";

const [, , directory = "", metersText = "", daysText = "", seedText = ""] = process.argv;
const [meters, days] = [Number(metersText), Number(daysText)];
const endMs = loopStartMs + days * dayMs;

runLoop({ meters, days, seed: Number(seedText) }, directory, () => undefined);
const ledger = openLedger(directory, {
  ...storeSettings,
  plan: { ...storeSettings.plan, flushRows: 2_000 },
});
await makeSegments();
await archive();
const keeper = new LedgerKeeper({
  ...ledger.file.handOver(),
  onDamage(places) {
    throw new TypeError(`damaged before anything was flipped: ${JSON.stringify(places)}`);
  },
});
for (let look = 0; look < 20; look += 1) keeper.look(look);
writeNewest();
// Too soon for a checkpoint: it notes how far the log is durable.
keeper.look(20);
process.kill(process.pid, "SIGKILL");

async function makeSegments(): Promise<void> {
  const folder = segmentFolder(directory);
  const calendar = new GasCalendar(ledger.calendar);
  const manifest = new Manifest(ledger.file.db);
  const runner = localRunner({
    disk: nodeDisk,
    folder,
    calendar,
    manifest,
    settings: segmentSettings,
  });
  await ledger.readings.maintain(runner, endMs + dayMs);
}

async function archive(): Promise<void> {
  const folder = join(directory, frameFolderName);
  const failures: unknown[] = [];
  const frames = new FrameKeeper({
    disk: nodeDisk,
    folder,
    list: ledger.frames,
    settings: { afterMs: 2 * dayMs, fileRows: 2_000 },
    archive: (work) => Promise.resolve(archiveFrames(nodeDisk, folder, ledger.frames, work)),
    onFailure: (cause) => failures.push(cause),
  });
  for (let look = 0; look < 100; look += 1) await frames.look(endMs + look * minuteMs);
  frames.stop();
  if (failures.length > 0) throw new TypeError("the archive was not made", { cause: failures[0] });
}

/** Hot readings, frames and entries that are in the log only. */
function writeNewest(): void {
  for (let batch = 0; batch < 20; batch += 1) {
    const { uplink, reading } = ledger.sequences();
    inTransaction(ledger, () => {
      for (let no = 1; no <= 10; no += 1) {
        const meterNo = 1 + ((batch * 10 + no) % meters);
        const atMs = endMs - startMs + batch * minuteMs;
        ledger.putUplink(uplinkRow(uplink + no, { meterNo, bytes: new Uint8Array(90) }));
        ledger.putReading(readingRow(reading + no, atMs, { meterNo, uplinkSeq: uplink + no }));
      }
      ledger.putAudit(auditRow(`flip.${batch}`));
    });
  }
}
