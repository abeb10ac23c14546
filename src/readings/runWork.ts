/** Does one piece of work: reads batches or segments, writes whole files, and reads them back in full. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { unreachable } from "#domain/invariant.ts";
import type { Disk } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import { CodeRoom } from "./codeRoom.ts";
import { dateOfDay, type GasCalendar } from "./gasDay.ts";
import { dealtRows, SeqRange } from "./flushRows.ts";
import { LastRows } from "./lastRows.ts";
import { isRemake, type Work, type WorkMade, type WorkResult, type WorkRunner } from "./work.ts";
import type { PlannedFile } from "./work.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { mergeRows, type MergeCounts } from "./mergeRows.ts";
import { RollUpBuilder, closingPlaces, rolledUpPlaces } from "./rollUp.ts";
import { readingPlaces, readingSchema, rollUpSchema, type Schema } from "./schema.ts";
import { SegmentCursor } from "./segmentCursor.ts";
import { openSegment } from "./segmentFiles.ts";
import { SegmentReader } from "./segmentReader.ts";
import { SegmentWriter, type SegmentSettings, type SegmentSummary } from "./segmentWriter.ts";
import { verifySegment } from "./verifySegment.ts";

export interface WorkParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly calendar: GasCalendar;
  /** Read only. */
  readonly manifest: Manifest;
  readonly settings: Readonly<Record<"day" | "month" | "rollup", SegmentSettings>>;
}

/** What a store uses unless it is told otherwise. */
export const segmentSettings: WorkParts["settings"] = {
  day: { chunkRows: 2_048, level: 1 },
  month: { chunkRows: 8_192, level: 3 },
  rollup: { chunkRows: 2_048, level: 3 },
};

/** Does the work on the thread that asks. */
export function localRunner(parts: WorkParts): WorkRunner {
  return { run: (work) => Promise.resolve().then(() => runWork(parts, work)) };
}

export function runWork(parts: WorkParts, work: Work): WorkResult {
  switch (work.kind) {
    case "flush":
      return flush(parts, work.toNo, work.firstFileNo);
    case "merge":
      return merge(parts, work.inputs, work.output);
    case "rollUp":
      return rollUp(parts, work);
    case "retire":
      return retire(parts, work);
    default:
      return unreachable(work);
  }
}

/** This thread's, for it does one piece of work after the other. */
const flushRoom = new CodeRoom();

function flush(parts: WorkParts, toNo: number, firstFileNo: number): WorkResult {
  flushRoom.clear();
  const { hot, damagedBatches } = dealtRows(parts.manifest, toNo, parts.calendar, flushRoom);
  const files: ManifestFile[] = [];
  let kept = 0;
  for (const dealt of hot.days) {
    const { day } = dealt;
    const fileNo = firstFileNo + files.length;
    const output: PlannedFile = {
      no: fileNo,
      kind: "day",
      name: `${dateOfDay(day)}.${fileNo}.day`,
      fromDay: day,
      toDay: day + 1,
      fromMs: parts.calendar.startOf(day),
      toMs: parts.calendar.startOf(day + 1),
      reason: "flush",
    };
    const writer = openWriter(parts, output, readingSchema);
    const seqs = new SeqRange();
    const summary = complete(writer, () => {
      for (const group of hot.sorted(dealt)) {
        writer.addOrdered(group);
        seqs.take(group);
      }
    });
    const damage = readBack(parts, summary, readingSchema);
    if (damage) return { ok: false, damage };
    files.push({ ...listed(output, summary, []), ...seqs.range });
    kept += summary.rows;
  }
  const rows = hot.count;
  const found = { rows, repeated: rows - kept, damagedBatches };
  return { ok: true, files, ...found, closingsChanged: false, hashes: {} };
}

function merge(parts: WorkParts, inputs: readonly ManifestFile[], output: PlannedFile): WorkResult {
  const written = rewrite(parts, inputs, output, mergeRows);
  if (!written.ok) return written;
  const { summary, rows, repeated } = written;
  if (summary.rows !== rows - repeated) return { ok: false, damage: wrongCount(output.name) };
  return made(listed(output, summary, inputs, repeated), rows, repeated);
}

