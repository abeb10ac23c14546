/** Every checksum, sequence and cross-count of the store; the first bad place stands first. */
import type { DamagedPlace } from "#ports/readingStore.ts";
import { HotBatchCodec } from "./hotBatch.ts";
import { isSegment, type Manifest, type ManifestFile } from "./manifest.ts";
import type { ListedFile } from "./segmentFiles.ts";
import type { SegmentReader } from "./segmentReader.ts";
import { verifySegment } from "./verifySegment.ts";

/** Empty: everything that was stored is there, once, as it was written. */
export function verifyStore(
  store: { openFiles(): readonly ListedFile[] },
  manifest: Manifest,
): readonly DamagedPlace[] {
  const integrity = manifest.integrity();
  const database = integrity === "ok" ? [] : [wrong("database", integrity)];
  return [...verifyFiles(store.openFiles()), ...verifyManifest(manifest), ...database];
}

/** Every byte of the files, and that they are those of the manifest. `rest`: between two chunks. */
export function verifyFiles(
  files: readonly ListedFile[],
  rest?: () => void,
): readonly DamagedPlace[] {
  const found: DamagedPlace[] = [];
  for (const { file, reader } of files) {
    if (reader === undefined) found.push(wrong(file.name, "missing file"));
    else found.push(...verifySegment(reader, rest), ...fileFaults(file, reader));
  }
  return found;
}

/** Hot batches, flushes and counts; in one read of the database. */
export function verifyManifest(manifest: Manifest): readonly DamagedPlace[] {
  return [...batchFaults(manifest), ...countFaults(manifest)];
}

function wrong(file: string, what: string, chunk: number | null = null): DamagedPlace {
  return { file, chunk, fault: { kind: "unexpectedValue", what } };
}

/** The file is the one that the manifest means. */
function fileFaults(file: ManifestFile, reader: SegmentReader): readonly DamagedPlace[] {
  const { header } = reader;
  const facts = [
    ["size", file.bytes, reader.sizeBytes],
    ["rows", file.rows, reader.rows],
    ["chunks", file.chunks, reader.chunks.length],
    ["file number", file.no, header?.fileNo ?? file.no],
    ["first time", file.fromMs, header?.fromMs ?? file.fromMs],
    ["last time", file.toMs, header?.toMs ?? file.toMs],
  ] as const;
  return facts
    .filter(([, expected, actual]) => expected !== actual)
    .map(([what, expected, actual]) => wrong(reader.path, `${what}: ${actual}, not ${expected}`));
}

/** Hot batches are whole and follow one another without a gap. */
function batchFaults(manifest: Manifest): readonly DamagedPlace[] {
  const codec = new HotBatchCodec();
  const found: DamagedPlace[] = [];
  let expected = manifest.flushedTo + 1;
  for (const { no, rows, bytes } of manifest.batches(Number.MAX_SAFE_INTEGER)) {
    if (no !== expected) found.push(wrong("reading_batch", `gap before ${no}`, expected));
    const batch = codec.decode(no, bytes);
    if (!batch.ok) found.push({ file: "reading_batch", chunk: no, fault: batch.fault });
    else if (batch.value.count !== rows) found.push(wrong("reading_batch", "rows", no));
    expected = no + 1;
  }
  for (const no of manifest.damagedBatches()) {
    found.push(wrong("reading_batch_damaged", "a batch was set aside", no));
  }
  return found;
}

/**
 * Flushes follow one another, and what they kept is in the segments that count, less what merges found repeated and
 * what was retired.
 */
function countFaults(manifest: Manifest): readonly DamagedPlace[] {
  const found: DamagedPlace[] = [];
  let flushedTo = 0;
  let kept = 0;
  for (const flush of manifest.flushes()) {
    if (flush.fromNo !== flushedTo + 1) {
      found.push(wrong("reading_flush", `gap before ${flush.fromNo}`, flush.toNo));
    }
    if (flush.rows !== flush.kept + flush.repeated) {
      found.push(wrong("reading_flush", "rows", flush.toNo));
    }
    flushedTo = flush.toNo;
    kept += flush.kept;
  }
  const counting = manifest
    .files()
    .filter(isSegment)
    .reduce((sum, { rows }) => sum + rows, 0);
  const expected = kept - manifest.repeatedInMerges - manifest.retiredRows;
  if (counting !== expected) {
    found.push(wrong("reading_file", `rows: ${counting}, not ${expected}`));
  }
  return found;
}
