/** `mercaptan verify`: is the audit, or a backup, as it was written? Reads only, also beside a running service. */
import { Command } from "commander";
import { verifyBackups } from "#backup/verifyBackup.ts";
import { loadConfig } from "#config/loadConfig.ts";
import { verifyAudit } from "#ledger/audit.ts";
import { openForReading } from "#ledger/queries.ts";
import type { AuditVerdict } from "#ports/ledger.ts";
import { readAuditHeads } from "./auditExport.ts";
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
    .description("walk the audit's chain of hashes and name the first entry that is wrong")
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
  db.close();
  const said = { ...verdict, copies: copies.length, unreadable };
  process.stdout.write(json === true ? `${JSON.stringify(said)}\n` : `${sentence(verdict)}\n`);
  if (unreadable > 0) process.stderr.write(`${unreadable} lines of ${path} are no copies\n`);
  return verdict.ok ? 0 : damaged;
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
