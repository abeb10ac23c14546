/** What another store must do to be measured: the load and the questions of `npm run bench -- --scenario readings`. */
import type { Fleet } from "../bench/readingsLoad.ts";

export type Batch = ReturnType<Fleet["hour"]> extends Generator<infer Value> ? Value : never;

/**
 * Peers get whole seconds and litres, which is all that the load has and fits into their narrower integers; the reading
 * store keeps milliseconds and millilitres.
 */
export interface Span {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

export interface Peer {
  readonly versions: string;
  /** Returns when the batch is on the medium. */
  append(batch: Batch): Promise<void>;
  /** Whatever the store needs to serve a closed day well, without the day's repetitions. */
  closeDay(): Promise<void>;
  /** Whatever it would do with a closed month. */
  settle(): Promise<unknown>;
  bytes(): Promise<number>;
  /** Rows in all. */
  rows(): Promise<number>;
  last(meterNo: number): Promise<unknown>;
  /** All columns of a meter's readings, in time order. */
  range(meterNo: number, span: Span): Promise<unknown>;
  /** The last register of every meter that was read in the span, with its time. */
  registers(span: Span): Promise<unknown>;
  /** What each of the meters used on each day of the span. */
  district(firstMeter: number, lastMeter: number, span: Span): Promise<unknown>;
  topFlow(span: Span, count: number): Promise<unknown>;
  close(): Promise<void>;
}

/** The columns of the load in the order of the peers' tables. */
const columnNames = [
  "meterNo",
  "measuredAtMs",
  "indexMl",
  "quality",
  "flags",
  "flowMlPerHour",
  "temperatureCentiC",
  "batteryMv",
  "valve",
  "status",
] as const;

/** Values in the peers' units. */
export function valuesOf({ count, columns }: Batch): readonly Float64Array[] {
  return columnNames.map((name) => {
    const values = columns[name]?.subarray(0, count) ?? new Float64Array(count);
    const isMilli = name === "measuredAtMs" || name === "indexMl" || name === "flowMlPerHour";
    return isMilli ? values.map((value) => Math.floor(value / 1_000)) : values;
  });
}
