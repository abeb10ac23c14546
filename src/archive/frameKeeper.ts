/**
 * Sees to the archive beside a writer that must not wait: a worker writes the file, the writer lists it between two
 * batches and then removes the frames from the ledger, some at a commit.
 */
import { join } from "node:path";
import { dayMs } from "#domain/units.ts";
import type { Disk } from "#ports/disk.ts";
import type { ArchiveMade, ArchiveWork } from "./archiveFrames.ts";
import type { FrameList } from "./frameList.ts";
import { FrameReader, isRows } from "./frameReader.ts";

/** The ledger is looked at so often. */
const lookEveryMs = 60_000;
/** So many frames leave the ledger at a commit. */
const removedAtOnce = 500;

export interface ArchiveSettings {
  /** A frame stays in the ledger so long. */
  readonly afterMs: number;
  /** A file is made of so many frames, or of fewer when the oldest has waited another day. */
  readonly fileRows: number;
}

export interface FrameKeeperParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly list: FrameList;
  readonly settings: ArchiveSettings;
  archive(work: ArchiveWork): Promise<ArchiveMade | null>;
  onFailure(cause: unknown): void;
}

export class FrameKeeper {
  readonly #parts: FrameKeeperParts;
  #isBusy = false;
  #isStopped = false;
  #nextLookMs = -Infinity;
  #doneTo = 0;
  /** Frames that are in a listed file and still in the ledger. */
  #toRemove: { readonly no: number; readonly seqs: readonly number[] }[];

  constructor(parts: FrameKeeperParts) {
    this.#parts = parts;
    const { disk, folder } = parts;
    disk.makeFolder(folder);
    this.#tidy();
    this.#toRemove = this.#unremoved();
  }

  /** Cheap when nothing is due; asked after every batch. */
  async look(nowMs: number): Promise<void> {
    if (this.#isStopped) return;
    this.#removeSome();
    if (this.#isBusy || this.#toRemove.length > 0 || nowMs < this.#nextLookMs) return;
    this.#nextLookMs = nowMs + lookEveryMs;
    this.#isBusy = true;
    try {
      this.#removeDropped();
      const work = this.#nextWork(nowMs);
      if (work !== undefined) await this.#make(work);
    } catch (cause) {
      if (!this.#isStopped) this.#parts.onFailure(cause);
    } finally {
      this.#isBusy = false;
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #make(work: ArchiveWork): Promise<void> {
    const made = await this.#parts.archive(work);
    if (this.#isStopped) return;
    // Nothing but frames in quarantine: they stay, and the next file begins behind them.
    this.#doneTo = work.toSeq;
    if (made === null) return;
    this.#parts.list.put(made.file);
    this.#toRemove.push({ no: made.file.no, seqs: made.seqs });
    // There may be more that is due.
    this.#nextLookMs = -Infinity;
  }

  #nextWork(nowMs: number): ArchiveWork | undefined {
    const { list, settings } = this.#parts;
    const { afterMs, fileRows } = settings;
    const dueMs = nowMs - afterMs;
    const afterSeq = Math.max(list.archivedTo, this.#doneTo);
    const oldest = list.frameAfter(afterSeq);
    if (oldest === undefined || oldest.atMs > dueMs) return undefined;
    const lastSeq = Math.min(oldest.seq + fileRows - 1, list.newestSeq - 1);
    const isFull = lastSeq === oldest.seq + fileRows - 1;
    const last = list.frameUpTo(lastSeq);
    const isAllDue = isFull && last !== undefined && last.atMs <= dueMs;
    if (!isAllDue && oldest.atMs > dueMs - dayMs) return undefined;
    const toSeq = isAllDue ? lastSeq : this.#lastDue(oldest.seq, lastSeq, dueMs);
    if (toSeq < oldest.seq) return undefined;
    const no = list.nextNo;
    return { kind: "archive", no, name: `${oldest.seq}-${toSeq}.${no}.frames`, afterSeq, toSeq };
  }

  /** The last number whose frame is due; times go with the numbers. */
  #lastDue(firstSeq: number, lastSeq: number, dueMs: number): number {
    let low = firstSeq - 1;
    let high = lastSeq;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#parts.list.frameUpTo(middle)?.atMs ?? -Infinity) <= dueMs) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #removeSome(): void {
    const [next] = this.#toRemove;
    if (next === undefined) return;
    const some = next.seqs.slice(0, removedAtOnce);
    try {
      this.#parts.list.remove(next.no, some);
    } catch (cause) {
      this.#parts.onFailure(cause);
      return;
    }
    const rest = next.seqs.slice(removedAtOnce);
    const others = this.#toRemove.slice(1);
    this.#toRemove = rest.length > 0 ? [{ no: next.no, seqs: rest }, ...others] : others;
  }

  /** What the last process had listed and not yet removed. Frames of a damaged chunk stay in the ledger. */
  #unremoved(): { readonly no: number; readonly seqs: readonly number[] }[] {
    const { disk, folder, list } = this.#parts;
    const waiting: { no: number; seqs: readonly number[] }[] = [];
    for (const { no, name, removedTo, lastSeq } of list.files()) {
      if (removedTo >= lastSeq) continue;
      const reader = new FrameReader(disk, join(folder, name));
      const seqs = reader.chunks.flatMap((chunk) => {
        const rows = chunk.head.lastSeq > removedTo ? reader.rows(chunk) : [];
        return isRows(rows) ? rows.map(({ seq }) => seq).filter((seq) => seq > removedTo) : [];
      });
      reader.close();
      if (seqs.length > 0) waiting.push({ no, seqs });
    }
    return waiting;
  }

  /** Files that retention has taken from the list. */
  #removeDropped(): void {
    const { disk, folder, list } = this.#parts;
    const dropped = new Set(list.droppedNames());
    for (const name of disk.list(folder)) if (dropped.has(name)) disk.remove(join(folder, name));
  }

  /** What a crash left: an unfinished file goes, a whole one that is not listed is moved aside. */
  #tidy(): void {
    const { disk, folder, list } = this.#parts;
    this.#removeDropped();
    const listed = new Set(list.files().map(({ name }) => name));
    for (const name of disk.list(folder)) {
      if (listed.has(name)) continue;
      if (name.endsWith(".part")) disk.remove(join(folder, name));
      else {
        disk.makeFolder(join(folder, "unlisted"));
        disk.rename(join(folder, name), join(folder, "unlisted", name));
      }
    }
  }
}
