/**
 * SQLite's write-ahead log, read beside SQLite (sqlite.org/fileformat2.html, section 4): which pages stand in it, and
 * whether it is as it was written. SQLite takes everything behind the first bad frame for a torn tail and drops it
 * without a word; here a tail that was torn is told from transactions that were durable and are damaged.
 */
import { endianness } from "node:os";
import { crc32 } from "node:zlib";
import type { Disk, DiskFile } from "#ports/disk.ts";
import { openIfThere } from "./openIfThere.ts";

export const pageBytes = 4_096;
const headerBytes = 32;
const frameHeadBytes = 24;
const frameBytes = frameHeadBytes + pageBytes;
const magicLittle = 0x377f0682;
const magicBig = 0x377f0683;
const framesAtOnce = 64;

/** The sum of a page, bound to its number, so that a page in another one's place does not fit. */
export function pageSum(page: number, bytes: Uint8Array): number {
  return crc32(bytes, page);
}

/** Frames behind `after` up to the last whole transaction, in their order; frame numbers begin with 1. */
export interface WalFrames {
  /** Of this generation of the log; 0n: there is no log. */
  readonly salts: bigint;
  readonly after: number;
  readonly pages: readonly number[];
  readonly sums: readonly number[];
  /** Pages of the database after a transaction's last frame; 0 at its others. */
  readonly commits: readonly number[];
}

export interface WalPart extends WalFrames {
  /** A frame that was durable and is not as it was written; 0: the header; null: none. */
  readonly damagedFrame: number | null;
}

/** What is known of a generation: so many of its frames are durable, so many are in the main file with their sums. */
export interface KnownWal {
  readonly salts: bigint;
  readonly durable: number;
  readonly settled: number;
}

const nothing = { salts: 0n, after: 0, pages: [], sums: [], commits: [], damagedFrame: null };

type Chain = readonly [number, number];

/** Salts of the generation that is in the file; 0n: none. */
export function walSalts(file: DiskFile): bigint {
  const head = new Uint8Array(headerBytes);
  return file.read(head, 0) === headerBytes ? new DataView(head.buffer).getBigUint64(16) : 0n;
}

/**
 * The log, where there is one. `whole`: every frame, and a look at what stands behind the last good one. `new`: beside
 * a writer, only what is not settled yet.
 */
export function readWal(disk: Disk, path: string, known: KnownWal, what: "whole" | "new"): WalPart {
  const file = openIfThere(disk, path);
  if (file === null) return nothing;
  try {
    return readFrames(file, known, what);
  } finally {
    file.close();
  }
}

function readFrames(file: DiskFile, known: KnownWal, what: "whole" | "new"): WalPart {
  const head = new Uint8Array(headerBytes);
  const view = new DataView(head.buffer);
  const framesInFile = Math.floor((file.sizeBytes() - headerBytes) / frameBytes);
  if (file.read(head, 0) < headerBytes || framesInFile < 1) return nothing;
  const isLittle = view.getUint32(0) === magicLittle;
  const reader = new FrameReader(file, framesInFile, isLittle);
  const chain = chainOver(summedWords(head, isLittle), 0, 24, [0, 0]);
  const isHeader =
    (isLittle || view.getUint32(0) === magicBig) &&
    view.getUint32(8) === pageBytes &&
    isStored(view, 24, chain);
  if (!isHeader) return { ...nothing, damagedFrame: isHeaderNeeded(reader, known) ? 0 : null };
  const salts = view.getBigUint64(16);
  const isKnown = salts === known.salts;
  const after = what === "new" && isKnown && known.settled <= framesInFile ? known.settled : 0;
  const seed = after === 0 ? chain : reader.stored(after);
  const { frame, lastChain, ...part } = walk(reader, salts, after, seed);
  const isDamaged =
    (isKnown && after + part.pages.length < known.durable) ||
    (what === "whole" && isFollowed(reader, frame, salts, lastChain));
  return { ...part, damagedFrame: isDamaged ? frame : null };
}

/** Takes good frames; `frame` is the first that is not, `lastChain` what was computed for it. */
function walk(
  reader: FrameReader,
  salts: bigint,
  after: number,
  seed: Chain,
): WalFrames & { readonly frame: number; readonly lastChain: Chain } {
  const [pages, sums, commits]: [number[], number[], number[]] = [[], [], []];
  let lastChain = seed;
  let committed = 0;
  let frame = after + 1;
  for (; frame <= reader.count; frame += 1) {
    lastChain = reader.chain(frame, lastChain);
    if (reader.salts(frame) !== salts || !reader.isChain(frame, lastChain)) break;
    const page = reader.page(frame);
    const commit = reader.commit(frame);
    pages.push(page);
    sums.push(pageSum(page, reader.content(frame)));
    commits.push(commit);
    if (commit !== 0) committed = pages.length;
  }
  for (const list of [pages, sums, commits]) list.length = committed;
  return { salts, after, pages, sums, commits, frame, lastChain };
}

