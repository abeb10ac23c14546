/**
 * A process that is to be killed: fills a reading store with the segments of 30 days and a full hot part, says so,
 * and goes on appending. argv: folder.
 */
import { nodeDisk } from "#readings/nodeDisk.ts";
import { planSettings } from "#readings/planWork.ts";
import { localRunner, segmentSettings } from "#readings/runWork.ts";
import { Fleet } from "./readingsLoad.ts";
import { calendar, commitBatch, openReadings, segmentsIn, startMs } from "./readingsRig.ts";

const [, , folder = ""] = process.argv;
const days = 30;
const batchRows = 10_000;

const open = openReadings(folder, {});
const runner = localRunner({
  disk: nodeDisk,
  folder: segmentsIn(folder),
  calendar,
  manifest: open.manifest,
  settings: segmentSettings,
});
const small = new Fleet({ meters: 1_000, startMs, withOrigin: true });
for (let day = 0; day < days; day += 1) {
  // Up to the last hour: what comes later belongs to the next day.
  for (let hour = 1; hour < 23; hour += 1) {
    for (const batch of small.hour(day * 24 + hour, batchRows)) commitBatch(open, batch);
  }
  await open.store.flush(runner);
}
const large = new Fleet({
  meters: 100_000,
  startMs: startMs + days * 86_400_000,
  withOrigin: true,
});
let isSaid = false;
for (let hour = 0; ; hour += 1) {
  for (const batch of large.hour(hour, batchRows)) {
    commitBatch(open, batch);
    if (isSaid || open.store.hotRows < planSettings.flushRows) continue;
    process.stdout.write(`full ${open.store.hotRows} ${open.manifest.files().length}\n`);
    isSaid = true;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
