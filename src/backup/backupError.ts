/** Why a backup, or a restore, is not there. */
import { isFull } from "#ledger/ledgerError.ts";

export type BackupErrorCode =
  /** The folder of backups cannot be used, or another backup is being made in it. */
  | "BACKUP_UNUSABLE"
  /** There is no such backup. */
  | "BACKUP_NOT_FOUND"
  /** Something of it is missing or is not as it was written. */
  | "BACKUP_DAMAGED"
  /** It is sealed, and no key was given or not the right one. */
  | "BACKUP_KEY"
  /** There is no ledger to copy. */
  | "BACKUP_NO_LEDGER"
  /** The disk that is written to is full. */
  | "BACKUP_NO_ROOM"
  /** Files went away faster than they could be copied. */
  | "BACKUP_UNSTEADY"
  /** Nothing is ever restored over something else. */
  | "RESTORE_NOT_EMPTY"
  /** What was restored does not come to the same totals. */
  | "RESTORE_DIFFERS";

export class BackupError extends Error {
  override readonly name = "BackupError";
  readonly code: BackupErrorCode;
  constructor(code: BackupErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}

/** The disk that was written to is full, in the words of the system or of SQLite. */
export function isNoRoom(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const isSpent = "code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT");
  return isFull(cause) || isSpent || isNoRoom(cause.cause);
}
