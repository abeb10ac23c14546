/**
 * The bytes around the chunks of a segment. docs/READING-STORE.md draws them. Everything that a reader needs stands
 * twice: in front of each chunk, and in the footer. So neither a damaged footer nor a damaged chunk head costs a
 * reading, and each of both is found.
 */
import { crc32 } from "node:zlib";
import { fail, ok, type Result } from "#domain/result.ts";
import { ByteWriter } from "./byteWriter.ts";
import { chunkRowsMax } from "./columnCodec.ts";
import type { ReadingFault } from "#ports/readingStore.ts";

/** In the order of the bytes: MERCSEG1, MERCEND1, CHNK, FOOT. */
const fileMagic = 0x3147_4553_4352_454dn;
const endMagic = 0x3144_4e45_4352_454dn;
export const chunkMagic = 0x4b4e_4843;
const footerMagic = 0x544f_4f46;
/** What is written, and what can be read: a file of version 3 is one of version 4 without slopes. */
const formatVersion = 4;
const formatVersionMin = 3;

export const headerBytes = 48;
const framesPerChunk = 3;
export const chunkHeadBytes = 20 + 24 + framesPerChunk * 8 + 4;
/** No value of the schema's `peakPlace` in the chunk, or none above zero. */
export const noPeak = -1;
/** Length of the footer and the end mark. */
export const trailerBytes = 12;
/** A footer that claims more is refused before it is read. */
const footerBytesMax = 64 * 1024 * 1024;

export interface SegmentHeader {
  /** Kind of the schema: readings or roll-ups. */
  readonly kind: number;
  /** The file's number in the manifest. */
  readonly fileNo: number;
  /** No reading in it was measured outside: from (exclusive) to (inclusive). */
  readonly fromMs: number;
  readonly toMs: number;
}

export interface FrameEntry {
  readonly bytes: number;
  readonly crc: number;
}

export interface ChunkEntry {
  readonly chunk: number;
  readonly rows: number;
  readonly firstMeter: number;
  readonly lastMeter: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Highest value of the schema's `peakPlace`, or `noPeak`. */
  readonly peak: number;
  readonly frames: readonly FrameEntry[];
  /** Where the chunk's head begins. */
  readonly atByte: number;
}

export interface Footer {
  readonly rows: number;
  readonly chunks: readonly ChunkEntry[];
}

export function encodeHeader(header: SegmentHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(headerBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, fileMagic, true);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, header.kind, true);
  view.setBigInt64(16, BigInt(header.fileNo), true);
  view.setBigInt64(24, BigInt(header.fromMs), true);
  view.setBigInt64(32, BigInt(header.toMs), true);
  view.setUint32(40, framesPerChunk, true);
  view.setUint32(44, crc32(bytes.subarray(0, 44)), true);
  return bytes;
}

export function decodeHeader(bytes: Uint8Array): Result<SegmentHeader, ReadingFault> {
  if (bytes.length < headerBytes) return fail({ kind: "truncated", what: "header" });
  const view = viewOf(bytes);
  if (view.getUint32(44, true) !== crc32(bytes.subarray(0, 44))) return mismatch("header");
  const version = view.getUint32(8, true);
  const isOurs =
    view.getBigUint64(0, true) === fileMagic &&
    version >= formatVersionMin &&
    version <= formatVersion &&
    view.getUint32(40, true) === framesPerChunk;
  if (!isOurs) return fail({ kind: "unexpectedValue", what: "header" });
  return ok({
    kind: view.getUint32(12, true),
    fileNo: Number(view.getBigInt64(16, true)),
    fromMs: Number(view.getBigInt64(24, true)),
    toMs: Number(view.getBigInt64(32, true)),
  });
}

export function writeChunkHead(writer: ByteWriter, entry: ChunkEntry): void {
  const from = writer.length;
  writer.u32(chunkMagic);
  writer.u32(entry.chunk);
  writer.u32(entry.rows);
  writer.u32(entry.firstMeter);
  writer.u32(entry.lastMeter);
  writer.i64(entry.firstMs);
  writer.i64(entry.lastMs);
  writer.i64(entry.peak);
  for (const frame of entry.frames) {
    writer.u32(frame.bytes);
    writer.u32(frame.crc);
  }
  writer.u32(crc32(writer.written.subarray(from)));
}

