/** Every checksum of one segment, both copies of each head, the order of its rows and its counts. */
import type { DamagedPlace, ReadingFault } from "#ports/readingStore.ts";
import { RowTable } from "./rowTable.ts";
import { readingSchema } from "./schema.ts";
import type { ChunkEntry } from "./segmentLayout.ts";
import type { SegmentReader } from "./segmentReader.ts";
import { peakOf } from "./segmentWriter.ts";

/** What is wrong, the first place first; empty: every byte is as it was written. `rest`: between two chunks. */
export function verifySegment(
  reader: SegmentReader,
  rest: () => void = () => undefined,
): readonly DamagedPlace[] {
  const found = [...reader.openingDamage];
  const table = new RowTable(reader.schema.columns.length, 1_024);
  let before: Key = { meterNo: -Infinity, atMs: -Infinity };
  for (const entry of reader.chunks) {
    const note = (fault: ReadingFault | undefined): void => {
      if (fault) found.push({ file: reader.path, chunk: entry.chunk, fault });
    };
    note(reader.verifyHead(entry));
    const damage = reader.readChunk(entry, table, null);
    if (damage) found.push(damage);
    else {
      note(contentFault(entry, table, before, reader));
      const last = table.count - 1;
      before = { meterNo: table.value(0, last), atMs: table.value(1, last) };
    }
    rest();
  }
  return found;
}

interface Key {
  readonly meterNo: number;
  readonly atMs: number;
}

/** Rows in order, and within what the head says of them. */
function contentFault(
  entry: ChunkEntry,
  table: RowTable,
  before: Key,
  reader: SegmentReader,
): ReadingFault | undefined {
  const isByTime = reader.schema === readingSchema;
  const meters = table.column(0);
  const times = table.column(1);
  const { firstMs, lastMs } = entry;
  let { meterNo, atMs } = before;
  for (let row = 0; row < table.count; row += 1) {
    const meter = meters[row] ?? NaN;
    const at = times[row] ?? NaN;
    const isAfter = meter > meterNo || (isByTime && meter === meterNo && at >= atMs);
    if (!isAfter) return { kind: "unexpectedValue", what: "order of rows" };
    if (at < firstMs || at > lastMs) return { kind: "outOfRange", what: "time" };
    meterNo = meter;
    atMs = at;
  }
  const fits =
    table.value(0, 0) === entry.firstMeter &&
    meterNo === entry.lastMeter &&
    peakOf(table, reader.schema.peakPlace) === entry.peak;
  const { header } = reader;
  const isInside =
    !isByTime || header === null || (entry.firstMs > header.fromMs && entry.lastMs <= header.toMs);
  return fits && isInside ? undefined : { kind: "unexpectedValue", what: "chunk head" };
}
