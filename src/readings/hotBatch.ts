/** One batch of readings in the order of their arrival, as one value of one row: a chunk with its head. */
import { crc32 } from "node:zlib";
import { fail, ok, type Result } from "#domain/result.ts";
import type { ReadingFault } from "#ports/readingStore.ts";
import { ByteWriter } from "./byteWriter.ts";
import { FrameCodec } from "./frameCodec.ts";
import { RowTable } from "./rowTable.ts";
import { readingSchema } from "./schema.ts";
import { chunkHeadBytes, readChunkHead, writeChunkHead } from "./segmentLayout.ts";

/** The hot part is rewritten within hours: speed before size. */
const hotLevel = 1;
const numberRange = 2 ** 32;

/** One thread's coder of batches. */
export class HotBatchCodec {
  readonly #codec = new FrameCodec(readingSchema);
  readonly #writer = new ByteWriter();

  /** The batch's number goes into its head, so that a batch in another's place is noticed. */
  encode(no: number, table: RowTable): Uint8Array<ArrayBuffer> {
    const frames = this.#codec.encode(table, hotLevel);
    this.#writer.clear();
    writeChunkHead(this.#writer, {
      chunk: no % numberRange,
      rows: table.count,
      firstMeter: 0,
      lastMeter: 0,
      firstMs: 0,
      lastMs: 0,
      frames: frames.map((frame) => ({ bytes: frame.length, crc: crc32(frame) })),
      atByte: 0,
    });
    for (const frame of frames) this.#writer.bytes(frame);
    return this.#writer.written;
  }

  /** The batch's rows, in a table of their own. */
  decode(no: number, bytes: Uint8Array): Result<RowTable, ReadingFault> {
    const head = readChunkHead(bytes, 0, 0);
    if (!head.ok) return head;
    if (head.value.chunk !== no % numberRange) {
      return fail({ kind: "unexpectedValue", what: "batch number" });
    }
    const table = new RowTable(readingSchema.columns.length, head.value.rows);
    table.count = head.value.rows;
    let at = chunkHeadBytes;
    for (const [frame, { bytes: length, crc }] of head.value.frames.entries()) {
      const part = bytes.subarray(at, at + length);
      at += length;
      if (crc32(part) !== crc) return fail({ kind: "checksumMismatch", what: "batch" });
      const fault = this.#codec.decode(part, frame, table, null);
      if (fault) return fail(fault);
    }
    return at === bytes.length ? ok(table) : fail({ kind: "trailingBytes", what: "batch" });
  }
}