/** One chunk's head; the same bytes stand in the footer. */
export function readChunkHead(
  bytes: Uint8Array,
  start: number,
  atByte: number,
): Result<ChunkEntry, ReadingFault> {
  const head = bytes.subarray(start, start + chunkHeadBytes);
  if (head.length < chunkHeadBytes) return fail({ kind: "truncated", what: "chunk head" });
  const view = viewOf(head);
  if (view.getUint32(0, true) !== chunkMagic) return mismatch("chunk head");
  const crcAt = chunkHeadBytes - 4;
  if (view.getUint32(crcAt, true) !== crc32(head.subarray(0, crcAt))) return mismatch("chunk head");
  const rows = view.getUint32(8, true);
  if (rows < 1 || rows > chunkRowsMax) return fail({ kind: "overLimit", what: "chunk rows" });
  const frames: FrameEntry[] = [];
  for (let at = 44; at < crcAt; at += 8) {
    frames.push({ bytes: view.getUint32(at, true), crc: view.getUint32(at + 4, true) });
  }
  return ok({
    chunk: view.getUint32(4, true),
    rows,
    firstMeter: view.getUint32(12, true),
    lastMeter: view.getUint32(16, true),
    firstMs: Number(view.getBigInt64(20, true)),
    lastMs: Number(view.getBigInt64(28, true)),
    peak: Number(view.getBigInt64(36, true)),
    frames,
    atByte,
  });
}

/** Bytes of a chunk with its head. */
export function chunkBytes(entry: ChunkEntry): number {
  return entry.frames.reduce((sum, frame) => sum + frame.bytes, chunkHeadBytes);
}

/** The footer with the trailer behind it. */
export function encodeFooter(footer: Footer): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.u32(footerMagic);
  writer.u32(footer.chunks.length);
  writer.i64(footer.rows);
  for (const entry of footer.chunks) writeChunkHead(writer, entry);
  writer.u32(crc32(writer.written));
  writer.u32(writer.length);
  const bytes = new Uint8Array(writer.length + 8);
  bytes.set(writer.written);
  new DataView(bytes.buffer).setBigUint64(writer.length, endMagic, true);
  return bytes;
}

/** Length of the footer in front of the trailer. */
export function decodeTrailer(bytes: Uint8Array): Result<number, ReadingFault> {
  if (bytes.length < trailerBytes) return fail({ kind: "truncated", what: "trailer" });
  const view = viewOf(bytes);
  if (view.getBigUint64(4, true) !== endMagic) return fail({ kind: "truncated", what: "end mark" });
  const length = view.getUint32(0, true);
  return length > footerBytesMax ? fail({ kind: "overLimit", what: "footer" }) : ok(length);
}

export function decodeFooter(bytes: Uint8Array): Result<Footer, ReadingFault> {
  const crcAt = bytes.length - 4;
  if (crcAt < 16) return fail({ kind: "truncated", what: "footer" });
  const view = viewOf(bytes);
  if (view.getUint32(crcAt, true) !== crc32(bytes.subarray(0, crcAt))) return mismatch("footer");
  const count = view.getUint32(4, true);
  const isWhole = view.getUint32(0, true) === footerMagic && 16 + count * chunkHeadBytes === crcAt;
  if (!isWhole) return fail({ kind: "unexpectedValue", what: "footer" });
  const chunks: ChunkEntry[] = [];
  let atByte = headerBytes;
  for (let chunk = 0; chunk < count; chunk += 1) {
    const entry = readChunkHead(bytes, 16 + chunk * chunkHeadBytes, atByte);
    if (!entry.ok) return entry;
    if (entry.value.chunk !== chunk) return fail({ kind: "unexpectedValue", what: "chunk number" });
    chunks.push(entry.value);
    atByte += chunkBytes(entry.value);
  }
  return ok({ rows: Number(view.getBigInt64(8, true)), chunks });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function mismatch(what: string): Result<never, ReadingFault> {
  return fail({ kind: "checksumMismatch", what });
}
