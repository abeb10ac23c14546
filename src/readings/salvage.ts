/** The chunks of a file whose footer cannot be believed: found by their heads, one after the other. */
import type { DiskFile } from "#ports/disk.ts";
import {
  chunkBytes,
  chunkHeadBytes,
  chunkMagic,
  headerBytes,
  readChunkHead,
  type ChunkEntry,
} from "./segmentLayout.ts";

const windowBytes = 1024 * 1024;

/** Every chunk whose head is whole. Behind a damaged head the next one is searched byte by byte. */
export function salvageChunks(file: DiskFile, sizeBytes: number): readonly ChunkEntry[] {
  const head = new Uint8Array(chunkHeadBytes);
  const found: ChunkEntry[] = [];
  let at = headerBytes;
  while (at >= 0 && at + chunkHeadBytes <= sizeBytes) {
    const entry = readChunkHead(head.subarray(0, file.read(head, at)), 0, at);
    const isNext = entry.ok && at + chunkBytes(entry.value) <= sizeBytes;
    // The footer repeats the heads without the chunks: numbers that do not rise are its own.
    if (isNext && entry.value.chunk > (found.at(-1)?.chunk ?? -1)) {
      found.push(entry.value);
      at += chunkBytes(entry.value);
    } else {
      at = nextHead(file, at + 1, sizeBytes);
    }
  }
  return found;
}

/** Place of the next bytes that begin like a chunk's head; -1: none. */
function nextHead(file: DiskFile, start: number, sizeBytes: number): number {
  const bytes = Buffer.alloc(windowBytes);
  const magic = Buffer.alloc(4);
  magic.writeUInt32LE(chunkMagic);
  for (let at = start; at < sizeBytes; at += windowBytes - magic.length) {
    const place = bytes.subarray(0, file.read(bytes, at)).indexOf(magic);
    if (place >= 0) return at + place;
  }
  return -1;
}
