/** Readings as columns for the reading store's tests, and disks that fail. */
import { RowTable } from "#readings/rowTable.ts";
import { readingPlaces, readingSchema, type ReadingColumn } from "#readings/schema.ts";
import type { Disk, DiskFile } from "#ports/disk.ts";

export type ReadingValues = Partial<Record<ReadingColumn, number | null>>;

/** A table of the given rows; what a row does not name is missing. */
export function tableOf(rows: readonly ReadingValues[]): RowTable {
  const table = new RowTable(readingSchema.columns.length, Math.max(1, rows.length));
  table.count = rows.length;
  for (const [row, values] of rows.entries()) {
    for (const [name, value] of Object.entries(values)) {
      table.column(readingPlaces[name as ReadingColumn])[row] = value ?? NaN;
    }
  }
  return table;
}

/** The rows of a table with what is not missing in them. */
export function rowsOf(table: RowTable): readonly ReadingValues[] {
  return Array.from({ length: table.count }, (_none, row) => {
    const entries = Object.entries(readingPlaces)
      .map(([name, place]) => [name, table.value(place, row)] as const)
      .filter(([, value]) => !Number.isNaN(value));
    return Object.fromEntries(entries);
  });
}

/** Files in memory; `failAfter` bytes written, every write fails as a full disk does. */
export function memoryDisk(limits: { failAfterBytes: number } = { failAfterBytes: Infinity }) {
  const files = new Map<string, number[]>();
  let writtenBytes = 0;
  const missing = (path: string) => Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
  const contentOf = (path: string): number[] => {
    const content = files.get(path);
    if (content === undefined) throw missing(path);
    return content;
  };
  const fileOf = (content: number[]): DiskFile => ({
    write(bytes) {
      writtenBytes += bytes.length;
      if (writtenBytes > limits.failAfterBytes) {
        throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      }
      for (const byte of bytes) content.push(byte);
    },
    read(into, atByte) {
      const part = content.slice(atByte, atByte + into.length);
      into.set(part);
      return part.length;
    },
    sizeBytes: () => content.length,
    sync: () => undefined,
    close: () => undefined,
  });
  const disk: Disk = {
    create(path) {
      files.set(path, []);
      return fileOf(contentOf(path));
    },
    open: (path) => fileOf(contentOf(path)),
    rename(from, to) {
      files.set(to, contentOf(from));
      files.delete(from);
    },
    remove(path) {
      if (!files.delete(path)) throw missing(path);
    },
    makeFolder: () => undefined,
    syncFolder: () => undefined,
    list: (folder) =>
      [...files.keys()]
        .filter((path) => path.slice(0, path.lastIndexOf("/")) === folder)
        .map((path) => path.slice(folder.length + 1))
        .sort(),
  };
  return { disk, files, contentOf };
}

/** The same disk, whose call number `failAt` fails and every later one too, as for a process that is no more. */
export function failingDisk(disk: Disk, failAt: number): { disk: Disk; calls(): number } {
  let calls = 0;
  const count = (): void => {
    calls += 1;
    if (calls >= failAt) throw Object.assign(new Error(`call ${calls} failed`), { code: "EIO" });
  };
  const watched = (file: DiskFile): DiskFile => ({
    ...file,
    write(bytes) {
      count();
      file.write(bytes);
    },
    sync() {
      count();
      file.sync();
    },
  });
  return {
    calls: () => calls,
    disk: {
      ...disk,
      create(path) {
        count();
        return watched(disk.create(path));
      },
      rename(from, to) {
        count();
        disk.rename(from, to);
      },
      remove(path) {
        count();
        disk.remove(path);
      },
      syncFolder(path) {
        count();
        disk.syncFolder(path);
      },
    },
  };
}
