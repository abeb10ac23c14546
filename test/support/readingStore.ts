/** Reading stores for tests: files in memory or a folder, SQLite beside them, and a plain store to compare with. */
import { DatabaseSync } from "node:sqlite";
import type { Disk } from "#ports/disk.ts";
import type { AuditRow } from "#ports/ledger.ts";
import type { ReadingColumns } from "#ports/readingStore.ts";
import { GasCalendar } from "#readings/gasDay.ts";
import type { WorkRunner } from "#readings/work.ts";
import { Manifest } from "#readings/manifest.ts";
import { planSettings, type PlanSettings } from "#readings/planWork.ts";
import { localRunner } from "#readings/runWork.ts";
import { readingPlaces, type ReadingColumn } from "#readings/schema.ts";
import { SegmentedReadings } from "#readings/segmentedReadings.ts";
import { memoryDisk, type ReadingValues } from "./readingRows.ts";
import { makeReadingTables } from "./readingTables.ts";

export const shanghai = { zone: "Asia/Shanghai", startMinute: 0 };

export interface StoreRig {
  readonly db: DatabaseSync;
  readonly disk: Disk;
  readonly manifest: Manifest;
  readonly calendar: GasCalendar;
  readonly runner: WorkRunner;
  /** What it wrote into the audit. */
  readonly audit: readonly AuditRow[];
  store: SegmentedReadings;
  /** The same data seen by a program that has just started. */
  reopen(): void;
  append(rows: readonly ReadingValues[]): void;
}

export interface RigOptions {
  readonly disk?: Disk;
  readonly folder?: string;
  readonly database?: string;
  readonly plan?: Partial<PlanSettings>;
  readonly calendar?: GasCalendar;
  readonly chunkRows?: number;
}

export function storeRig(options: RigOptions = {}): StoreRig {
  const disk = options.disk ?? memoryDisk().disk;
  const folder = options.folder ?? "/readings";
  const db = new DatabaseSync(options.database ?? ":memory:");
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  makeReadingTables(db);
  const manifest = new Manifest(db);
  const calendar = options.calendar ?? new GasCalendar(shanghai);
  const file = { chunkRows: options.chunkRows ?? 64, level: 1 };
  const settings = { day: file, month: file, rollup: file };
  const runner = localRunner({ disk, folder, calendar, manifest, settings });
  const plan = { ...planSettings, flushEveryMs: 0, ...options.plan };
  const audit: AuditRow[] = [];
  const putAudit = (row: AuditRow) => void audit.push(row);
  const open = () => new SegmentedReadings({ disk, folder, manifest, calendar, plan, putAudit });
  const rig: StoreRig = {
    db,
    disk,
    manifest,
    calendar,
    runner,
    audit,
    store: open(),
    reopen() {
      rig.store.close();
      rig.store = open();
    },
    append(rows) {
      db.exec("BEGIN IMMEDIATE");
      rig.store.append(columnsFrom(rows));
      db.exec("COMMIT");
      rig.store.committed();
    },
  };
  return rig;
}

export function columnsFrom(rows: readonly ReadingValues[]): ReadingColumns {
  const columns: Partial<Record<ReadingColumn, Float64Array>> = {};
  for (const name of Object.keys(readingPlaces) as ReadingColumn[]) {
    if (rows.some((row) => (row[name] ?? null) !== null)) {
      columns[name] = Float64Array.from(rows, (row) => row[name] ?? NaN);
    }
  }
  return { count: rows.length, columns };
}

const originColumns: readonly string[] = ["receivedAtMs", "seq", "uplinkSeq"];

/** What a reading says, whoever brought it and when. */
function contentOf(row: ReadingValues): string {
  const said = Object.entries(row)
    .filter(([name, value]) => value !== null && !originColumns.includes(name))
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(said);
}

/** Every version by hand: a list, searched from one end to the other. Receipt times must differ. */
export class PlainStore {
  /** By meter, then time. */
  readonly #rows = new Map<number, Map<number, ReadingValues[]>>();

  add(rows: readonly ReadingValues[]): void {
    for (const row of rows) {
      const { meterNo = 0, measuredAtMs = 0 } = row;
      const times = this.#rows.get(meterNo ?? 0) ?? new Map<number, ReadingValues[]>();
      this.#rows.set(meterNo ?? 0, times);
      times.set(measuredAtMs ?? 0, [...(times.get(measuredAtMs ?? 0) ?? []), row]);
    }
  }

  /** Versions of one time without repetitions, the one that counts first. */
  versions(meterNo: number, atMs: number): readonly ReadingValues[] {
    const byContent = new Map<string, ReadingValues>();
    for (const row of this.#rows.get(meterNo)?.get(atMs) ?? []) {
      const known = byContent.get(contentOf(row));
      const isEarlier = (known?.receivedAtMs ?? Infinity) > (row.receivedAtMs ?? 0);
      if (isEarlier) byContent.set(contentOf(row), row);
    }
    const has = ({ indexMl }: ReadingValues) => ((indexMl ?? null) === null ? 0 : 1);
    return [...byContent.values()].sort(
      (one, other) =>
        has(other) - has(one) ||
        (other.quality ?? 0) - (one.quality ?? 0) ||
        (other.receivedAtMs ?? 0) - (one.receivedAtMs ?? 0),
    );
  }

  times(meterNo: number, fromMs: number, toMs: number): readonly number[] {
    const times = [...(this.#rows.get(meterNo)?.keys() ?? [])];
    return times.filter((at) => at > fromMs && at <= toMs).sort((one, other) => one - other);
  }

  isConflict(versions: readonly ReadingValues[]): boolean {
    const registers = new Set(versions.map(({ indexMl }) => indexMl ?? null));
    registers.delete(null);
    return registers.size > 1 && (versions[0]?.quality ?? 0) < 4;
  }

  /** The meter's last register at the instant. */
  registerAt(meterNo: number, atMs: number) {
    for (const time of [...this.times(meterNo, -Infinity, atMs)].reverse()) {
      const versions = this.versions(meterNo, time);
      const [first] = versions;
      const indexMl = first?.indexMl ?? null;
      if (first === undefined || indexMl === null) continue;
      const conflict = this.isConflict(versions) ? 1 : 0;
      return { atMs: time, indexMl, quality: first.quality, conflict };
    }
    return undefined;
  }

  get meterNos(): readonly number[] {
    return [...this.#rows.keys()].sort((one, other) => one - other);
  }
}
