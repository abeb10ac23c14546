/** The engine's thread: the one writer with its ledger, and nothing else. */
import { join } from "node:path";
import { parentPort, Worker, workerData } from "node:worker_threads";
import type { ArchiveSettings } from "#archive/frameKeeper.ts";
import { invariant } from "#domain/invariant.ts";
import type { ClosePolicy } from "#domain/closePolicy.ts";
import type { Retention } from "#domain/retention.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { startEngine, type Engine } from "#engine/engine.ts";
import type { Profiles } from "#domain/profile.ts";
import type { DamageNote, EngineBatch, EngineReport } from "#engine/messages.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { ledgerFileName, openLedger, type OpenLedger } from "#ledger/openLedger.ts";
import type { LedgerWatch } from "#ledger/sums/ledgerFile.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import type { GasCalendarSettings } from "#readings/gasDay.ts";
import { segmentFolder, type StoreSettings } from "#readings/openReadings.ts";
import { StoreKeeper, type KeeperWorker } from "#readings/storeKeeper.ts";
import { workerRunner } from "#readings/workerRunner.ts";
import { keyVault } from "#vault/keyVault.ts";
import { fileDisk, type FileKeys } from "./fileDisk.ts";
import { meterFiles } from "./meterFiles.ts";
import type { ReadingWorkerData } from "./readingWorker.ts";
import { startArchive } from "./startArchive.ts";
import { startLedgerKeeper } from "./startLedgerKeeper.ts";
import { systemClock, type ClockSettings } from "./systemClock.ts";
import { systemRng } from "./systemRng.ts";

export interface EngineWorkerData {
  readonly directory: string;
  readonly clock: ClockSettings;
  /** null: no key of a meter can be opened. */
  readonly masterKey: Uint8Array | null;
  readonly profiles: Profiles;
  readonly ruleDocument: RuleDocument | null;
  readonly retention: Retention;
  readonly closePolicy: ClosePolicy | null;
  readonly store: StoreSettings;
  readonly fileKeys: FileKeys;
  readonly archive: ArchiveSettings;
}

invariant(parentPort !== null, "engineWorker.ts runs as a worker thread only");
const port = parentPort;
const data = workerData as EngineWorkerData;
const { directory, clock, masterKey, profiles, ruleDocument, closePolicy, retention } = data;

const time = systemClock(clock);

function tell(report: EngineReport): void {
  port.postMessage(report);
}

const watch: LedgerWatch = {
  onDamage: (damage) => tell({ kind: "store", damage, failure: null }),
  onFailure: (cause) => tell({ kind: "store", damage: [], failure: String(cause) }),
};

function open(): { readonly ledger: OpenLedger; readonly engine: Engine } | undefined {
  try {
    const disk = fileDisk(data.fileKeys);
    const ledger = openLedger(directory, { ...data.store, disk }, watch);
    const engine = startEngine({
      ledger,
      clock: time,
      rng: systemRng,
      protocols: protocolByName,
      carriers: carrierByName,
      files: meterFiles(masterKey === null ? null : keyVault(masterKey, systemRng), profiles),
      isStoreFailure: (error) => error instanceof LedgerError,
      ruleDocument,
      closePolicy,
      retention,
    });
    return { ledger, engine };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    tell({ kind: "unusable", code: error.code, message: error.message });
    return undefined;
  }
}

function startReadingWorker(calendar: GasCalendarSettings): KeeperWorker {
  const database = join(directory, ledgerFileName);
  const { fileKeys } = data;
  const folder = segmentFolder(directory);
  const workerData: ReadingWorkerData = { database, folder, calendar, fileKeys };
  const worker = new Worker(new URL("./readingWorker.ts", import.meta.url), { workerData });
  return { ...workerRunner(worker), end: () => void worker.terminate() };
}

const opened = open();
if (opened === undefined) {
  port.close();
} else {
  const { ledger, engine } = opened;
  const keeper = new StoreKeeper({
    store: ledger.readings,
    startWorker: () => startReadingWorker(ledger.calendar),
    ...watch,
    onRemade: (file) => tell({ kind: "remade", file }),
    onRetired: (beforeMs, rows) => tell({ kind: "retired", beforeMs, rows }),
  });
  const archive = startArchive({
    directory,
    list: ledger.frames,
    settings: data.archive,
    fileKeys: data.fileKeys,
    onFailure: (cause) => watch.onFailure(cause),
  });
  const ledgerKeeper = startLedgerKeeper(ledger.file, watch);
  tell({ kind: "ledger", opening: ledger.file.opening });
  tell({ kind: "ready", directory: { ...ledger.access(), meters: [...engine.meters()] } });
  port.on("message", (batch: EngineBatch | DamageNote) => {
    if ("damage" in batch) {
      keeper.noteDamage(batch.damage);
      return;
    }
    if (batch.isLast) {
      keeper.stop();
      archive.stop();
      void ledgerKeeper.stop().then(() => {
        ledger.close();
        port.close();
      });
      return;
    }
    tell(engine.process(batch));
    void keeper.look(time.nowMs());
    void archive.look(time.nowMs());
    ledgerKeeper.look();
  });
}