function retire(
  parts: WorkParts,
  { inputs, rollUps, output }: Extract<Work, { kind: "retire" }>,
): WorkResult {
  const written = rewrite(parts, inputs, output, (cursors, writer) => {
    const last = new LastRows(writer);
    const counts = mergeRows(cursors, last);
    last.finish();
    return counts;
  });
  if (!written.ok) return written;
  const hashes: Record<string, string> = {};
  for (const { name } of [...inputs, ...rollUps]) hashes[name] = hashOf(parts, name);
  return { ...made(listed(output, written.summary, inputs), written.summary.rows, 0), hashes };
}

type Damaged = Extract<WorkResult, { readonly ok: false }>;

type Rewritten =
  | Damaged
  | {
      readonly ok: true;
      readonly summary: SegmentSummary;
      readonly rows: number;
      readonly repeated: number;
    };

/** One file of several, read back; `write` passes on what is to be kept. */
function rewrite(
  parts: WorkParts,
  inputs: readonly ManifestFile[],
  output: PlannedFile,
  write: (cursors: readonly SegmentCursor[], writer: SegmentWriter) => MergeCounts,
): Rewritten {
  return withReaders(parts, inputs, (readers): Rewritten => {
    const writer = openWriter(parts, output, readingSchema);
    const cursors = readers.map((reader) => new SegmentCursor(reader));
    let counts: MergeCounts = { rows: 0, repeated: 0, damage: undefined };
    const summary = complete(writer, () => {
      counts = write(cursors, writer);
      return counts.damage === undefined;
    });
    const { rows, repeated } = counts;
    if (counts.damage) return { ok: false, damage: counts.damage };
    const expected = inputs.reduce((sum, input) => sum + input.rows, 0);
    if (rows !== expected) return { ok: false, damage: wrongCount(output.name) };
    const damage = readBack(parts, summary, readingSchema);
    return damage ? { ok: false, damage } : { ok: true, summary, rows, repeated };
  });
}

function made(
  file: ManifestFile,
  rows: number,
  repeated: number,
  closingsChanged = false,
): WorkMade {
  const none = { damagedBatches: [], hashes: {} };
  return { ok: true, files: [file], rows, repeated, ...none, closingsChanged };
}

const hashedAtOnceBytes = 1024 * 1024;

/** Of all bytes of a file, as they are read: of a sealed one what it holds. */
function hashOf({ disk, folder }: WorkParts, name: string): string {
  const file = disk.open(join(folder, name));
  try {
    const hash = createHash("sha256");
    const piece = new Uint8Array(hashedAtOnceBytes);
    const sizeBytes = file.sizeBytes();
    for (let at = 0; at < sizeBytes; at += hashedAtOnceBytes) {
      hash.update(piece.subarray(0, file.read(piece, at)));
    }
    return hash.digest("hex");
  } finally {
    file.close();
  }
}

function rollUp(parts: WorkParts, work: Extract<Work, { kind: "rollUp" }>): WorkResult {
  const { inputs, output, previous, former } = work;
  const earlier = previous === null ? [] : [previous];
  return withReaders(parts, inputs, (readers) =>
    withReaders(parts, earlier, ([before]) => {
      const writer = openWriter(parts, output, rollUpSchema);
      const carried = before === undefined ? null : new SegmentCursor(before, closingPlaces);
      const builder = new RollUpBuilder(work.night, carried, writer);
      // The last retired day ends with what is left of all before it, whenever that was said.
      const span = inputs.some(({ kind }) => kind === "last") ? null : output;
      const cursors = readers.map(
        (reader) => new SegmentCursor(reader, rolledUpPlaces, span, readingPlaces.revision),
      );
      let damage: DamagedPlace | undefined;
      const summary = complete(writer, () => {
        damage = mergeRows(cursors, builder).damage;
        builder.finish();
        damage ??= carried?.damage;
        return damage === undefined;
      });
      damage ??= readBack(parts, summary, rollUpSchema);
      if (damage) return { ok: false, damage };
      // Nobody can say what a damaged one handed on to the next day: that one is looked at too.
      const isUnknown = former === null || isRemake(work);
      const closingsChanged = isUnknown || !hasSameClosings(parts, former, output);
      return made(listed(output, summary, inputs), summary.rows, 0, closingsChanged);
    }),
  );
}

