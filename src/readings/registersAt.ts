/** Every meter's register at one instant: the roll-up before it, and what was measured since. */
import type { StoredReading } from "#domain/reading.ts";
import { timestampMs, volumeMl, type VolumeMl } from "#domain/units.ts";
import type { DamagedPlace, Registers, VersionedReading } from "#ports/readingStore.ts";
import type { HotRows } from "./hotRows.ts";
import { staleness } from "./manifest.ts";
import { placeOf } from "./placeOf.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces as p, readingSchema, rollUpPlaces as r, rollUpSchema } from "./schema.ts";
import type { Span } from "./segmentCursor.ts";
import type { OpenFile, SegmentFiles } from "./segmentFiles.ts";
import { storedQualities } from "./versions.ts";

const validated = storedQualities.indexOf("validated");
const settledFrom = storedQualities.indexOf("edited");
const registerPlaces = new Set<number>([
  ...[p.meterNo, p.measuredAtMs, p.indexMl, p.quality],
  p.revision,
]);
const closings = [
  r.meterNo,
  r.closingAtMs,
  r.closingIndexMl,
  r.closingQuality,
  r.closingConflict,
] as const;
const closingPlaces = new Set<number>(closings);

/**
 * By meter number, the newest register so far; `ties` have different words for the same time in two places, or a
 * revision among them: with all of their columns it is seen which of them counts and what is still in conflict.
 */
class Newest {
  atMs = new Float64Array(0);
  indexMl = new Float64Array(0);
  quality = new Float64Array(0);
  conflict = new Float64Array(0);
  highest = 0;
  readonly ties = new Set<number>();

  reach(meterNo: number): void {
    if (meterNo > this.highest) this.highest = meterNo;
    if (meterNo < this.atMs.length) return;
    const length = Math.max(meterNo + 1, this.atMs.length * 2, 1_024);
    const grown = (old: Float64Array, value: number) => {
      const larger = new Float64Array(length).fill(value, old.length);
      larger.set(old);
      return larger;
    };
    this.atMs = grown(this.atMs, -Infinity);
    this.indexMl = grown(this.indexMl, NaN);
    this.quality = grown(this.quality, NaN);
    this.conflict = grown(this.conflict, 0);
  }

  /** A register that counts at its own place. */
  offer(meterNo: number, atMs: number, indexMl: number, quality: number, conflict: number): void {
    const known = this.atMs[meterNo] ?? -Infinity;
    if (known > atMs) return;
    if (known === atMs) {
      const isSame = this.indexMl[meterNo] === indexMl && this.quality[meterNo] === quality;
      if (!isSame || conflict !== 0) this.ties.add(meterNo);
      return;
    }
    this.atMs[meterNo] = atMs;
    this.indexMl[meterNo] = indexMl;
    this.quality[meterNo] = quality;
    this.conflict[meterNo] = conflict;
  }
}

export interface RegisterSources {
  readonly files: SegmentFiles;
  readonly hot: readonly HotRows[];
  /** One meter's reading of exactly that time, with all of its versions. */
  exactly(meterNo: number, atMs: number): VersionedReading | undefined;
}

export function registersAt(sources: RegisterSources, atMs: number): Registers {
  const { files, hot } = sources;
  // Everything before a roll-up that is not stale is in it.
  const base = files.rollUps
    .filter(({ file }) => file.stale === staleness.none && file.toMs <= atMs)
    .at(-1);
  const fromMs = base?.file.toMs ?? -Infinity;
  // At the very end of a roll-up nothing lies between, though a file of a whole month reaches over it.
  const since = files.segments.filter(
    ({ file }) => fromMs < atMs && file.lastMs > fromMs && file.firstMs <= atMs,
  );
  const damage: DamagedPlace[] = [...files.unreadable(fromMs, atMs)];
  const hasHot = hot.some(({ firstMs }) => firstMs <= atMs);
  const isAnswered = base !== undefined && since.length === 0 && !hasHot;
  const registers = isAnswered
    ? closingsOf(base, damage)
    : newestOf(sources, base, since, atMs, damage);
  for (const place of damage) files.note(place);
  return { ...registers, damage };
}

