/** Writes one archive file beside the writer, and reads it back in full. It changes nothing in the ledger. */
import { dirname, join } from "node:path";
import type { Disk } from "#ports/disk.ts";
import type { UplinkRow } from "#ports/ledger.ts";
import {
  encodeChunk,
  encodeFileHeader,
  encodeFooter,
  encodeHead,
  type ChunkHead,
} from "./frameFile.ts";
import type { FrameFileRow, FrameList } from "./frameList.ts";
import { FrameReader } from "./frameReader.ts";

const chunkRows = 1_024;
const chunkBytesMax = 8 * 1024 * 1024;
const partSuffix = ".part";

export interface ArchiveWork {
  readonly kind: "archive";
  readonly no: number;
  readonly name: string;
  readonly afterSeq: number;
  readonly toSeq: number;
}

export interface ArchiveMade {
  readonly file: Omit<FrameFileRow, "removedTo">;
  readonly seqs: readonly number[];
}

/** null: there is no frame to be archived. */
export function archiveFrames(
  disk: Disk,
  folder: string,
  list: FrameList,
  { no, name, afterSeq, toSeq }: ArchiveWork,
): ArchiveMade | null {
  const path = join(folder, name);
  const heads: ChunkHead[] = [];
  const seqs: number[] = [];
  let bytes = 0;
  let firstAtMs = Infinity;
  let lastAtMs = -Infinity;
  const out = disk.create(`${path}${partSuffix}`);
  const write = (part: Buffer): void => {
    out.write(part);
    bytes += part.length;
  };
  try {
    write(encodeFileHeader(no));
    for (const rows of chunksOf(list.frames(afterSeq, toSeq))) {
      const chunk = encodeChunk(heads.length, rows);
      write(encodeHead(chunk.head));
      write(chunk.bytes);
      heads.push(chunk.head);
      for (const { seq, receivedAtMs } of rows) {
        seqs.push(seq);
        firstAtMs = Math.min(firstAtMs, receivedAtMs);
        lastAtMs = Math.max(lastAtMs, receivedAtMs);
      }
    }
    write(encodeFooter(heads));
    out.sync();
  } finally {
    out.close();
  }
  if (seqs.length === 0) {
    disk.remove(`${path}${partSuffix}`);
    return null;
  }
  disk.rename(`${path}${partSuffix}`, path);
  disk.syncFolder(dirname(path));
  readBack(disk, path, seqs.length);
  const [firstSeq = 0] = seqs;
  const lastSeq = seqs.at(-1) ?? 0;
  const counts = { rows: seqs.length, chunks: heads.length, bytes };
  return { file: { no, name, firstSeq, lastSeq, ...counts, firstAtMs, lastAtMs }, seqs };
}

function* chunksOf(rows: Iterable<UplinkRow>): Iterable<readonly UplinkRow[]> {
  let chunk: UplinkRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    chunk.push(row);
    bytes += row.bytes.length;
    if (chunk.length < chunkRows && bytes < chunkBytesMax) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

/** Every checksum of the new file, as the disk gives it back. */
function readBack(disk: Disk, path: string, rowsWanted: number): void {
  const reader = new FrameReader(disk, path);
  const [damage] = reader.verify();
  reader.close();
  const rows = reader.chunks.reduce((sum, { head }) => sum + head.rows, 0);
  if (damage !== undefined || rows !== rowsWanted) {
    throw new TypeError(`${path} does not read back: ${damage?.fault.what ?? "row count"}`);
  }
}
