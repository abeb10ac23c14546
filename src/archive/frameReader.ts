/** Reads one archive file: frames by their number. A damaged place costs its chunk and is told. */
import type { Disk, DiskFile } from "#ports/disk.ts";
import type { UplinkRow } from "#ports/ledger.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import {
  decodeChunk,
  decodeFileHeader,
  decodeFooter,
  decodeHead,
  decodeTrailer,
  encodeHead,
  fileHeaderBytes,
  findChunk,
  headBytes,
  trailerBytes,
  type ChunkHead,
} from "./frameFile.ts";

export interface PlacedChunk {
  readonly head: ChunkHead;
  readonly atByte: number;
}

export class FrameReader {
  readonly path: string;
  readonly sizeBytes: number;
  readonly chunks: readonly PlacedChunk[];
  /** What opening found. */
  readonly openingDamage: readonly DamagedPlace[];
  readonly #file: DiskFile;

  constructor(disk: Disk, path: string) {
    this.path = path;
    this.#file = disk.open(path);
    this.sizeBytes = this.#file.sizeBytes();
    const damage: DamagedPlace[] = [];
    const note = (what: string) => damage.push(this.#damaged(null, what));
    if (decodeFileHeader(this.#read(0, fileHeaderBytes)) === undefined) note("header");
    const heads = this.#footer();
    if (heads === undefined) note("footer");
    this.chunks = heads === undefined ? this.#salvaged() : placed(heads);
    this.openingDamage = damage;
  }

  close(): void {
    this.#file.close();
  }

  /** Frames of a chunk, or why there are none. */
  rows({ head, atByte }: PlacedChunk): readonly UplinkRow[] | DamagedPlace {
    const rows = decodeChunk(head, this.#read(atByte + headBytes, head.bytes));
    return rows.ok ? rows.value : this.#damaged(head.chunk, rows.fault);
  }

  /** Every byte against its checksum; the first damaged place stands first. */
  verify(): readonly DamagedPlace[] {
    const found = [...this.openingDamage];
    for (const [place, chunk] of this.chunks.entries()) {
      const rows = this.rows(chunk);
      if (!isRows(rows)) found.push(rows);
      const front = this.#read(chunk.atByte, headBytes);
      if (!front.equals(encodeHead(chunk.head))) found.push(this.#damaged(place, "chunk head"));
      if (chunk.head.chunk !== place) found.push(this.#damaged(place, "gap in the chunks"));
    }
    return found;
  }

  #footer(): readonly ChunkHead[] | undefined {
    const length = decodeTrailer(this.#read(this.sizeBytes - trailerBytes, trailerBytes));
    if (length === undefined) return undefined;
    const at = this.sizeBytes - trailerBytes - length;
    return at < fileHeaderBytes ? undefined : decodeFooter(this.#read(at, length));
  }

  /** From the heads in front of the chunks. */
  #salvaged(): readonly PlacedChunk[] {
    const bytes = this.#read(0, this.sizeBytes);
    const found: PlacedChunk[] = [];
    let at = findChunk(bytes, fileHeaderBytes);
    while (at >= 0) {
      const head = decodeHead(bytes.subarray(at, at + headBytes));
      if (head === undefined) break;
      found.push({ head, atByte: at });
      const next = at + headBytes + head.bytes;
      at = findChunk(bytes, next <= bytes.length ? next : at + 1);
    }
    // The footer repeats the heads: what has no room for its frames is one of those.
    return found.filter(({ head, atByte }) => this.#fits(head, atByte));
  }

  #fits(head: ChunkHead, atByte: number): boolean {
    return decodeChunk(head, this.#read(atByte + headBytes, head.bytes)).ok;
  }

  #read(atByte: number, length: number): Buffer {
    if (atByte < 0) return Buffer.alloc(0);
    const bytes = Buffer.alloc(Math.min(length, Math.max(0, this.sizeBytes - atByte)));
    return bytes.subarray(0, this.#file.read(bytes, atByte));
  }

  #damaged(chunk: number | null, what: string): DamagedPlace {
    const kind = what === "checksumMismatch" ? "checksumMismatch" : "unexpectedValue";
    return { file: this.path, chunk, fault: { kind, what } };
  }
}

/** Frames, and not a damaged place. */
export function isRows(rows: readonly UplinkRow[] | DamagedPlace): rows is readonly UplinkRow[] {
  return Array.isArray(rows);
}

function placed(heads: readonly ChunkHead[]): readonly PlacedChunk[] {
  let at = fileHeaderBytes;
  return heads.map((head) => {
    const atByte = at;
    at += headBytes + head.bytes;
    return { head, atByte };
  });
}
