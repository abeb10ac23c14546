/**
 * A backup beside a running service: a snapshot of the ledger, and the immutable files that this snapshot lists. What
 * an earlier backup holds already is not copied again. Nothing of the data directory is changed.
 */
import {
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { backup as copyDatabase, type DatabaseSync } from "node:sqlite";
import { formatInstant, timestampMs } from "#domain/units.ts";
import { auditHead } from "#ledger/audit.ts";
import { damaged } from "#ledger/ledgerError.ts";
import { listedFiles } from "#ledger/listedFiles.ts";
import { ledgerFileName } from "#ledger/openLedger.ts";
import { openForReading } from "#ledger/queries.ts";
import { lockForWriting } from "#ledger/writerLock.ts";
import type { FileSeal } from "#ports/fileSeal.ts";
import { BackupError, isNoRoom } from "./backupError.ts";
import {
  manifestName,
  manifestText,
  objectPath,
  readableManifests,
  type BackupFile,
  type BackupManifest,
} from "./backupManifest.ts";
import { copyIn, syncFolder } from "./copyFile.ts";
import { pruneBackups } from "./pruneBackups.ts";
import { totalsOf, type TotalsParts } from "./totals.ts";

export interface BackupParts extends TotalsParts {
  readonly dataDir: string;
  readonly folder: string;
  /** null: nothing is sealed, and secrets are left out. */
  readonly seal: FileSeal | null;
  readonly nowMs: () => number;
  /** So many backups are kept, this one counted. */
  readonly keep: number;
  /** Of so many meters billing's own determinants are in the totals. */
  readonly determinants: number;
}

export interface BackupDone {
  readonly name: string;
  readonly manifest: BackupManifest;
  /** Objects and bytes that were not there before. */
  readonly newObjects: number;
  readonly newBytes: number;
  readonly prunedBackups: number;
}

/** A merge may remove files while they are being copied; then the snapshot is taken again. */
const attemptsMax = 5;
/** Secrets beside the ledger: copied under a seal, or not at all. */
const secretFiles = ["pepper.key"];
/** How far sinks have come: read before the snapshot, so that they never are ahead of it. */
const cursorFiles = ["influx.cursor", "influx-days.cursor"];
/** All pages in one step: a step that is interrupted by the writer would begin again, and never end under load. */
const pagesAtOnce = 2 ** 31 - 1;

export async function makeBackup(parts: BackupParts): Promise<BackupDone> {
  const { folder, dataDir } = parts;
  if (!existsSync(join(dataDir, ledgerFileName))) {
    throw new BackupError("BACKUP_NO_LEDGER", `there is no ${ledgerFileName} in ${dataDir}`);
  }
  const lock = lockFolder(folder);
  const work = join(folder, ".work");
  try {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { mode: 0o700 });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await attemptBackup(parts, work);
      } catch (cause) {
        if (isNoRoom(cause)) {
          const next = "no backup was made, earlier ones are as they were; make room there";
          throw new BackupError("BACKUP_NO_ROOM", `${folder} is full; ${next}`, { cause });
        }
        if (!isVanished(cause)) throw cause;
        if (attempt < attemptsMax) continue;
        throw new BackupError("BACKUP_UNSTEADY", `files of ${dataDir} go away too fast`, { cause });
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
    lock.release();
  }
}

function lockFolder(folder: string): { release(): void } {
  try {
    mkdirSync(join(folder, "objects"), { recursive: true, mode: 0o700 });
    return lockForWriting(folder);
  } catch (cause) {
    const why = `${folder} cannot be used, or a backup is being made in it`;
    throw new BackupError("BACKUP_UNUSABLE", why, { cause });
  }
}

async function attemptBackup(parts: BackupParts, work: string): Promise<BackupDone> {
  const { dataDir, folder, seal, nowMs, keep, determinants, say } = parts;
  const known = knownFiles(folder);
  const copier = new Copier(parts, work, known);
  for (const path of cursorFiles) copier.copyIfThere(path, seal);
  const cutOffMs = nowMs();
  await snapshot(dataDir, work, say);
  const db = openForReading(work);
  try {
    const listed = listedFiles(db);
    for (const [place, path] of listed.entries()) {
      say("files", place, listed.length);
      copier.copy(path, join(dataDir, path), seal);
    }
    linkFolders(listed, dataDir, work);
    const scope = { cutOffMs, determinants };
    const totals = totalsOf(db, parts, scope);
    const head = auditHead(db);
    db.close();
    copier.copy(ledgerFileName, join(work, ledgerFileName), seal);
    for (const path of secretFiles) if (seal !== null) copier.copyIfThere(path, seal);
    const manifest: BackupManifest = {
      version: 1,
      madeAt: formatInstant(timestampMs(nowMs())),
      ...scope,
      files: copier.files,
      leftOut: secretFiles.filter((path) => seal === null && existsSync(join(dataDir, path))),
      auditHead: head,
      totals,
    };
    const name = manifestName(manifest.madeAt);
    writeDurably(join(folder, name), manifestText(manifest));
    const prunedBackups = pruneBackups(folder, keep);
    return { name, manifest, prunedBackups, ...copier.added };
  } finally {
    if (db.isOpen) db.close();
  }
}

