/**
 * A backup becomes a data directory: every hash is checked on the way, the totals are computed again and compared, and
 * only then does the ledger get its name. What was on its way when the backup was made is settled at the first start.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { verifyAudit } from "#ledger/audit.ts";
import { settleRestored } from "#ledger/settleRestored.ts";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { openForReading } from "#ledger/queries.ts";
import type { FileSeal } from "#ports/fileSeal.ts";
import { BackupError, isNoRoom } from "./backupError.ts";
import {
  chooseManifest,
  objectPath,
  readManifest,
  scopeOf,
  type BackupFile,
  type BackupManifest,
} from "./backupManifest.ts";
import { copyOut, syncFolder } from "./copyFile.ts";
import { differenceOf, totalsOf, type TotalsParts } from "./totals.ts";

export interface RestoreParts extends TotalsParts {
  readonly folder: string;
  /** Part of a backup's name; undefined: the newest. */
  readonly wanted: string | undefined;
  readonly dataDir: string;
  readonly seal: FileSeal | null;
  readonly nowMs: number;
}

export interface RestoreDone {
  readonly name: string;
  readonly manifest: BackupManifest;
}

/** What may lie in an empty directory: a file system's own, and a restore that was interrupted. */
const staging = ".restoring";
const ignored = new Set(["lost+found", staging]);

export function restoreBackup(parts: RestoreParts): RestoreDone {
  const { folder, dataDir, seal, say, nowMs } = parts;
  const name = chooseManifest(folder, parts.wanted);
  const manifest = readManifest(folder, name);
  if (manifest.files.some(({ isSealed }) => isSealed) && seal === null) {
    throw new BackupError(
      "BACKUP_KEY",
      `${name} is sealed; give the file with its key by --key-file`,
    );
  }
  const work = join(dataDir, staging);
  openEmpty(dataDir);
  try {
    mkdirSync(work, { mode: 0o700 });
    for (const [place, file] of manifest.files.entries()) {
      say("files", place, manifest.files.length);
      bring(folder, work, file, seal);
    }
    prove(work, manifest, parts);
    settleRestored(work, { backup: name, madeAt: manifest.madeAt, atMs: nowMs }, parts.disk);
    putInPlace(work, dataDir);
    return { name, manifest };
  } catch (cause) {
    throw isNoRoom(cause) ? noRoom(dataDir, manifest, cause) : cause;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function openEmpty(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    if (readdirSync(dataDir).every((name) => ignored.has(name))) {
      rmSync(join(dataDir, staging), { recursive: true, force: true });
      return;
    }
  } catch (cause) {
    throw new BackupError("BACKUP_UNUSABLE", `${dataDir} cannot be used`, { cause });
  }
  const next = "choose an empty directory, or move what is there";
  throw new BackupError("RESTORE_NOT_EMPTY", `${dataDir} is not empty; ${next}`);
}

/** The backup is whole, and nobody should look for another one. */
function noRoom(dataDir: string, { files }: BackupManifest, cause: unknown): BackupError {
  const mebibytes = Math.ceil(files.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20);
  const next = `nothing was restored; the backup needs ${mebibytes} MiB there and some more`;
  return new BackupError("BACKUP_NO_ROOM", `${dataDir} is full; ${next}`, { cause });
}

function bring(folder: string, work: string, file: BackupFile, seal: FileSeal | null): void {
  const object = objectPath(folder, file.sha256);
  const target = join(work, file.path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  try {
    copyOut(object, target, file.sha256, file.isSealed ? seal : null);
  } catch (cause) {
    const isDamaged = cause instanceof BackupError && cause.code === "BACKUP_DAMAGED";
    // A disk that is full, or a folder that may not be read, says nothing against the backup.
    if (!isDamaged && existsSync(object)) throw cause;
    const what = isDamaged ? "is not as it was written" : "is missing";
    const next = "take an earlier backup with --backup";
    const message = `${file.path} of the backup ${what} (${object}); ${next}`;
    throw new BackupError("BACKUP_DAMAGED", message);
  }
}

/** The same registers, rows and audit as when the backup was made, or no restore. */
function prove(work: string, manifest: BackupManifest, parts: RestoreParts): void {
  const db = openForReading(work);
  try {
    const found = String(db.prepare("PRAGMA integrity_check(1)").get()?.["integrity_check"]);
    if (found !== "ok") throw new BackupError("BACKUP_DAMAGED", `the ledger: ${found}`);
    const audit = verifyAudit(db, manifest.auditHead === null ? [] : [manifest.auditHead]);
    if (!audit.ok) {
      throw new BackupError("RESTORE_DIFFERS", `audit entry ${audit.seq} is ${audit.problem}`);
    }
    const totals = totalsOf(db, parts, scopeOf(manifest));
    const difference = differenceOf(manifest.totals, totals);
    if (difference !== null) throw new BackupError("RESTORE_DIFFERS", difference);
  } finally {
    db.close();
  }
}

/** The ledger last: without it nothing starts on what is half there. */
function putInPlace(work: string, dataDir: string): void {
  const isLedger = (name: string) => name.startsWith(ledgerFileName);
  const names = readdirSync(work).sort((a, b) => Number(isLedger(a)) - Number(isLedger(b)));
  for (const name of names) renameSync(join(work, name), join(dataDir, name));
  syncFolder(dataDir);
}
