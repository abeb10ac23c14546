/** Is a backup as it was written? Every object is read and hashed; no key is needed for it. */
import { BackupError } from "./backupError.ts";
import {
  chooseManifest,
  manifestNames,
  objectPath,
  readManifest,
  type BackupFile,
} from "./backupManifest.ts";
import { hashOf } from "./copyFile.ts";

export type BackupVerdict =
  | {
      readonly ok: true;
      readonly backups: number;
      readonly objects: number;
      readonly bytes: number;
    }
  /** The first bad place: which backup, which file of the data directory, and what is wrong with it. */
  | {
      readonly ok: false;
      readonly backup: string;
      readonly path: string;
      readonly problem: string;
    };

/** One backup by its name, or all of the folder. */
export function verifyBackups(
  folder: string,
  wanted: string | undefined,
  say: (done: number) => void,
): BackupVerdict {
  const names = wanted === undefined ? manifestNames(folder) : [chooseManifest(folder, wanted)];
  if (names.length === 0) throw new BackupError("BACKUP_NOT_FOUND", `no backup in ${folder}`);
  const seen = new Set<string>();
  let bytes = 0;
  for (const name of names) {
    const manifest = manifestOf(folder, name);
    if (typeof manifest === "string") {
      return { ok: false, backup: name, path: name, problem: manifest };
    }
    for (const file of manifest.files) {
      if (seen.has(file.sha256)) continue;
      const problem = problemOf(folder, file);
      if (problem !== null) return { ok: false, backup: name, path: file.path, problem };
      seen.add(file.sha256);
      bytes += file.objectBytes;
      say(seen.size);
    }
  }
  return { ok: true, backups: names.length, objects: seen.size, bytes };
}

function manifestOf(folder: string, name: string) {
  try {
    return readManifest(folder, name);
  } catch (cause) {
    if (cause instanceof BackupError) return "the manifest is not as it was written";
    throw cause;
  }
}

function problemOf(folder: string, { sha256, objectBytes }: BackupFile): string | null {
  try {
    const found = hashOf(objectPath(folder, sha256));
    if (found.bytes !== objectBytes) return `has ${found.bytes} bytes instead of ${objectBytes}`;
    return found.sha256 === sha256 ? null : "is not as it was written";
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    return code === "ENOENT" ? "is missing" : `cannot be read (${code})`;
  }
}
