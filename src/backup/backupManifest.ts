/** What a backup consists of: one JSON file, with a hash of itself. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AuditHead } from "#ports/ledger.ts";
import { BackupError } from "./backupError.ts";
import type { Totals, TotalsScope } from "./totals.ts";

/** A file of the data directory, as an object of the folder of backups. */
export interface BackupFile {
  /** In the data directory, with `/`. */
  readonly path: string;
  /** Of the file in the data directory; with its time it tells an immutable file that is already there. */
  readonly bytes: number;
  readonly changedAtNs: string;
  /** Name and SHA-256 of the object. */
  readonly sha256: string;
  readonly objectBytes: number;
  /** This backup sealed it; a segment that was sealed before is copied as it is. */
  readonly isSealed: boolean;
}

export interface BackupManifest {
  readonly version: 1;
  readonly madeAt: string;
  /** Instant of the registers in the totals. */
  readonly cutOffMs: number;
  /** Of how many meters there are determinants in the totals; of a backup of an earlier program see `scopeOf`. */
  readonly determinants?: number;
  readonly files: readonly BackupFile[];
  /** Files of the data directory that no backup holds in the clear: they must be kept elsewhere. */
  readonly leftOut: readonly string[];
  readonly auditHead: AuditHead | null;
  readonly totals: Totals;
}

/** A program that did not say of how many meters made them of so many. */
const determinantsUnsaid = 1_000;

/** What the totals of a backup are of, so that they can be made again. */
export function scopeOf(manifest: BackupManifest): TotalsScope {
  const { cutOffMs, determinants = determinantsUnsaid } = manifest;
  return { cutOffMs, determinants };
}

const namePattern = /^backup-\d{8}T\d{6}\.\d{3}Z\.json$/;

/** `backup-20261128T023000.000Z.json`: by name they are in the order of their time. */
export function manifestName(madeAt: string): string {
  return `backup-${madeAt.replace(/[-:]/g, "")}.json`;
}

/** Names of all backups in the folder, the oldest first. */
export function manifestNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => namePattern.test(name))
      .sort();
  } catch (cause) {
    throw new BackupError("BACKUP_UNUSABLE", `${folder} cannot be read`, { cause });
  }
}

export function manifestText(manifest: BackupManifest): string {
  const text = JSON.stringify(manifest);
  return `{"sha256":"${hashOfText(text)}",\n"backup":${text}}\n`;
}

/** A manifest that is not as it was written is no backup. */
export function readManifest(folder: string, name: string): BackupManifest {
  let text: string;
  try {
    text = readFileSync(join(folder, name), "utf8");
  } catch (cause) {
    throw new BackupError("BACKUP_NOT_FOUND", `there is no ${name} in ${folder}`, { cause });
  }
  const [, sha256, backup = ""] =
    /^\{"sha256":"([0-9a-f]{64})",\n"backup":(.*)\}\n$/s.exec(text) ?? [];
  if (sha256 === undefined || hashOfText(backup) !== sha256) {
    throw new BackupError("BACKUP_DAMAGED", `${name} is not as it was written`);
  }
  const manifest = JSON.parse(backup) as BackupManifest;
  if (manifest.version === 1) return manifest;
  throw new BackupError("BACKUP_UNUSABLE", `${name} was made by a newer program`);
}

/** All backups in the folder, the oldest first; one that cannot be read stops neither a new one nor the others. */
export function readableManifests(folder: string): {
  readonly readable: readonly { readonly name: string; readonly manifest: BackupManifest }[];
  readonly unreadable: readonly string[];
} {
  const unreadable: string[] = [];
  const readable = manifestNames(folder).flatMap((name) => {
    try {
      return [{ name, manifest: readManifest(folder, name) }];
    } catch (cause) {
      if (!(cause instanceof BackupError)) throw cause;
      unreadable.push(name);
      return [];
    }
  });
  return { readable, unreadable };
}

/** The newest, or the one that was asked for. */
export function chooseManifest(folder: string, wanted: string | undefined): string {
  const names = manifestNames(folder);
  const name = wanted === undefined ? names.at(-1) : names.find((one) => one.includes(wanted));
  if (name !== undefined) return name;
  const what = wanted === undefined ? "no backup" : `no backup ${wanted}`;
  throw new BackupError("BACKUP_NOT_FOUND", `there is ${what} in ${folder}`);
}

export function objectPath(folder: string, sha256: string): string {
  return join(folder, "objects", sha256.slice(0, 2), sha256);
}

function hashOfText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
