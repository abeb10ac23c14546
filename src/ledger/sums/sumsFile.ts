/**
 * `ledger.sums` beside `ledger.sqlite`: the sum of every page of the main file, how far the log is settled in it, and
 * how far the log is known to be durable. Records of 32-bit words, little-endian, each with a CRC-32 that begins with
 * that of the record before:
 *
 *     kind, words of content, salts of the log (2), frames settled, frames durable, pages, CRC | content
 *
 * `base`: the sums of all pages. `begin`: a checkpoint writes pages from here on. `done`: page, sum, page, sum, ….
 * `durable`: nothing more than its head. `closed`: time of the main file's last change, in ns (2).
 */
import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "#ports/disk.ts";
import { openIfThere } from "./openIfThere.ts";
import type { KnownWal } from "./walFile.ts";

export const sumsFileName = "ledger.sums";

const headWords = 8;
const kinds = { base: 1, begin: 2, done: 3, durable: 4, closed: 5 } as const;
/** So much is appended before the file is made anew, or as much as all sums are. */
const appendedBytesMin = 1024 * 1024;

/** What is known of the main file's pages. */
export interface Sums extends KnownWal {
  /** By page number less 1; 0: not known. */
  readonly pages: Uint32Array;
  /** A checkpoint was begun and is not done: pages that stand in the log may be anything in the main file. */
  readonly isBegun: boolean;
  /** The main file's time of change when the program ended; 0n: it is running, or was killed. */
  readonly closedNs: bigint;
}

export type LoadedSums = Sums | "missing" | "damaged";

/** A torn last record counts as not written. */
export function loadSums(disk: Disk, path: string): LoadedSums {
  const words = wordsOf(disk, path);
  if (words === undefined) return "missing";
  let sums: Sums | undefined;
  let crc = 0;
  for (let at = 0; at + headWords <= words.length;) {
    const [kind, count = 0, salt1 = 0, salt2 = 0, settled = 0, durable = 0, pages = 0, stored] =
      words.subarray(at, at + headWords);
    const end = at + headWords + count;
    if (kind === 0 || end > words.length) break;
    const content = words.subarray(at + headWords, end);
    crc = crcOf(words.subarray(at, at + headWords - 1), content, crc);
    if (crc !== stored) {
      if (end === words.length) break;
      return "damaged";
    }
    const place = { salts: (BigInt(salt1) << 32n) | BigInt(salt2), settled, durable };
    if (kind === kinds.base) {
      sums = { ...place, pages: content.slice(), isBegun: false, closedNs: 0n };
    } else if (sums === undefined) return "damaged";
    else sums = after(sums, { kind: kind ?? 0, content, pages, ...place });
    at = end;
  }
  return sums ?? "damaged";
}

interface SumsRecord extends KnownWal {
  readonly kind: number;
  readonly content: Uint32Array;
  readonly pages: number;
}

function after(sums: Sums, { kind, content, pages, ...place }: SumsRecord): Sums {
  const closedNs =
    kind === kinds.closed ? (BigInt(content[0] ?? 0) << 32n) | BigInt(content[1] ?? 0) : 0n;
  if (kind === kinds.done) {
    const all = resized(sums.pages, pages);
    for (let at = 0; at < content.length; at += 2)
      all[(content[at] ?? 1) - 1] = content[at + 1] ?? 0;
    return { ...place, pages: all, isBegun: false, closedNs };
  }
  return { ...sums, ...place, isBegun: kind === kinds.begin || sums.isBegun, closedNs };
}

function resized(pages: Uint32Array, count: number): Uint32Array {
  if (pages.length === count) return pages;
  const all = new Uint32Array(count);
  all.set(pages.subarray(0, count));
  return all;
}

function wordsOf(disk: Disk, path: string): Uint32Array | undefined {
  const file = openIfThere(disk, path);
  if (file === null) return undefined;
  try {
    const bytes = new Uint8Array(file.sizeBytes());
    const read = file.read(bytes, 0);
    const words = new Uint32Array(read >> 2);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < words.length; at += 1) words[at] = view.getUint32(4 * at, true);
    return words;
  } finally {
    file.close();
  }
}

