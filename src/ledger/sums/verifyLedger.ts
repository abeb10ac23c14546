/** Is the ledger's file as it was written? Reads only, without SQLite, also beside a service that writes. */
import { join } from "node:path";
import type { Disk } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { damagedPage } from "./ledgerPages.ts";
import { openIfThere } from "./openIfThere.ts";
import { pageSums } from "./pageSums.ts";
import { loadSums, sumsFileName, type Sums } from "./sumsFile.ts";
import { readWal, type WalPart } from "./walFile.ts";

export interface LedgerVerdict {
  /** null: there are no sums yet, the next start makes them. */
  readonly ok: boolean | null;
  readonly pages: number;
  /** Frames of transactions in the log. */
  readonly frames: number;
  readonly damage: readonly DamagedPlace[];
}

/** A writer that is at work changes file, log and sums one after the other. */
const looksMax = 12;

interface Look extends LedgerVerdict {
  /** Equal in two looks: nobody wrote between them. */
  readonly state: string;
}

/**
 * `fileName`: of the main file in the directory. To be asked while this process has no connection to the ledger.
 * `pause`: waits a moment, so that a writer gets on.
 */
export function verifyLedger(
  disk: Disk,
  directory: string,
  fileName: string,
  pause: () => void,
): LedgerVerdict {
  let former: Look | undefined;
  for (let looks = 1; ; looks += 1) {
    const { state, ...verdict } = lookAt(disk, directory, fileName);
    const isSettled = verdict.ok !== false || state === former?.state || looks === looksMax;
    if (isSettled) return verdict;
    former = { state, ...verdict };
    pause();
  }
}

function lookAt(disk: Disk, directory: string, fileName: string): Look {
  const path = join(directory, fileName);
  const sumsPath = join(directory, sumsFileName);
  const sums = loadSums(disk, sumsPath);
  if (typeof sums === "string") {
    const fault = { kind: "checksumMismatch", what: "sums of the ledger's pages" } as const;
    const damage = sums === "damaged" ? [{ file: sumsPath, chunk: null, fault }] : [];
    return { ok: sums === "damaged" ? false : null, pages: 0, frames: 0, damage, state: sums };
  }
  const log = readWal(disk, `${path}-wal`, sums, "whole");
  const damage = [...damagedFrames(`${path}-wal`, log), ...damagedPages(disk, path, sums, log)];
  const { salts, settled, durable, isBegun, pages } = sums;
  const frames = log.pages.length;
  const state = `${salts} ${settled} ${durable} ${isBegun} ${log.salts} ${frames}`;
  return { ok: damage.length === 0, pages: pages.length, frames, damage, state };
}

function damagedFrames(path: string, { damagedFrame }: WalPart): readonly DamagedPlace[] {
  if (damagedFrame === null) return [];
  const what = "transactions from this frame of the log on cannot be read";
  return [{ file: path, chunk: damagedFrame, fault: { kind: "checksumMismatch", what } }];
}

/** While a checkpoint writes, pages that stand in the log may be anything: they are read from the log. */
function damagedPages(disk: Disk, path: string, sums: Sums, log: WalPart): readonly DamagedPlace[] {
  const from = log.salts === sums.salts ? sums.settled : 0;
  const passed = new Set(sums.isBegun ? log.pages.slice(from) : []);
  const file = openIfThere(disk, path);
  const missing = { kind: "missing", what: "the ledger's main file" } as const;
  if (file === null) return [{ file: path, chunk: null, fault: missing }];
  const damage: DamagedPlace[] = [];
  const known = Array.from(sums.pages, (_sum, place) => place + 1).filter(
    (page) => sums.pages[page - 1] !== 0 && !passed.has(page),
  );
  const found = pageSums(file, known);
  for (const [place, page] of known.entries()) {
    if (found[place] !== sums.pages[page - 1]) damage.push(damagedPage(path, page));
  }
  file.close();
  return damage;
}
