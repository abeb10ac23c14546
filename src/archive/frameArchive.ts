/** Archived frames as readers beside the writer see them, by their numbers. */
import { join } from "node:path";
import type { Disk } from "#ports/disk.ts";
import type { UplinkRow } from "#ports/ledger.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { FrameFileRow, FrameList } from "./frameList.ts";
import { FrameReader, isRows } from "./frameReader.ts";

/** So many files stay open; the one that was opened first is closed. */
const openFilesMax = 8;

/** What a verification found; the first damaged place stands first. */
export interface ArchiveVerdict {
  readonly ok: boolean;
  readonly files: number;
  readonly frames: number;
  readonly damage: readonly DamagedPlace[];
}

export class FrameArchive {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #list: FrameList;
  readonly #open = new Map<string, FrameReader>();
  readonly #damage = new Map<string, DamagedPlace>();

  constructor(disk: Disk, folder: string, list: FrameList) {
    this.#disk = disk;
    this.#folder = folder;
    this.#list = list;
  }

  /** So many frames with higher numbers, in order; those of damaged chunks are left out, and told by `damage`. */
  after(afterSeq: number, count: number): readonly UplinkRow[] {
    const found: UplinkRow[] = [];
    for (const file of this.#list.files(afterSeq)) {
      const reader = this.#reader(file);
      for (const chunk of reader?.chunks ?? []) {
        if (found.length >= count) return found;
        if (chunk.head.lastSeq <= afterSeq) continue;
        const rows = reader?.rows(chunk) ?? [];
        if (!isRows(rows)) this.#note(rows);
        else found.push(...rows.filter(({ seq }) => seq > afterSeq));
      }
    }
    return found;
  }

  damage(): readonly DamagedPlace[] {
    return [...this.#damage.values()];
  }

  /** Every byte of every file, and that each is the one that the list means. */
  verify(): ArchiveVerdict {
    const found: DamagedPlace[] = [];
    const files = this.#list.files();
    let frames = 0;
    let lastSeq = 0;
    for (const file of files) {
      frames += file.rows;
      const what = (text: string): DamagedPlace => {
        return { file: file.name, chunk: null, fault: { kind: "unexpectedValue", what: text } };
      };
      if (file.firstSeq <= lastSeq) found.push(what("numbers that another file has"));
      lastSeq = file.lastSeq;
      const reader = this.#reader(file);
      if (reader === undefined) {
        found.push(what("missing file"));
        continue;
      }
      found.push(...reader.verify());
      const rows = reader.chunks.reduce((sum, { head }) => sum + head.rows, 0);
      if (rows !== file.rows || reader.sizeBytes !== file.bytes) found.push(what("rows or size"));
    }
    return { ok: found.length === 0, files: files.length, frames, damage: found };
  }

  close(): void {
    for (const reader of this.#open.values()) reader.close();
    this.#open.clear();
  }

  #reader({ name }: FrameFileRow): FrameReader | undefined {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    try {
      const reader = new FrameReader(this.#disk, join(this.#folder, name));
      for (const place of reader.openingDamage) this.#note(place);
      for (const [oldest, old] of this.#open) {
        if (this.#open.size < openFilesMax) break;
        old.close();
        this.#open.delete(oldest);
      }
      this.#open.set(name, reader);
      return reader;
    } catch (cause) {
      // Not damage: with its key the file is whole.
      if (cause instanceof Error && "code" in cause && cause.code === "READINGS_KEY") throw cause;
      const what = cause instanceof Error ? cause.message : String(cause);
      this.#note({ file: name, chunk: null, fault: { kind: "missing", what } });
      return undefined;
    }
  }

  #note(place: DamagedPlace): void {
    this.#damage.set(`${place.file} ${place.chunk} ${place.fault.what}`, place);
  }
}
