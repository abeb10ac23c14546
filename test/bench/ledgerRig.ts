/** A real ledger with registered meters and the store's worker, filled by a fleet through the writer's own ways. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { parseMeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import { meterSizeNames } from "#domain/meter.ts";
import type { ReadingColumns } from "#ports/readingStore.ts";
import { ledgerFileName, openLedger, type OpenLedger } from "#ledger/openLedger.ts";
import { segmentFolder, storeSettings } from "#readings/openReadings.ts";
import type { PlanSettings } from "#readings/planWork.ts";
import type { WorkRunner } from "#readings/work.ts";
import { workerRunner } from "#readings/workerRunner.ts";
import type { ReadingWorkerData } from "../../src/readingWorker.ts";
import { meterDraft } from "../support/engine.ts";

const registeredAtOnce = 500;

export interface LedgerRig {
  readonly ledger: OpenLedger;
  readonly runner: WorkRunner;
}

/** Opens the data directory for the work, with so many meters registered when it is new. */
export async function withLedger<Result>(
  directory: string,
  meters: number,
  plan: Partial<PlanSettings>,
  work: (rig: LedgerRig) => Promise<Result>,
): Promise<Result> {
  const settings = { ...storeSettings, plan: { ...storeSettings.plan, ...plan } };
  const ledger = openLedger(directory, settings);
  const workerData: ReadingWorkerData = {
    database: join(directory, ledgerFileName),
    folder: segmentFolder(directory),
    calendar: ledger.calendar,
    fileKeys: null,
  };
  const worker = new Worker(new URL("../../src/readingWorker.ts", import.meta.url), { workerData });
  try {
    if (ledger.sequences().meter === 0) register(ledger, meters);
    return await work({ ledger, runner: workerRunner(worker) });
  } finally {
    ledger.close();
    await worker.terminate();
  }
}

/** One batch as one transaction with one fsync. */
export function commitTo(ledger: OpenLedger, batch: ReadingColumns): void {
  ledger.begin();
  ledger.readings.append(batch);
  ledger.commit();
}

function register(ledger: OpenLedger, meters: number): void {
  for (let from = 1; from <= meters; from += registeredAtOnce) {
    ledger.begin();
    for (let no = from; no < Math.min(from + registeredAtOnce, meters + 1); no += 1) {
      const id = parseMeterId(`B${no}`);
      invariant(id !== undefined, "an id");
      const size = meterSizeNames[no % 3] ?? "G4";
      ledger.putMeter({ ...meterDraft("M1"), id, no, size, quantumMl: 1_000, version: 1 });
    }
    ledger.commit();
  }
}
