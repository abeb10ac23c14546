/** Copies of the audit's head in a second place: whoever rewrites the whole chain cannot rewrite these. */
import { appendFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { formatInstant, minuteMs, timestampMs } from "#domain/units.ts";
import type { Clock } from "#ports/clock.ts";
import type { AuditHead } from "#ports/ledger.ts";
import type { Observer } from "#ports/observer.ts";
import type { Queries } from "#ports/queries.ts";

const exportEveryMs = 10 * minuteMs;
const headPattern = /^[^ ]+ (?<seq>\d+) (?<hash>[0-9a-f]{64})$/;

export interface AuditExportParts {
  readonly file: string;
  readonly queries: Pick<Queries, "auditHead">;
  readonly clock: Clock;
  readonly observer: Observer;
}

/** Appends a line now, every 10 minutes, and a last one when it is stopped. */
export function startAuditExport(parts: AuditExportParts): { stop(): Promise<void> } {
  let written = Promise.resolve();
  const write = (): Promise<void> => (written = written.then(() => appendHead(parts)));
  void write();
  const timer = setInterval(() => void write(), exportEveryMs);
  return {
    async stop() {
      clearInterval(timer);
      await write();
    },
  };
}

/** `<instant> <entry> <hash>`; only appended, so that the place may forbid anything else. */
async function appendHead({ file, queries, clock, observer }: AuditExportParts): Promise<void> {
  try {
    const head = await queries.auditHead();
    if (head === null) return;
    const at = formatInstant(timestampMs(clock.nowMs()));
    await appendFile(file, `${at} ${head.seq} ${head.hash}\n`, { mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    observer.note("audit.exportFailed", { reason });
  }
}

/** The copies in the file; a line that is none is left out and counted. */
export function readAuditHeads(file: string): {
  readonly copies: readonly AuditHead[];
  readonly unreadable: number;
} {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  const copies = lines.flatMap((line): AuditHead[] => {
    const { seq = "", hash = "" } = headPattern.exec(line)?.groups ?? {};
    return hash === "" ? [] : [{ seq: Number(seq), hash }];
  });
  return { copies, unreadable: lines.length - copies.length };
}
