/**
 * SQLite's write-ahead log, read beside SQLite (sqlite.org/fileformat2.html, section 4): which pages stand in it, and
 * whether it is as it was written. SQLite takes everything behind the first bad frame for a torn tail and drops it
 * without a word; here a tail that was torn is told from transactions that were durable and are damaged.
 */
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
  const head = Buffer.alloc(headerBytes);
  return file.read(head, 0) === headerBytes ? head.readBigUInt64BE(16) : 0n;
}

/**
 * `whole`: every frame, and a look at what stands behind the last good one. `new`: beside a writer, only what is not
 * settled yet.
 */
export function readWal(file: DiskFile, known: KnownWal, what: "whole" | "new"): WalPart {
  const head = Buffer.alloc(headerBytes);
  const framesInFile = Math.floor((file.sizeBytes() - headerBytes) / frameBytes);
  if (file.read(head, 0) < headerBytes || framesInFile < 1) return nothing;
  const isLittle = head.readUInt32BE(0) === magicLittle;
  const reader = new FrameReader(file, framesInFile, isLittle);
  const chain = chainOver(head, 0, 24, [0, 0], isLittle);
  const isHeader =
    (isLittle || head.readUInt32BE(0) === magicBig) &&
    head.readUInt32BE(8) === pageBytes &&
    isStored(head, 24, chain);
  if (!isHeader) return { ...nothing, damagedFrame: isHeaderNeeded(reader, known) ? 0 : null };
  const salts = head.readBigUInt64BE(16);
  const isKnown = salts === known.salts;
  const after = what === "new" && isKnown && known.settled <= framesInFile ? known.settled : 0;
  const seed = after === 0 ? chain : reader.storedChain(after);
  const { frame, lastChain, ...part } = walk(reader, salts, after, seed);
  const isDamaged =
    (isKnown && after + part.pages.length < known.durable) ||
    (what === "whole" && isFollowed(reader, frame, salts, lastChain));
  return { ...part, damagedFrame: isDamaged ? frame : null };
}

/** Every frame of the ledger's log; none where there is no log. */
export function readWholeWal(disk: Disk, path: string, known: KnownWal): WalPart {
  const file = openIfThere(disk, path);
  if (file === null) return nothing;
  try {
    return readWal(file, known, "whole");
  } finally {
    file.close();
  }
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
    const view = reader.frame(frame);
    lastChain = reader.chainTo(view, lastChain);
    if (view.readBigUInt64BE(8) !== salts || !isStored(view, 16, lastChain)) break;
    const page = view.readUInt32BE(0);
    pages.push(page);
    sums.push(pageSum(page, view.subarray(frameHeadBytes)));
    commits.push(view.readUInt32BE(4));
    if (commits.at(-1) !== 0) committed = pages.length;
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
  const first = reader.frame(bad);
  let isEnded = first.readUInt32BE(4) !== 0 && first.readBigUInt64BE(8) === salts;
  let seeds: readonly Chain[] = [computed, storedIn(first, 16)];
  for (let frame = bad + 1; frame <= reader.count; frame += 1) {
    const view = reader.frame(frame);
    const isOurs = view.readBigUInt64BE(8) === salts;
    const isLinked = seeds.some((seed) => isStored(view, 16, reader.chainTo(view, seed)));
    if (isOurs && isLinked && isEnded) return true;
    if (isOurs && view.readUInt32BE(4) !== 0) isEnded = true;
    seeds = [storedIn(view, 16)];
  }
  return false;
}

/** A header that was torn when the log began anew costs nothing: all that stood in the log was in the main file. */
function isHeaderNeeded(reader: FrameReader, known: KnownWal): boolean {
  const salts = reader.frame(1).readBigUInt64BE(8);
  if (salts !== known.salts || known.settled < known.durable) return true;
  const next = known.settled + 1;
  if (known.settled === 0 || next > reader.count) return known.settled === 0;
  const seed = reader.storedChain(known.settled);
  const view = reader.frame(next);
  return view.readBigUInt64BE(8) === salts && isStored(view, 16, reader.chainTo(view, seed));
}

class FrameReader {
  readonly count: number;
  readonly #file: DiskFile;
  readonly #isLittle: boolean;
  readonly #buffer = Buffer.alloc(framesAtOnce * frameBytes);
  #from = 1;
  #held = 0;

  constructor(file: DiskFile, count: number, isLittle: boolean) {
    this.#file = file;
    this.count = count;
    this.#isLittle = isLittle;
  }

  /** Valid until the next call. */
  frame(no: number): Buffer {
    if (no < this.#from || no >= this.#from + this.#held) {
      const read = this.#file.read(this.#buffer, headerBytes + (no - 1) * frameBytes);
      this.#from = no;
      this.#held = Math.max(1, Math.floor(read / frameBytes));
    }
    const at = (no - this.#from) * frameBytes;
    return this.#buffer.subarray(at, at + frameBytes);
  }

  storedChain(no: number): Chain {
    return storedIn(this.frame(no), 16);
  }

  chainTo(view: Buffer, seed: Chain): Chain {
    const chain = chainOver(view, 0, 8, seed, this.#isLittle);
    return chainOver(view, frameHeadBytes, frameBytes, chain, this.#isLittle);
  }
}

function chainOver(bytes: Buffer, from: number, to: number, seed: Chain, isLittle: boolean): Chain {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [first, second] = seed;
  for (let at = from; at < to; at += 8) {
    first = (first + view.getUint32(at, isLittle) + second) >>> 0;
    second = (second + view.getUint32(at + 4, isLittle) + first) >>> 0;
  }
  return [first, second];
}

function storedIn(view: Buffer, at: number): Chain {
  return [view.readUInt32BE(at), view.readUInt32BE(at + 4)];
}

function isStored(view: Buffer, at: number, [first, second]: Chain): boolean {
  return view.readUInt32BE(at) === first && view.readUInt32BE(at + 4) === second;
}
