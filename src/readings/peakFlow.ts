/**
 * The meters with the highest flow. Each chunk's head says how high the flow in it goes, so of a million meters a few
 * dozen chunks are read: the highest first, until no other can hold a higher one.
 */
import type {
  DamagedPlace,
  DayUse,
  DayUses,
  FlowPeak,
  FlowPeaks,
  MeterReadings,
} from "#ports/readingStore.ts";
import { useOf, usePlaces } from "./dayUse.ts";
import type { HotRows } from "./hotRows.ts";
import { RowTable } from "./rowTable.ts";
import { readingPlaces as p, readingSchema, rollUpPlaces as r, rollUpSchema } from "./schema.ts";
import type { Span } from "./segmentCursor.ts";
import type { OpenFile, SegmentFiles } from "./segmentFiles.ts";
import { noPeak, type ChunkEntry } from "./segmentLayout.ts";

const flowPlaces = new Set<number>([p.meterNo, p.measuredAtMs, p.flowMlPerHour]);

interface Peak {
  readonly meterNo: number;
  readonly peakFlowMlPerHour: number | null;
}

interface SaidPeak extends Peak {
  readonly peakFlowMlPerHour: number;
}

/** A fixed number of meters, the highest flow first, equal ones by meter; each meter once. */
class Highest<Item extends Peak> {
  items: readonly Item[] = [];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  /** A lower flow is not among them. */
  get least(): number {
    const last = this.items[this.#count - 1];
    return last === undefined ? 0 : (last.peakFlowMlPerHour ?? 0);
  }

  add(item: Item): void {
    const peak = (of: Peak): number => of.peakFlowMlPerHour ?? noPeak;
    const own = this.items.find(({ meterNo }) => meterNo === item.meterNo);
    if (own !== undefined && peak(own) >= peak(item)) return;
    this.items = [...this.items.filter((other) => other !== own), item]
      .sort((one, other) => peak(other) - peak(one) || one.meterNo - other.meterNo)
      .slice(0, this.#count);
  }
}

/** Of a gas day, from its roll-up. */
export function peakFlows(files: SegmentFiles, day: number, count: number): DayUses {
  const highest = new Highest<DayUse>(count);
  const table = new RowTable(rollUpSchema.columns.length, 4_096);
  const damage: DamagedPlace[] = [];
  const rollUps = files.dayRollUps.filter(({ file }) => file.fromDay === day);
  for (const { reader, entry } of chunksByPeak(rollUps, () => true)) {
    if (entry.peak < highest.least) break;
    const place = reader.readChunk(entry, table, usePlaces);
    if (place) damage.push(place);
    const peaks = table.column(r.peakFlowMlPerHour);
    for (let row = 0; row < table.count; row += 1) {
      if ((peaks[row] ?? NaN) >= highest.least) highest.add(useOf(day, table, row));
    }
  }
  for (const place of damage) files.note(place);
  return { uses: highest.items, damage };
}

export interface FlowSources {
  readonly files: SegmentFiles;
  readonly hot: readonly HotRows[];
  /** A meter's readings in (from, to], of each time the version that counts. */
  range(meterNo: number, fromMs: number, toMs: number): MeterReadings;
}

/** Of any span, from the flows that meters reported themselves. */
export function peakFlowsWithin(sources: FlowSources, span: Span, count: number): FlowPeaks {
  const { files } = sources;
  const damage = new Map<string, DamagedPlace>();
  const note = (places: readonly DamagedPlace[]): void => {
    for (const place of places) {
      damage.set(`${place.file} ${place.chunk} ${place.fault.what}`, place);
      files.note(place);
    }
  };
  const peakOf = (meterNo: number): FlowPeak | undefined => {
    const { readings, damage: own } = sources.range(meterNo, span.fromMs, span.toMs);
    note(own);
    return highestOf(readings);
  };
  note(files.unreadable(span.fromMs, span.toMs));
  const said = new Highest<SaidPeak>(count);
  const told = (peak: SaidPeak) => said.add(peak);
  note(walk(sources, span, said, told));
  const peaks = said.items.flatMap(({ meterNo }) => peakOf(meterNo) ?? []);
  const isSo = said.items.every(
    ({ peakFlowMlPerHour }, place) => peaks[place]?.peakFlowMlPerHour === peakFlowMlPerHour,
  );
  if (isSo) return { peaks, damage: [...damage.values()] };
  // A version that does not count says more: then everybody is asked who could be among them.
  const highest = new Highest<FlowPeak>(count);
  const asked = new Set<number>();
  const ask = ({ meterNo }: Peak): void => {
    if (asked.has(meterNo)) return;
    asked.add(meterNo);
    const peak = peakOf(meterNo);
    if (peak !== undefined && peak.peakFlowMlPerHour >= highest.least) highest.add(peak);
  };
  note(walk(sources, span, highest, ask));
  return { peaks: highest.items, damage: [...damage.values()] };
}

/** Tells what any version says of a meter, as long as it may be among the highest. */
function walk(
  { files, hot }: FlowSources,
  span: Span,
  highest: { readonly least: number },
  tell: (peak: SaidPeak) => void,
): readonly DamagedPlace[] {
  const damage: DamagedPlace[] = [];
  const table = new RowTable(readingSchema.columns.length, 4_096);
  const tellAll = (rows: RowTable): void => {
    for (const peak of peaksIn(rows, span, highest.least)) {
      if (peak.peakFlowMlPerHour >= highest.least) tell(peak);
    }
  };
  const isWithin = ({ firstMs, lastMs }: ChunkEntry): boolean =>
    lastMs > span.fromMs && firstMs <= span.toMs;
  for (const { reader, entry } of chunksByPeak(files.segments, isWithin)) {
    if (entry.peak < highest.least) break;
    const place = reader.readChunk(entry, table, flowPlaces);
    if (place) damage.push(place);
    tellAll(table);
  }
  // Last, when few of its many rows are high enough to be looked at.
  for (const { tables } of hot) for (const rows of tables) tellAll(rows);
  return damage;
}

function chunksByPeak(
  files: readonly OpenFile[],
  isWanted: (entry: ChunkEntry) => boolean,
): readonly (Pick<OpenFile, "reader"> & { readonly entry: ChunkEntry })[] {
  return files
    .flatMap(({ reader }) =>
      reader.chunks
        .filter((entry) => entry.peak !== noPeak && isWanted(entry))
        .map((entry) => ({ reader, entry })),
    )
    .sort((one, other) => other.entry.peak - one.entry.peak);
}

/** The highest flow of each meter that any version in the table says, the highest first, from the least on. */
function peaksIn(table: RowTable, { fromMs, toMs }: Span, leastFlow: number): readonly SaidPeak[] {
  const meters = table.column(p.meterNo);
  const times = table.column(p.measuredAtMs);
  const flows = table.columns[p.flowMlPerHour];
  const peaks = new Map<number, number>();
  const count = flows === undefined ? 0 : table.count;
  for (let row = 0; row < count; row += 1) {
    const time = times[row] ?? NaN;
    const flow = flows?.[row] ?? NaN;
    if (!(flow >= leastFlow && time > fromMs && time <= toMs)) continue;
    const meterNo = meters[row] ?? NaN;
    if (flow > (peaks.get(meterNo) ?? noPeak)) peaks.set(meterNo, flow);
  }
  return [...peaks]
    .map(([meterNo, peakFlowMlPerHour]) => ({ meterNo, peakFlowMlPerHour }))
    .sort((one, other) => other.peakFlowMlPerHour - one.peakFlowMlPerHour);
}

function highestOf(readings: MeterReadings["readings"]): FlowPeak | undefined {
  let peak: FlowPeak | undefined;
  for (const { counts } of readings) {
    const { meterNo, flowMlPerHour: flow, measuredAtMs } = counts;
    if (flow === null || flow < 0 || flow <= (peak?.peakFlowMlPerHour ?? noPeak)) continue;
    peak = { meterNo, measuredAtMs, peakFlowMlPerHour: flow };
  }
  return peak;
}
