/** Which columns a kind of file has, in the order of their code numbers, and how each is written. */
import type { Shape } from "./residuals.ts";

export interface ColumnSpec {
  readonly name: string;
  /** Columns that are read together lie in one compressed frame; the first frame holds what billing reads. */
  readonly frame: number;
  readonly shape: Shape;
  /** Place of the column in front of it that this one follows; how, or whether at all, is decided for each chunk. */
  readonly against?: number;
}

export interface Schema {
  readonly kind: number;
  readonly columns: readonly ColumnSpec[];
  readonly frames: number;
  /** Of this column each chunk's head tells the highest value. */
  readonly peakPlace: number;
}

/** Places of a reading's columns; a place is the column's code number in files and never changes its meaning. */
export const readingPlaces = {
  meterNo: 0,
  measuredAtMs: 1,
  indexMl: 2,
  quality: 3,
  flags: 4,
  receivedAtMs: 5,
  deviceAtMs: 6,
  rawCount: 7,
  rawExponent: 8,
  flowMlPerHour: 9,
  temperatureCentiC: 10,
  pressurePa: 11,
  batteryMv: 12,
  batteryPct: 13,
  signalDbm: 14,
  valve: 15,
  status: 16,
  reasonNo: 17,
  seq: 18,
  uplinkSeq: 19,
  revision: 20,
  revisedAtMs: 21,
} as const;
export type ReadingColumn = keyof typeof readingPlaces;

const p = readingPlaces;

function column(name: string, frame: number, shape: Shape, against?: number): ColumnSpec {
  return against === undefined ? { name, frame, shape } : { name, frame, shape, against };
}

/** Readings of one meter and time lie together; frame 0 answers a register, frame 1 the rest, frame 2 the origin. */
export const readingSchema: Schema = {
  kind: 1,
  frames: 3,
  peakPlace: p.flowMlPerHour,
  columns: [
    column("meterNo", 0, "delta"),
    column("measuredAtMs", 0, "deltaOfDelta"),
    column("indexMl", 0, "delta"),
    column("quality", 0, "delta"),
    column("flags", 1, "delta"),
    column("receivedAtMs", 2, "plain", p.measuredAtMs),
    column("deviceAtMs", 2, "plain", p.measuredAtMs),
    column("rawCount", 2, "delta", p.indexMl),
    column("rawExponent", 2, "delta"),
    column("flowMlPerHour", 1, "plain"),
    column("temperatureCentiC", 1, "delta"),
    column("pressurePa", 1, "delta"),
    column("batteryMv", 1, "delta"),
    column("batteryPct", 1, "delta"),
    column("signalDbm", 1, "delta"),
    column("valve", 1, "delta"),
    column("status", 1, "delta"),
    column("reasonNo", 1, "delta"),
    column("seq", 2, "delta", p.receivedAtMs),
    column("uplinkSeq", 2, "delta", p.seq),
    column("revision", 0, "delta"),
    column("revisedAtMs", 2, "plain", p.measuredAtMs),
  ],
};

/** Places of a roll-up's columns: one row a meter and gas day. */
export const rollUpPlaces = {
  meterNo: 0,
  closingAtMs: 1,
  closingIndexMl: 2,
  closingQuality: 3,
  closingConflict: 4,
  openingAtMs: 5,
  openingIndexMl: 6,
  openingQuality: 7,
  volumeMl: 8,
  peakFlowMlPerHour: 9,
  nightFlowMlPerHour: 10,
  readings: 11,
  batteryMv: 12,
  temperatureCentiC: 13,
} as const;

/** Frame 0 answers a cut-off at the day's end, frame 1 consumption and flow, frame 2 opening and condition. */
export const rollUpSchema: Schema = {
  kind: 2,
  frames: 3,
  peakPlace: rollUpPlaces.peakFlowMlPerHour,
  columns: [
    column("meterNo", 0, "delta"),
    column("closingAtMs", 0, "delta"),
    column("closingIndexMl", 0, "plain"),
    column("closingQuality", 0, "delta"),
    column("closingConflict", 0, "delta"),
    column("openingAtMs", 2, "delta"),
    column("openingIndexMl", 2, "plain", rollUpPlaces.closingIndexMl),
    column("openingQuality", 2, "delta"),
    column("volumeMl", 1, "plain"),
    column("peakFlowMlPerHour", 1, "plain"),
    column("nightFlowMlPerHour", 1, "plain"),
    column("readings", 1, "delta"),
    column("batteryMv", 2, "delta"),
    column("temperatureCentiC", 2, "delta"),
  ],
};

const schemas: readonly Schema[] = [readingSchema, rollUpSchema];

/** The schema of a kind number; undefined: this program does not know it. */
export function schemaOfKind(kind: number): Schema | undefined {
  return schemas.find((schema) => schema.kind === kind);
}

/** The places that are wanted, with those of the columns that they follow. */
export function withReferences(
  schema: Schema,
  wanted: ReadonlySet<number> | null,
): ReadonlySet<number> | null {
  if (wanted === null) return null;
  const places = new Set(wanted);
  // A column follows one in front of it, so one pass from the last finds them all.
  for (let place = schema.columns.length - 1; place >= 0; place -= 1) {
    const against = schema.columns[place]?.against;
    if (against !== undefined && places.has(place)) places.add(against);
  }
  return places;
}