type RegisterColumns = Omit<Registers, "damage">;

function newestOf(
  sources: RegisterSources,
  base: OpenFile | undefined,
  since: readonly OpenFile[],
  atMs: number,
  damage: DamagedPlace[],
): RegisterColumns {
  const newest = new Newest();
  const fromMs = base?.file.toMs ?? -Infinity;
  const known = base === undefined ? since : [base, ...since];
  newest.reach(Math.max(0, ...known.map(({ reader }) => reader.chunks.at(-1)?.lastMeter ?? 0)));
  if (base !== undefined) offerClosings(base, newest, damage);
  for (const open of since) offerSegment(open, { fromMs, toMs: atMs }, newest, damage);
  for (const rows of sources.hot) {
    for (const table of rows.tables) offerHot(table, atMs, newest);
  }
  return gathered(sources, newest);
}

/** The roll-up's own columns, chunk behind chunk. */
function closingsOf({ file, reader }: OpenFile, damage: DamagedPlace[]): RegisterColumns {
  const columns = closings.map(() => new Float64Array(file.rows));
  const table = new RowTable(rollUpSchema.columns.length, 8_192);
  let count = 0;
  for (const entry of reader.chunks) {
    damage.push(...listOf(reader.readChunk(entry, table, closingPlaces)));
    for (const [at, place] of closings.entries()) {
      columns[at]?.set(table.column(place).subarray(0, table.count), count);
    }
    count += table.count;
  }
  return withoutSilent(columns, count);
}

/** Without meters that never told a register. */
function withoutSilent(columns: readonly Float64Array[], count: number): RegisterColumns {
  const [meters, times, registers = new Float64Array(), qualities, conflicts] = columns;
  const isTold = (row: number): boolean => !Number.isNaN(registers[row]);
  let kept = 0;
  while (kept < count && isTold(kept)) kept += 1;
  for (let row = kept + 1; row < count; row += 1) {
    if (!isTold(row)) continue;
    for (const column of columns) column[kept] = column[row] ?? NaN;
    kept += 1;
  }
  const cut = (column: Float64Array | undefined) => column?.subarray(0, kept) ?? new Float64Array();
  return {
    meterNo: cut(meters),
    measuredAtMs: cut(times),
    indexMl: cut(registers),
    quality: cut(qualities),
    conflict: cut(conflicts),
  };
}

function offerClosings({ reader }: OpenFile, newest: Newest, damage: DamagedPlace[]): void {
  const table = new RowTable(rollUpSchema.columns.length, 8_192);
  for (const entry of reader.chunks) {
    damage.push(...listOf(reader.readChunk(entry, table, closingPlaces)));
    const [meters, times, registers, qualities, conflicts] = closings.map((place) =>
      table.column(place),
    );
    for (let row = 0; row < table.count; row += 1) {
      const indexMl = registers?.[row] ?? NaN;
      if (Number.isNaN(indexMl)) continue;
      const quality = qualities?.[row] ?? NaN;
      newest.offer(meters?.[row] ?? 0, times?.[row] ?? 0, indexMl, quality, conflicts?.[row] ?? 0);
    }
  }
}

function offerSegment(
  { reader }: OpenFile,
  span: Span,
  newest: Newest,
  damage: DamagedPlace[],
): void {
  const table = new RowTable(readingSchema.columns.length, 8_192);
  for (const entry of reader.chunks) {
    if (entry.lastMs <= span.fromMs || entry.firstMs > span.toMs) continue;
    damage.push(...listOf(reader.readChunk(entry, table, registerPlaces)));
    offerSorted(table, span, newest);
  }
}