/**
 * True when a later transaction stands behind the bad frame: it was begun only when that of the bad frame was durable.
 * Later frames of the same transaction prove nothing, for a disk may write them in any order.
 */
function isFollowed(reader: FrameReader, bad: number, salts: bigint, computed: Chain): boolean {
  if (bad > reader.count) return false;
  let isEnded = reader.commit(bad) !== 0 && reader.salts(bad) === salts;
  let seeds: readonly Chain[] = [computed, reader.stored(bad)];
  for (let frame = bad + 1; frame <= reader.count; frame += 1) {
    const isOurs = reader.salts(frame) === salts;
    const isLinked = seeds.some((seed) => reader.isChain(frame, reader.chain(frame, seed)));
    if (isOurs && isLinked && isEnded) return true;
    if (isOurs && reader.commit(frame) !== 0) isEnded = true;
    seeds = [reader.stored(frame)];
  }
  return false;
}

/** A header that was torn when the log began anew costs nothing: all that stood in the log was in the main file. */
function isHeaderNeeded(reader: FrameReader, known: KnownWal): boolean {
  const salts = reader.salts(1);
  if (salts !== known.salts || known.settled < known.durable) return true;
  const next = known.settled + 1;
  if (known.settled === 0 || next > reader.count) return known.settled === 0;
  const chain = reader.chain(next, reader.stored(known.settled));
  return reader.salts(next) === salts && reader.isChain(next, chain);
}

/** Frames by their numbers, many read at once. */
class FrameReader {
  readonly count: number;
  readonly #file: DiskFile;
  readonly #isLittle: boolean;
  readonly #bytes = new Uint8Array(framesAtOnce * frameBytes);
  readonly #view = new DataView(this.#bytes.buffer);
  #words: Int32Array = new Int32Array();
  #from = 1;
  #held = 0;

  constructor(file: DiskFile, count: number, isLittle: boolean) {
    this.#file = file;
    this.count = count;
    this.#isLittle = isLittle;
  }

  page(no: number): number {
    return this.#view.getUint32(this.#at(no));
  }

  /** Pages of the database after its transaction; 0: not its last frame. */
  commit(no: number): number {
    return this.#view.getUint32(this.#at(no) + 4);
  }

  salts(no: number): bigint {
    return this.#view.getBigUint64(this.#at(no) + 8);
  }

  stored(no: number): Chain {
    const at = this.#at(no) + 16;
    return [this.#view.getUint32(at), this.#view.getUint32(at + 4)];
  }

  isChain(no: number, chain: Chain): boolean {
    return isStored(this.#view, this.#at(no) + 16, chain);
  }

  /** Valid until another frame is asked for. */
  content(no: number): Uint8Array {
    const at = this.#at(no);
    return this.#bytes.subarray(at + frameHeadBytes, at + frameBytes);
  }

  /** What the frame's own must be behind that of the frame before. */
  chain(no: number, before: Chain): Chain {
    const at = this.#at(no);
    const chain = chainOver(this.#words, at, at + 8, before);
    return chainOver(this.#words, at + frameHeadBytes, at + frameBytes, chain);
  }

  /** Where it lies among the bytes. */
  #at(no: number): number {
    if (no < this.#from || no >= this.#from + this.#held) {
      const read = this.#file.read(this.#bytes, headerBytes + (no - 1) * frameBytes);
      this.#from = no;
      this.#held = Math.max(1, Math.floor(read / frameBytes));
      this.#words = summedWords(this.#bytes, this.#isLittle);
    }
    return (no - this.#from) * frameBytes;
  }
}

/** In the order of bytes of the machine that made the log: so SQLite sums them. */
function summedWords(bytes: Uint8Array<ArrayBuffer>, isLittle: boolean): Int32Array {
  const isOurs = isLittle === (endianness() === "LE");
  const own = isOurs ? bytes : Buffer.from(bytes).swap32();
  return new Int32Array(own.buffer, own.byteOffset, own.length >> 2);
}

/** Over bytes from one place to another, both whole words. */
function chainOver(words: Int32Array, from: number, to: number, seed: Chain): Chain {
  let first = seed[0] | 0;
  let second = seed[1] | 0;
  for (let at = from >> 2; at < to >> 2; at += 2) {
    first = (first + (words[at] ?? 0) + second) | 0;
    second = (second + (words[at + 1] ?? 0) + first) | 0;
  }
  return [first >>> 0, second >>> 0];
}

function isStored(view: DataView, at: number, [first, second]: Chain): boolean {
  return view.getUint32(at) === first && view.getUint32(at + 4) === second;
}
