/**
 * One file of raw frames, byte by byte; all numbers little-endian, `crc` CRC-32 over what stands in front of it.
 *
 *     file    = "MERCFRM1" 8 | file number f64 | crc u32 | chunk 0 | chunk 1 | … | footer | trailer
 *     chunk   = head | one zstd frame of:  bytes of the list u32 | list (JSON) | the frames back to back
 *     head    = "FRMS" | number u32 | rows u32 | first seq f64 | last seq f64 | bytes u32 | crc of them u32 | crc u32
 *     footer  = "FOOT" | chunks u32 | the heads of all chunks | crc u32
 *     trailer = bytes of the footer u32 | "MERCEND1"
 *
 * Heads stand twice, so that a damaged footer costs nothing.
 */
import { crc32, constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { fail, ok, type Result } from "#domain/result.ts";
import type { UplinkRow } from "#ports/ledger.ts";

export const headBytes = 40;
export const fileHeaderBytes = 20;
export const trailerBytes = 12;
/** No chunk is larger when it is uncompressed. */
const chunkBytesMax = 64 * 1024 * 1024;
const zstdLevel = 6;

const chunkMagic = Buffer.from("FRMS");
const footMagic = Buffer.from("FOOT");

export interface ChunkHead {
  readonly chunk: number;
  readonly rows: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly bytes: number;
  readonly crc: number;
}

export function encodeFileHeader(fileNo: number): Buffer {
  const bytes = Buffer.alloc(fileHeaderBytes);
  bytes.write("MERCFRM1", 0, "latin1");
  bytes.writeDoubleLE(fileNo, 8);
  return sealed(bytes);
}

/** The number of the file, when its header is whole. */
export function decodeFileHeader(bytes: Buffer): number | undefined {
  const isWhole = bytes.length === fileHeaderBytes && isSealed(bytes);
  return isWhole && bytes.toString("latin1", 0, 8) === "MERCFRM1"
    ? bytes.readDoubleLE(8)
    : undefined;
}

/** The list has one array a frame: everything but the bytes, and how many these are. */
type Listed = readonly [number, number | null, string, string, number, string, number];

export function encodeChunk(
  chunk: number,
  rows: readonly UplinkRow[],
): { readonly head: ChunkHead; readonly bytes: Buffer } {
  const list = rows.map(
    ({ seq, meterNo, route, protocol, receivedAtMs, outcome, bytes }): Listed => [
      ...([seq, meterNo, route, protocol] as const),
      ...([receivedAtMs, outcome, bytes.length] as const),
    ],
  );
  const text = Buffer.from(JSON.stringify(list));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const plain = Buffer.concat([length, text, ...rows.map(({ bytes }) => bytes)]);
  const bytes = zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_compressionLevel]: zstdLevel },
  });
  const firstSeq = rows[0]?.seq ?? 0;
  const lastSeq = rows.at(-1)?.seq ?? 0;
  const facts = { chunk, rows: rows.length, firstSeq, lastSeq };
  return { head: { ...facts, bytes: bytes.length, crc: crc32(bytes) }, bytes };
}

export function decodeChunk(head: ChunkHead, bytes: Buffer): Result<readonly UplinkRow[], string> {
  if (bytes.length !== head.bytes) return fail("truncated");
  if (crc32(bytes) !== head.crc) return fail("checksumMismatch");
  let plain: Buffer;
  try {
    plain = zstdDecompressSync(bytes, { maxOutputLength: chunkBytesMax });
  } catch (cause) {
    return fail(cause instanceof Error ? cause.message : String(cause));
  }
  const listBytes = plain.readUInt32LE(0);
  const list = JSON.parse(plain.toString("utf8", 4, 4 + listBytes)) as readonly Listed[];
  let at = 4 + listBytes;
  const rows = list.map(([seq, meterNo, route, protocol, receivedAtMs, outcome, length]) => {
    const own = new Uint8Array(plain.subarray(at, at + length));
    at += length;
    return { seq, meterNo, route, protocol, receivedAtMs, outcome, bytes: own } as UplinkRow;
  });
  return rows.length === head.rows && at === plain.length ? ok(rows) : fail("row count");
}

export function encodeHead({ chunk, rows, firstSeq, lastSeq, bytes, crc }: ChunkHead): Buffer {
  const head = Buffer.alloc(headBytes);
  chunkMagic.copy(head);
  head.writeUInt32LE(chunk, 4);
  head.writeUInt32LE(rows, 8);
  head.writeDoubleLE(firstSeq, 12);
  head.writeDoubleLE(lastSeq, 20);
  head.writeUInt32LE(bytes, 28);
  head.writeUInt32LE(crc, 32);
  return sealed(head);
}

export function decodeHead(head: Buffer): ChunkHead | undefined {
  if (head.length !== headBytes || !head.subarray(0, 4).equals(chunkMagic)) return undefined;
  if (!isSealed(head)) return undefined;
  return {
    chunk: head.readUInt32LE(4),
    rows: head.readUInt32LE(8),
    firstSeq: head.readDoubleLE(12),
    lastSeq: head.readDoubleLE(20),
    bytes: head.readUInt32LE(28),
    crc: head.readUInt32LE(32),
  };
}

/** Footer and trailer. */
export function encodeFooter(heads: readonly ChunkHead[]): Buffer {
  const counts = Buffer.alloc(8);
  footMagic.copy(counts);
  counts.writeUInt32LE(heads.length, 4);
  const footer = sealed(Buffer.concat([counts, ...heads.map(encodeHead), Buffer.alloc(4)]));
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32LE(footer.length);
  trailer.write("MERCEND1", 4, "latin1");
  return Buffer.concat([footer, trailer]);
}

/** Bytes of the footer in front of the trailer. */
export function decodeTrailer(bytes: Buffer): number | undefined {
  const isOne = bytes.length === trailerBytes && bytes.toString("latin1", 4) === "MERCEND1";
  return isOne ? bytes.readUInt32LE(0) : undefined;
}

export function decodeFooter(bytes: Buffer): readonly ChunkHead[] | undefined {
  if (bytes.length < 12 || !bytes.subarray(0, 4).equals(footMagic) || !isSealed(bytes)) {
    return undefined;
  }
  const heads = Array.from({ length: bytes.readUInt32LE(4) }, (_none, place) => {
    const at = 8 + place * headBytes;
    return decodeHead(bytes.subarray(at, at + headBytes));
  });
  const whole = heads.filter((head) => head !== undefined);
  return whole.length === heads.length ? whole : undefined;
}

/** Where the next chunk begins in these bytes; -1: nowhere. */
export function findChunk(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(chunkMagic, from); at >= 0; at = bytes.indexOf(chunkMagic, at + 1)) {
    if (decodeHead(bytes.subarray(at, at + headBytes)) !== undefined) return at;
  }
  return -1;
}

/** Writes the checksum over the rest into the last four bytes. */
function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

function isSealed(bytes: Buffer): boolean {
  return bytes.readUInt32LE(bytes.length - 4) === crc32(bytes.subarray(0, -4));
}