/** The ledger at one instant, in a file of its own, and whole: a damaged one is no backup. */
async function snapshot(dataDir: string, work: string, say: BackupParts["say"]): Promise<void> {
  const path = join(work, ledgerFileName);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  const source = openForReading(dataDir);
  try {
    say("ledger", 0, 1);
    await copyDatabase(source, path, { rate: pagesAtOnce });
  } finally {
    source.close();
  }
  const copy = openForReading(work);
  try {
    const found = quickCheck(copy);
    if (found !== "ok") throw damaged(new Error(found));
  } finally {
    copy.close();
  }
}

function quickCheck(db: DatabaseSync): string {
  return String(db.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
}

/** The snapshot is read with the files that it lists; they lie where they are. */
function linkFolders(listed: readonly string[], dataDir: string, work: string): void {
  const folders = new Set(listed.map((path) => path.split("/")[0] ?? ""));
  for (const name of folders) {
    rmSync(join(work, name), { force: true });
    symlinkSync(resolve(dataDir, name), join(work, name));
  }
}

/** What earlier backups hold, by path, size and time. */
function knownFiles(folder: string): ReadonlyMap<string, BackupFile> {
  const known = new Map<string, BackupFile>();
  for (const { manifest } of readableManifests(folder).readable) {
    for (const file of manifest.files) known.set(keyOf(file), file);
  }
  return known;
}

function keyOf({ path, bytes, changedAtNs }: Pick<BackupFile, "path" | "bytes" | "changedAtNs">) {
  return `${path} ${bytes} ${changedAtNs}`;
}

class Copier {
  readonly files: BackupFile[] = [];
  #newObjects = 0;
  #newBytes = 0;
  readonly #parts: BackupParts;
  readonly #work: string;
  readonly #known: ReadonlyMap<string, BackupFile>;

  constructor(parts: BackupParts, work: string, known: ReadonlyMap<string, BackupFile>) {
    this.#parts = parts;
    this.#work = work;
    this.#known = known;
  }

  get added(): { readonly newObjects: number; readonly newBytes: number } {
    return { newObjects: this.#newObjects, newBytes: this.#newBytes };
  }

  copyIfThere(path: string, seal: FileSeal | null): void {
    const from = join(this.#parts.dataDir, path);
    if (existsSync(from)) this.copy(path, from, seal);
  }

  copy(path: string, from: string, seal: FileSeal | null): void {
    const { folder } = this.#parts;
    const { size, mtimeNs } = statSync(from, { bigint: true });
    const file = { path, bytes: Number(size), changedAtNs: String(mtimeNs) };
    const before = this.#known.get(keyOf(file));
    if (before !== undefined && existsSync(objectPath(folder, before.sha256))) {
      this.files.push(before);
      return;
    }
    const part = join(this.#work, "object.part");
    rmSync(part, { force: true });
    const copied = copyIn(from, part, seal);
    const object = objectPath(folder, copied.sha256);
    if (existsSync(object)) rmSync(part);
    else {
      mkdirSync(dirname(object), { recursive: true, mode: 0o700 });
      renameSync(part, object);
      syncFolder(dirname(object));
      this.#newObjects += 1;
      this.#newBytes += copied.bytes;
    }
    this.files.push({
      ...file,
      sha256: copied.sha256,
      objectBytes: copied.bytes,
      isSealed: seal !== null && copied.bytes !== file.bytes,
    });
  }
}

function writeDurably(path: string, text: string): void {
  const part = `${path}.part`;
  writeFileSync(part, text, { mode: 0o600, flush: true });
  renameSync(part, path);
  syncFolder(dirname(path));
}

function isVanished(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause && cause.code === "ENOENT";
}
