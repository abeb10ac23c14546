/** The engine's thread: the one writer with its ledger, and nothing else. */
import { parentPort, workerData } from "node:worker_threads";
import { invariant } from "#domain/invariant.ts";
import type { ClosePolicy } from "#domain/closePolicy.ts";
import type { Retention } from "#domain/retention.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { startEngine, type Engine } from "#engine/engine.ts";
import type { Profiles } from "#domain/profile.ts";
import type { EngineBatch, EngineReport } from "#engine/messages.ts";
import { LedgerError } from "#ledger/ledgerError.ts";
import { openLedger } from "#ledger/openLedger.ts";
import type { Ledger } from "#ports/ledger.ts";
import { carrierByName } from "#protocols/carriers/registry.ts";
import { protocolByName } from "#protocols/registry.ts";
import { keyVault } from "#vault/keyVault.ts";
import { meterFiles } from "./meterFiles.ts";
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
}

invariant(parentPort !== null, "engineWorker.ts runs as a worker thread only");
const port = parentPort;
const data = workerData as EngineWorkerData;
const { directory, clock, masterKey, profiles, ruleDocument, closePolicy, retention } = data;

function tell(report: EngineReport): void {
  port.postMessage(report);
}

function open(): { readonly ledger: Ledger; readonly engine: Engine } | undefined {
  try {
    const ledger = openLedger(directory);
    const engine = startEngine({
      ledger,
      clock: systemClock(clock),
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

const opened = open();
if (opened === undefined) {
  port.close();
} else {
  const { ledger, engine } = opened;
  tell({ kind: "ready", directory: ledger.directory() });
  port.on("message", (batch: EngineBatch) => {
    if (batch.isLast) {
      ledger.close();
      port.close();
      return;
    }
    tell(engine.process(batch));
  });
}
