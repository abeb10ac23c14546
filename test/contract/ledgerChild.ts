/** A process with a ledger, for tests that kill it. argv: mode, directory, uplinks per batch. */
import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
import { LedgerError } from "#ledger/ledgerError.ts";
import { openLedger } from "#ledger/openLedger.ts";
import { unwatched } from "#ledger/sums/ledgerFile.ts";
import { startLedgerKeeper } from "../../src/startLedgerKeeper.ts";
import { inTransaction, readingRow, uplinkRow } from "../support/ledgerRows.ts";

const [, , mode = "", directory = "", batchText = "100"] = process.argv;
const batch = Number(batchText);
const bytes = new Uint8Array(200);

/** Written at once and in full, so that a kill cannot hold back what was acknowledged. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const ledger = openLedger(directory);
say("open");
let seq = ledger.sequences().uplink;

function writeBatch(): void {
  const from = seq;
  inTransaction(ledger, () => {
    for (seq = from + 1; seq <= from + batch; seq++) {
      ledger.putUplink(uplinkRow(seq, { bytes }));
      ledger.putReading(readingRow(seq, seq * 1_000, { meterNo: 1 + (seq % 97) }));
    }
  });
  seq = from + batch;
}

if (mode === "commit") {
  for (;;) {
    writeBatch();
    say(String(seq));
  }
}

// Beside a keeper that checkpoints; the loop lets its messages in.
if (mode === "kept") {
  startLedgerKeeper(ledger.file, unwatched);
  for (;;) {
    writeBatch();
    say(String(seq));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

// Ends without closing, as a process does by its own mistake.
if (mode === "leave") {
  writeBatch();
  say(String(seq));
  process.exit(1);
}

if (mode === "hold") setInterval(() => undefined, 60_000);

// Started under a limit on the size of files: the write of some commit fails as on a full disk.
if (mode === "fill") {
  let committed = seq;
  try {
    for (;;) {
      writeBatch();
      committed = seq;
    }
  } catch (error) {
    say(error instanceof LedgerError ? error.code : String(error));
    ledger.rollback();
  }
  say(`kept ${ledger.sequences().uplink - committed} of the failed batch`);
  spawnSync("prlimit", ["--pid", String(process.pid), "--fsize=unlimited"]);
  seq = committed;
  writeBatch();
  say(`then ${ledger.sequences().uplink - committed}`);
  ledger.close();
}
