/** `mercaptan verify`: are ledger, audit and readings, or a backup, as written? Reads only, also beside a service. */
import type { DatabaseSync } from "node:sqlite";
import { Command } from "commander";
import type { ArchiveVerdict } from "#archive/frameArchive.ts";
import { verifyBackups } from "#backup/verifyBackup.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { loadFileKeys } from "#config/secrets.ts";
import { verifyAudit } from "#ledger/audit.ts";
import { followReadings, frameArchive, openForReading } from "#ledger/queries.ts";
import { isDamage } from "#ledger/ledgerError.ts";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { verifyLedger, type LedgerVerdict } from "#ledger/sums/verifyLedger.ts";
import type { Disk } from "#ports/disk.ts";
import type { AuditHead, AuditVerdict } from "#ports/ledger.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { StoreVerdict } from "#readings/followedReadings.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { readAuditHeads } from "./auditExport.ts";
import { fileDisk } from "./fileDisk.ts";
import { progressLine } from "./progressLine.ts";

interface VerifyFlags {
  readonly config?: string;
  readonly dataDir?: string;
  readonly headFile?: string;
  readonly backups?: string;
  readonly backup?: string;
  readonly json?: boolean;
}

/** The data directory is damaged, as in the table of exit codes. */
const damaged = 3;

const pauseMs = 300;

const meanings = {
  changed: "is not as it was written",
  missing: "is missing",
  rewritten: "is not the one that was copied to the head file: it or an earlier one was rewritten",
} as const;

/** The sub-command with its options. */
export function verifyCommand(): Command {
  return new Command("verify")
    .description("walk the audit's chain of hashes and all readings, and name what is wrong first")
    .option("--config <file>", "settings file; ./mercaptan.yaml when it is there")
    .option("--data-dir <directory>", "the data directory; else the one of the settings")
    .option("--head-file <file>", "copies of the chain's head; else audit.headFile of the settings")
    .option("--backups <folder>", "instead, hash every object of the backups in this folder")
    .option("--backup <name>", "with --backups: of this one only; part of its name")
    .option("--json", "the verdict as one JSON object")
    .action((flags: VerifyFlags) => {
      const { backups, ...others } = flags;
      process.exitCode = backups === undefined ? verify(others) : verifyFolder(backups, flags);
    });
}

/** 0 when every entry is as it was written and as its copies say, 3 when one is not. */
function verify({ config: file, dataDir, headFile, json }: VerifyFlags): number {
  const config = loadConfig({ flags: { config: file, dataDir, auditHeadFile: headFile } });
  const path = config.audit.headFile;
  const { copies, unreadable } =
    path === undefined ? { copies: [], unreadable: 0 } : readAuditHeads(path);
  const ledger = verifyLedger(nodeDisk, config.dataDir, ledgerFileName, pause);
  const inside = verifyInside(config.dataDir, copies, fileDisk(loadFileKeys(config)));
  const { audit, readings, frames } = inside;
  const isInsideWhole = audit?.ok === true && readings?.ok !== false && frames?.ok !== false;
  const ok = isInsideWhole && ledger.ok !== false;
  const said = { ...audit, ok, copies: copies.length, unreadable, readings, frames, ledger };
  const sentences = [
    audit === null ? "audit, readings and frames: the ledger cannot be read" : sentence(audit),
    ...(audit === null ? [] : [readingsSentence(readings), framesSentence(frames)]),
    ledgerSentence(ledger),
  ];
  process.stdout.write(json === true ? `${JSON.stringify(said)}\n` : `${sentences.join("\n")}\n`);
  if (unreadable > 0) process.stderr.write(`${unreadable} lines of ${path} are no copies\n`);
  return ok ? 0 : damaged;
}

/** What stands in the ledger and what it lists; all null: SQLite itself finds it damaged. */
function verifyInside(dataDir: string, copies: readonly AuditHead[], disk: Disk) {
  let db: DatabaseSync | undefined;
  try {
    db = openForReading(dataDir);
    const audit = verifyAudit(db, copies);
    return { audit, readings: verifyReadings(db, disk), frames: verifyFrames(db, disk) };
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    return { audit: null, readings: null, frames: null };
  } finally {
    db?.close();
  }
}

/** A service that writes gets on. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
}

function ledgerSentence({ ok, pages, frames, damage }: LedgerVerdict): string {
  if (ok === null) return "ledger's pages not looked at: the next start makes their sums";
  if (ok) return `ledger whole: ${pages} pages, ${frames} frames in its log`;
  return `ledger damaged: ${placesOf(damage, "page")}`;
}

/** null: the ledger is of an earlier version, whose readings are rows; the next start moves them. */
function verifyReadings(db: DatabaseSync, disk: Disk): StoreVerdict | null {
  if (!hasTable(db, "reading_batch")) return null;
  const followed = followReadings(db, disk);
  const verdict = followed.verify();
  followed.close();
  return verdict;
}

function readingsSentence(verdict: StoreVerdict | null): string {
  if (verdict === null)
    return "readings not looked at: the data directory is of an earlier version";
  const { files, batches, damage } = verdict;
  if (damage.length > 0) return `readings damaged: ${placesOf(damage)}`;
  return `readings whole: ${files} files, ${batches} hot batches`;
}

/** null: the ledger is of an earlier version, which had no archive. */
function verifyFrames(db: DatabaseSync, disk: Disk): ArchiveVerdict | null {
  if (!hasTable(db, "frame_file")) return null;
  const archive = frameArchive(db, disk);
  const verdict = archive.verify();
  archive.close();
  return verdict;
}

function framesSentence(verdict: ArchiveVerdict | null): string {
  if (verdict === null)
    return "archive of frames: none, the data directory is of an earlier version";
  const { files, frames, damage } = verdict;
  if (damage.length > 0) return `archive of frames damaged: ${placesOf(damage)}`;
  return `archive of frames whole: ${files} files, ${frames} frames`;
}

function hasTable(db: DatabaseSync, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
}

/** The first damaged place, and how many more there are. */
function placesOf([first, ...others]: readonly DamagedPlace[], part = "chunk"): string {
  const word = first?.file.endsWith("-wal") === true ? "frame" : part;
  const place = first?.chunk === null ? "" : `, ${word} ${first?.chunk}`;
  const more = others.length > 0 ? `; ${others.length} more places` : "";
  return `${first?.file}${place}: ${first?.fault.kind}, ${first?.fault.what}${more}`;
}

/** 0 when every object is as it was written, 3 and the first bad place when one is not. */
function verifyFolder(folder: string, { backup, json }: VerifyFlags): number {
  const progress = progressLine("verify");
  const verdict = verifyBackups(folder, backup, (done) => progress.say("objects", done, 0));
  progress.end();
  const said = verdict.ok
    ? `backups whole: ${verdict.backups}, with ${verdict.objects} objects of ${verdict.bytes} bytes`
    : `backup damaged: ${verdict.path} of ${verdict.backup} ${verdict.problem}`;
  process.stdout.write(json === true ? `${JSON.stringify(verdict)}\n` : `${said}\n`);
  return verdict.ok ? 0 : damaged;
}

function sentence(verdict: AuditVerdict): string {
  return verdict.ok
    ? `audit whole: ${verdict.entries} entries, head ${verdict.hash}`
    : `audit damaged: entry ${verdict.seq} ${meanings[verdict.problem]}`;
}
