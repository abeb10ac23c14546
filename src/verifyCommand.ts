/** `mercaptan verify`: are audit and readings, or a backup, as they were written? Reads only, also beside a service. */
import type { DatabaseSync } from "node:sqlite";
import { Command } from "commander";
import { verifyBackups } from "#backup/verifyBackup.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { loadFileKeys } from "#config/secrets.ts";
import { verifyAudit } from "#ledger/audit.ts";
import { followReadings, openForReading } from "#ledger/queries.ts";
import type { Disk } from "#ports/disk.ts";
import type { AuditVerdict } from "#ports/ledger.ts";
import type { StoreVerdict } from "#readings/followedReadings.ts";
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
  const db = openForReading(config.dataDir);
  const verdict = verifyAudit(db, copies);
  const readings = verifyReadings(db, fileDisk(loadFileKeys(config)));
  db.close();
  const said = { ...verdict, copies: copies.length, unreadable, readings };
  const sentences = `${sentence(verdict)}\n${readingsSentence(readings)}\n`;
  process.stdout.write(json === true ? `${JSON.stringify(said)}\n` : sentences);
  if (unreadable > 0) process.stderr.write(`${unreadable} lines of ${path} are no copies\n`);
  return verdict.ok && readings?.ok !== false ? 0 : damaged;
}

/** null: the ledger is of an earlier version, whose readings are rows; the next start moves them. */
function verifyReadings(db: DatabaseSync, disk: Disk): StoreVerdict | null {
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'reading_batch'").get();
  if (table === undefined) return null;
  const followed = followReadings(db, disk);
  const verdict = followed.verify();
  followed.close();
  return verdict;
}

function readingsSentence(verdict: StoreVerdict | null): string {
  if (verdict === null)
    return "readings not looked at: the data directory is of an earlier version";
  const { files, batches, damage } = verdict;
  const [first] = damage;
  if (first === undefined) return `readings whole: ${files} files, ${batches} hot batches`;
  const place = first.chunk === null ? "" : `, chunk ${first.chunk}`;
  const others = damage.length > 1 ? `; ${damage.length - 1} more places` : "";
  return `readings damaged: ${first.file}${place}: ${first.fault.kind}, ${first.fault.what}${others}`;
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
