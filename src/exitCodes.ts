/** How the program ends when it cannot go on (CONTRACT section 4). */

const byCode: Readonly<Record<string, number>> = {
  CONFIG_INVALID: 2,
  FIRST_KEY_INVALID: 2,
  DATA_DIRECTORY_UNUSABLE: 3,
  LEDGER_KEY: 2,
  READINGS_KEY: 2,
  LEDGER_UNUSABLE: 3,
  LEDGER_TOO_NEW: 3,
  LEDGER_CORRUPT: 3,
  LEDGER_WRITE_FAILED: 3,
  BACKUP_KEY: 2,
  BACKUP_NOT_FOUND: 2,
  BACKUP_NO_LEDGER: 2,
  BACKUP_NO_ROOM: 3,
  RESTORE_NOT_EMPTY: 3,
  RESTORE_DIFFERS: 3,
  BACKUP_UNUSABLE: 3,
  BACKUP_DAMAGED: 3,
  PEPPER_UNREADABLE: 3,
  PEPPER_DAMAGED: 3,
  EADDRINUSE: 4,
};

function codesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  const own = "code" in error ? [String(error.code)] : [];
  return [...own, ...codesOf(error.cause)];
}

/** 2 bad settings, 3 data directory, 4 port in use, 1 anything else. */
export function exitCodeOf(error: unknown): number {
  const known = codesOf(error).flatMap((code) => byCode[code] ?? []);
  return known.includes(4) ? 4 : (known[0] ?? 1);
}

/** The error as a person needs it: what happened, and why. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `mercaptan: ${String(error)}`;
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : "";
  const next =
    exitCodeOf(error) === 4
      ? "; choose another with MERCAPTAN_HTTP_PORT or MERCAPTAN_MQTT_PORT"
      : "";
  return `mercaptan: ${error.message}${cause}${next}`;
}
