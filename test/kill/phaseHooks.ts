/**
 * Loaded before the program in every one of its threads (`--import`): watches what it does to files and tables, and
 * ends the process by kill -9 at the very operation that a file names. The program itself knows nothing of it.
 */
import fs, { appendFileSync, readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { parentPort } from "node:worker_threads";

const armFile = process.env["KILL_TEST_ARM"] ?? "";
const isBackup = process.argv.includes("backup");

/** What the reading store's worker is at. */
let work = "flush";
/** Files of a store that are being written. */
const open = new Map<number, string>();
/** What the open transaction lists or removes. */
let pending: string | null = null;
/** Why files of readings are being removed. */
let removal = "merge";

/** The process ends here when the file names this point: at most once, and it is written down. */
function pass(point: string): void {
  try {
    if (readFileSync(armFile, "utf8") !== point) return;
  } catch {
    return;
  }
  // First this: whoever sees the file gone ends the process too, perhaps before it has written.
  appendFileSync(`${armFile}.hits`, `${point}\n`);
  fs.rmSync(armFile, { force: true });
  process.kill(process.pid, "SIGKILL");
}

/** Which kind of work the file belongs to; null: not of ours. */
function phaseOf(path: string): string | null {
  if (isBackup)
    return /\/(?:object\.part|backup-\w+\.\d+Z\.json\.part)$/.test(path) ? "backup" : null;
  if (/\/readings\/[^/]+\.part$/.test(path)) return work;
  return /\/frames\/[^/]+\.part$/.test(path) ? "archive" : null;
}

const { openSync, writeSync, closeSync, renameSync, rmSync } = fs;

fs.openSync = (path, ...rest) => {
  const file = openSync(path, ...rest);
  const phase = phaseOf(String(path));
  if (phase === null) open.delete(file);
  else open.set(file, phase);
  return file;
};
fs.closeSync = (file) => {
  open.delete(file);
  closeSync(file);
};
const plainWrite = writeSync as (...all: readonly unknown[]) => number;
fs.writeSync = (file: number, ...rest: readonly unknown[]) => {
  const written = plainWrite(file, ...rest);
  const phase = open.get(file);
  if (phase !== undefined) pass(`${phase}.writing`);
  return written;
};
fs.renameSync = (from, to) => {
  const phase = phaseOf(String(from));
  const isAside = /\/readings\/damaged\//.test(String(to));
  const isManifest = String(to).endsWith(".json");
  if (isAside) pass("remake.putting");
  if (phase !== null) pass(`${phase}.${isManifest ? "telling" : "written"}`);
  renameSync(from, to);
  if (isAside) pass("remake.put");
  if (phase !== null) pass(`${phase}.${isManifest ? "told" : "renamed"}`);
};
fs.rmSync = (path, options) => {
  rmSync(path, options);
  const name = String(path);
  if (isBackup) {
    if (/\/objects\/|\/backup-[^/]+\.json$/.test(name)) pass("backup.pruning");
  } else if (/\/readings\/[^/]+\.(?:day|month)$/.test(name)) pass(`${removal}.removing`);
  else if (/\/frames\/[^/]+\.frames$/.test(name)) pass("retention.removing");
};
syncBuiltinESMExports();

const listing = [
  [/^\s*INSERT INTO reading_flush/, "flush"],
  [/^\s*UPDATE reading_file SET replaced_by/, "merge"],
  [/^\s*UPDATE reading_file SET retired/, "retiring"],
  [/^\s*INSERT INTO frame_file/, "archive"],
  [/^\s*UPDATE frame_file SET dropped/, "retention"],
  [/^\s*DELETE FROM uplink WHERE seq = /, "removal"],
] as const;
const known = new WeakMap<StatementSync, string | null>();
// oxlint-disable-next-line typescript/unbound-method -- called on the statement that it was taken from
const run = StatementSync.prototype.run as (this: StatementSync, ...all: unknown[]) => unknown;
StatementSync.prototype.run = function patched(this: StatementSync, ...all: unknown[]) {
  let phase = known.get(this);
  if (phase === undefined) {
    phase = listing.find(([pattern]) => pattern.test(this.sourceSQL))?.[1] ?? null;
    known.set(this, phase);
  }
  // The reason stands among what is bound: the statement is that of every file which replaces another.
  if (phase === "merge" && all.includes("damaged")) phase = "remake";
  pending = phase ?? pending;
  return this.sourceSQL === "COMMIT"
    ? committing(() => run.apply(this, all))
    : run.apply(this, all);
} as typeof StatementSync.prototype.run;

/** Before and behind the commit of what somebody lists or removes. */
function committing<Result>(commit: () => Result): Result {
  const phase = pending;
  pending = null;
  if (phase !== null) removal = phase === "retiring" ? phase : "merge";
  const isRemoval = phase === "removal";
  if (isRemoval) pass("archive.removing");
  else if (phase !== null) pass(`${phase}.listing`);
  const result = commit();
  if (isRemoval) pass("archive.removed");
  else if (phase !== null) pass(`${phase}.listed`);
  return result;
}

// oxlint-disable-next-line typescript/unbound-method -- called on the database that it was taken from
const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function patched(this: DatabaseSync, sql: string) {
  if (sql === "COMMIT") committing(() => exec.call(this, sql));
  else exec.call(this, sql);
};

/** What a worker is told, as far as it is looked at. */
interface Told {
  readonly kind?: unknown;
  readonly output?: { readonly reason?: unknown };
}

if (parentPort !== null) {
  const on = parentPort.on.bind(parentPort) as (
    name: string,
    take: (told: unknown) => void,
  ) => void;
  const watched = (name: string, take: (told: unknown) => void) => {
    on(name, (told) => {
      const { kind, output } = (told ?? {}) as Told;
      if (kind === "flush" || kind === "merge" || kind === "rollUp") work = kind;
      if (kind === "retire") work = "retiring";
      if (output?.reason === "damaged") work = "remake";
      take(told);
    });
    return parentPort;
  };
  parentPort.on = watched as typeof parentPort.on;
}