function hasSameClosings(parts: WorkParts, former: ManifestFile, made: PlannedFile): boolean {
  const open = ({ name }: { name: string }) =>
    new SegmentReader(parts.disk, join(parts.folder, name), rollUpSchema);
  const [one, other] = [open(former), open(made)];
  const isSame = sameRows(
    new SegmentCursor(one, closingPlaces),
    new SegmentCursor(other, closingPlaces),
  );
  one.close();
  other.close();
  return isSame;
}

function sameRows(one: SegmentCursor, other: SegmentCursor): boolean {
  while (!one.isAtEnd && !other.isAtEnd) {
    for (const place of closingPlaces) {
      if (!Object.is(one.table.value(place, one.row), other.table.value(place, other.row))) {
        return false;
      }
    }
    one.advance(one.row + 1);
    other.advance(other.row + 1);
  }
  return one.isAtEnd && other.isAtEnd && !one.damage && !other.damage;
}

function openWriter(parts: WorkParts, output: PlannedFile, schema: Schema): SegmentWriter {
  const header = { fileNo: output.no, fromMs: output.fromMs, toMs: output.toMs };
  const settings = parts.settings[output.kind === "last" ? "month" : output.kind];
  return new SegmentWriter(parts.disk, parts.folder, output.name, schema, header, settings);
}

/** Writes and finishes; what was begun is removed when the writing fails or says no. */
function complete(writer: SegmentWriter, write: () => boolean | void): SegmentSummary {
  try {
    if (write() !== false) return writer.finish();
  } catch (cause) {
    writer.abandon();
    throw cause;
  }
  return writer.abandon();
}

function listed(
  output: PlannedFile,
  summary: SegmentSummary,
  inputs: readonly ManifestFile[],
  repeated = 0,
): ManifestFile {
  const { rows, chunks, bytes, firstMs, lastMs } = summary;
  const madeFrom = JSON.stringify(inputs.map(({ no }) => no));
  const { no, kind, name, fromDay, toDay, fromMs, toMs, reason } = output;
  const file = { no, kind, name, fromDay, toDay, fromMs, toMs, reason };
  const firstSeq = inputs.reduce((least, input) => Math.min(least, input.firstSeq), Infinity);
  const lastSeq = inputs.reduce((most, input) => Math.max(most, input.lastSeq), 0);
  const numbers = kind === "rollup" || lastSeq === 0 ? [0, 0] : [firstSeq, lastSeq];
  const seqs = { firstSeq: numbers[0] ?? 0, lastSeq: numbers[1] ?? 0 };
  return { ...file, ...seqs, rows, chunks, bytes, firstMs, lastMs, madeFrom, repeated, stale: 0 };
}

/** Every checksum of a new file, as the disk gives it back. */
function readBack(
  parts: WorkParts,
  summary: SegmentSummary,
  schema: Schema,
): DamagedPlace | undefined {
  if (summary.chunks === 0 && summary.rows === 0 && summary.bytes === 0) return undefined;
  const path = join(parts.folder, summary.file);
  const reader = new SegmentReader(parts.disk, path, schema, summary.chunks);
  const [damage] = verifySegment(reader);
  reader.close();
  return damage ?? (reader.rows === summary.rows ? undefined : wrongCount(path));
}

function wrongCount(file: string): DamagedPlace {
  return { file, chunk: null, fault: { kind: "unexpectedValue", what: "row count" } };
}

/** Opens the files, gives up where one has lost a chunk, and closes them again. */
function withReaders<Result>(
  parts: WorkParts,
  files: readonly ManifestFile[],
  work: (readers: readonly SegmentReader[]) => Result,
): Result | Damaged {
  const readers: SegmentReader[] = [];
  try {
    for (const file of files) {
      const { reader, damage } = openSegment(parts.disk, parts.folder, file);
      if (reader !== undefined) readers.push(reader);
      const lost = damage.find(({ chunk }) => reader === undefined || chunk !== null);
      if (lost) return { ok: false, damage: lost };
    }
    return work(readers);
  } finally {
    for (const reader of readers) reader.close();
  }
}