function bytesOf(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < words.length; at += 1) view.setUint32(4 * at, words[at] ?? 0, true);
  return bytes;
}

function crcOf(head: Uint32Array, content: Uint32Array, before: number): number {
  return crc32(bytesOf(content), crc32(bytesOf(head), before));
}

/** The one writer of the file. */
export class SumsFile {
  #sums: Sums;
  #file: DiskFile;
  #crc = 0;
  #appendedBytes = 0;
  /** A record was written in part: the file is made anew before the next one. */
  #isTorn = false;
  readonly #disk: Disk;
  readonly #path: string;

  /** Makes the file anew with these sums. */
  constructor(disk: Disk, path: string, sums: Sums) {
    this.#disk = disk;
    this.#path = path;
    this.#sums = { ...sums, closedNs: 0n };
    this.#file = this.#made();
  }

  get sums(): Sums {
    return this.#sums;
  }

  #made(): DiskFile {
    const part = `${this.#path}.part`;
    const file = this.#disk.create(part);
    this.#crc = 0;
    this.#write(file, kinds.base, this.#sums.pages);
    if (this.#sums.isBegun) this.#write(file, kinds.begin, new Uint32Array());
    file.sync();
    this.#disk.rename(part, this.#path);
    this.#disk.syncFolder(this.#path.slice(0, this.#path.lastIndexOf("/")) || ".");
    this.#appendedBytes = 0;
    return file;
  }

  #append(kind: number, content: Uint32Array): void {
    if (
      this.#isTorn ||
      this.#appendedBytes > Math.max(appendedBytesMin, 4 * this.#sums.pages.length)
    ) {
      const former = this.#file;
      this.#file = this.#made();
      former.close();
      this.#isTorn = false;
    }
    this.#isTorn = true;
    this.#write(this.#file, kind, content);
    this.#isTorn = false;
  }

  #write(file: DiskFile, kind: number, content: Uint32Array): void {
    const { salts, settled, durable, pages } = this.#sums;
    const [salt1, salt2] = [Number(salts >> 32n), Number(salts & 0xffff_ffffn)];
    const head = Uint32Array.of(
      kind,
      content.length,
      salt1,
      salt2,
      settled,
      durable,
      pages.length,
      0,
    );
    this.#crc = crcOf(head.subarray(0, headWords - 1), content, this.#crc);
    head[headWords - 1] = this.#crc;
    const bytes = Buffer.concat([bytesOf(head), bytesOf(content)]);
    file.write(bytes);
    this.#appendedBytes += bytes.length;
  }

  /** On the medium before a page of the main file is overwritten. */
  begin(): void {
    this.#sums = { ...this.#sums, isBegun: true };
    this.#append(kinds.begin, new Uint32Array());
    this.#file.sync();
  }

  /** On the medium before the log may begin anew; `changed`: page, sum, page, sum, …. */
  done(place: KnownWal, pageCount: number, changed: Uint32Array): void {
    const record = { kind: kinds.done, content: changed, pages: pageCount, ...place };
    this.#sums = after(this.#sums, record);
    this.#append(kinds.done, changed);
    this.#file.sync();
  }

  /** So much of the log is on the medium, for SQLite shows it to readers. */
  durable(salts: bigint, frames: number): void {
    const { sums } = this;
    if (salts === sums.salts && frames <= sums.durable) return;
    const settled = salts === sums.salts ? sums.settled : 0;
    this.#sums = { ...sums, salts, settled, durable: frames };
    this.#append(kinds.durable, new Uint32Array());
  }

  closed(changedNs: bigint): void {
    const content = Uint32Array.of(Number(changedNs >> 32n), Number(changedNs & 0xffff_ffffn));
    this.#append(kinds.closed, content);
  }

  close(): void {
    this.#file.close();
  }
}
