/** Failed I/O of the system of record. */

export type LedgerErrorCode =
  "LEDGER_KEY" | "LEDGER_UNUSABLE" | "LEDGER_TOO_NEW" | "LEDGER_WRITE_FAILED" | "LEDGER_CORRUPT";

export class LedgerError extends Error {
  override readonly name = "LedgerError";
  readonly code: LedgerErrorCode;
  constructor(code: LedgerErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.code = code;
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html); the low byte of an extended one. */
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteNotADatabase = 26;

function primaryCode(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !("errcode" in cause)) return undefined;
  return typeof cause.errcode === "number" ? cause.errcode & 0xff : undefined;
}

export function isBusy(cause: unknown): boolean {
  return primaryCode(cause) === sqliteBusy;
}

export function isFull(cause: unknown): boolean {
  return primaryCode(cause) === sqliteFull;
}

export function isDamage(cause: unknown): boolean {
  const code = primaryCode(cause);
  return code === sqliteCorrupt || code === sqliteNotADatabase;
}

/** What is told when the data are damaged, wherever it was noticed. */
export function damaged(cause: unknown): LedgerError {
  return new LedgerError(
    "LEDGER_CORRUPT",
    "the ledger's file is damaged; keep a copy of it as it is, then restore the newest backup",
    { cause },
  );
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** A write or look-up that failed, as a LedgerError. */
export function writeFailed(doing: string, cause: unknown): LedgerError {
  if (cause instanceof LedgerError) return cause;
  if (isDamage(cause)) return damaged(cause);
  return new LedgerError("LEDGER_WRITE_FAILED", `${doing} failed: ${textOf(cause)}`, { cause });
}

/** The same functions, throwing nothing but LedgerErrors; `failed` is told of each. */
export function guarded<Part extends object>(part: Part, failed: () => void): Part {
  const entries = Object.entries(part).map(([name, method]) => [
    name,
    (...args: readonly unknown[]): unknown => {
      try {
        return method(...args);
      } catch (cause) {
        failed();
        throw writeFailed(name, cause);
      }
    },
  ]);
  return Object.fromEntries(entries) as Part;
}