/** Of sorted rows only each meter's last time in the span can count. */
function offerSorted(table: RowTable, span: Span, newest: Newest): void {
  const meters = table.column(p.meterNo);
  const times = table.column(p.measuredAtMs);
  const registers = table.column(p.indexMl);
  let end = table.count;
  while (end > 0) {
    const meterNo = meters[end - 1] ?? 0;
    let row = end - 1;
    const isOut = (at: number) =>
      meters[at] === meterNo && ((times[at] ?? 0) > span.toMs || Number.isNaN(registers[at]));
    while (row >= 0 && isOut(row)) row -= 1;
    if (row >= 0 && meters[row] === meterNo && (times[row] ?? 0) > span.fromMs) {
      // The version that counts stands first among those of its time.
      let first = row;
      while (first > 0 && meters[first - 1] === meterNo && times[first - 1] === times[row])
        first -= 1;
      const quality = table.value(p.quality, first);
      let conflict = 0;
      for (let other = first; other <= row; other += 1) {
        if (quality < settledFrom && registers[other] !== registers[first]) conflict = 1;
      }
      if (conflict === 1 && hasRevision(table, first, row)) newest.ties.add(meterNo);
      newest.offer(meterNo, times[row] ?? 0, registers[first] ?? NaN, quality, conflict);
    }
    while (row >= 0 && meters[row] === meterNo) row -= 1;
    end = row + 1;
  }
}

/** A register that differs may be what a revised reading said before: that is no conflict. */
function hasRevision(table: RowTable, from: number, to: number): boolean {
  const revisions = table.column(p.revision).subarray(from, to + 1);
  return revisions.some((revision) => !Number.isNaN(revision));
}

function offerHot(table: RowTable, atMs: number, newest: Newest): void {
  const meters = table.column(p.meterNo);
  const times = table.column(p.measuredAtMs);
  const registers = table.column(p.indexMl);
  for (let row = 0; row < table.count; row += 1) {
    const time = times[row] ?? 0;
    const register = registers[row] ?? NaN;
    if (time > atMs || Number.isNaN(register)) continue;
    const meterNo = meters[row] ?? 0;
    newest.reach(meterNo);
    newest.offer(meterNo, time, register, table.value(p.quality, row), 0);
  }
}

function gathered(sources: RegisterSources, newest: Newest): RegisterColumns {
  const meterNo = new Float64Array(newest.highest + 1);
  for (let meter = 1; meter < meterNo.length; meter += 1) meterNo[meter] = meter;
  const { atMs, indexMl, quality, conflict, highest } = newest;
  for (const tied of newest.ties) {
    const exact = sources.exactly(tied, atMs[tied] ?? 0);
    indexMl[tied] = exact?.counts.indexMl ?? NaN;
    quality[tied] = exact === undefined ? NaN : storedQualities.indexOf(exact.counts.quality);
    conflict[tied] = exact?.conflict === true ? 1 : 0;
  }
  return withoutSilent([meterNo, atMs, indexMl, quality, conflict], highest + 1);
}

/** From so many meters of a page on, one look at all meters costs less than one at each. */
export const columnsFromRows = 200;

export interface PlainRegister extends Pick<StoredReading, "measuredAtMs" | "quality"> {
  readonly indexMl: VolumeMl;
}

/** A meter's register where nothing else was said of its time and it was found sound; null: look closer. */
export function plainRegister(
  { meterNo: meters, measuredAtMs, indexMl, quality, conflict }: Registers,
  meterNo: number,
): PlainRegister | null {
  const row = placeOf(meters, meterNo);
  if (row === -1 || quality[row] !== validated || conflict[row] !== 0) return null;
  const [atMs, ml] = [measuredAtMs[row] ?? NaN, indexMl[row] ?? NaN];
  return { measuredAtMs: timestampMs(atMs), indexMl: volumeMl(ml), quality: "validated" };
}

function listOf(damage: DamagedPlace | undefined): readonly DamagedPlace[] {
  return damage === undefined ? [] : [damage];
}
