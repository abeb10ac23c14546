/** Values without names: lists whose order is on file, and buffers whose columns are captured objects. */
import { secondMs, type TimestampMs } from "#domain/units.ts";
import { believableInstant } from "#protocols/codec/calendar.ts";
import { instantOfClock, type ClockOptions } from "./clock.ts";
import type { DlmsData } from "./data.ts";
import { described, draft, type DlmsObject, type ObjectAttribute } from "./objects.ts";

/** What a meter's record says of lists that do not name their objects. */
export interface ListOptions extends ClockOptions {
  /** The objects of such a list, or the columns of a buffer, in their order; null: means nothing. */
  readonly objectList?: readonly (string | null)[] | undefined;
  /** How far the rows of a buffer are apart, where the push does not say. */
  readonly capturePeriodSeconds?: number | undefined;
}

/** The objects of a push as it is now, and those of each row of its buffers. */
export interface PushedObjects {
  readonly present: readonly DlmsObject[];
  /** In wire order; each row has a time of its own or is worth nothing. */
  readonly rows: readonly (readonly DlmsObject[])[];
}

const clockName = "0-0:1.0.0.255";
const unixClockName = "0-0:1.1.0.255";
/** Data, whose second attribute is its value: enough for a list on file. */
const dataClass = 1;
const valueAttribute = 2;

/** Objects with names, and those that columns or the meter's record give names to. */
export function pushedObjects(
  objects: readonly DlmsObject[],
  body: DlmsData,
  options: ListOptions,
): PushedObjects {
  const onFile = options.objectList?.map(attributeOf) ?? null;
  if (objects.length === 0 && onFile !== null) return unnamed(body, onFile, options);
  const present: DlmsObject[] = [];
  const buffers: DlmsObject[] = [];
  for (const object of objects) (isBuffer(object, onFile) ? buffers : present).push(object);
  const withUnits = new Map(
    present.flatMap((object) => (object.unit === null ? [] : [[object.obis, object]])),
  );
  const rows = buffers.flatMap((buffer) => {
    const columns = buffer.columns ?? onFile ?? [];
    const period = buffer.periodSeconds ?? options.capturePeriodSeconds ?? null;
    const bare = rowsOf(buffer.value, columns, period, options);
    return bare.map((row) => row.map((object) => withUnitOf(object, withUnits.get(object.obis))));
  });
  return { present, rows };
}

function attributeOf(obis: string | null): ObjectAttribute | null {
  if (obis === null) return null;
  const isWhole = obis.split(".").length > 3;
  return { classId: dataClass, obis: isWhole ? obis : `${obis}.255`, attribute: valueAttribute };
}

/** One list is the present; a list of lists is rows. */
function unnamed(
  body: DlmsData,
  columns: readonly (ObjectAttribute | null)[],
  options: ListOptions,
): PushedObjects {
  const items = itemsOf(body);
  const isRows = items.length > 0 && items.every((item) => isRow(item, columns));
  if (!isRows) return { present: isRow(body, columns) ? described(columns, items) : [], rows: [] };
  return {
    present: [],
    rows: rowsOf(body, columns, options.capturePeriodSeconds ?? null, options),
  };
}

/** A list of another length is another list: its places mean something else. */
function isRow(data: DlmsData, columns: readonly (ObjectAttribute | null)[]): boolean {
  return data.type === "structure" && itemsOf(data).length === columns.length;
}

function isBuffer(object: DlmsObject, onFile: readonly (ObjectAttribute | null)[] | null): boolean {
  const columns = object.columns ?? onFile;
  const rows = itemsOf(object.value);
  return columns !== null && rows.length > 0 && rows.every((row) => isRow(row, columns));
}

/** Null in a row is the value of the row before it; a clock's is one period later. */
function rowsOf(
  buffer: DlmsData,
  columns: readonly (ObjectAttribute | null)[],
  periodSeconds: number | null,
  options: ClockOptions,
): readonly (readonly DlmsObject[])[] {
  const clockColumn = columns.findIndex((column) => column?.obis === clockName);
  let before: readonly DlmsData[] = [];
  let atMs: TimestampMs | null = null;
  return itemsOf(buffer).map((row) => {
    const items = itemsOf(row);
    const filled = items.map((item, index) => {
      return item.value === null ? (before[index] ?? item) : item;
    });
    const clock = items[clockColumn]?.value;
    atMs =
      clock instanceof Uint8Array
        ? instantOfClock(clock, options)
        : later(clock === null ? atMs : null, periodSeconds);
    before = filled;
    const objects = described(columns, filled).filter(({ obis }) => obis !== clockName);
    const [first = row] = filled;
    return atMs === null ? objects : [...objects, unixClock(first, atMs)];
  });
}

function later(atMs: TimestampMs | null, periodSeconds: number | null): TimestampMs | null {
  if (atMs === null || periodSeconds === null) return null;
  return believableInstant(atMs + periodSeconds * secondMs) ?? null;
}

/** The time of a row as the meter's other clock would say it. */
function unixClock(place: DlmsData, atMs: TimestampMs): DlmsObject {
  return draft(unixClockName, { ...place, value: Math.trunc(atMs / secondMs) });
}

/** Columns carry no unit; the same register beside the buffer may. */
function withUnitOf(object: DlmsObject, known: DlmsObject | undefined): DlmsObject {
  if (object.unit !== null || known === undefined) return object;
  return { ...object, scaler: known.scaler, unit: known.unit };
}

function itemsOf({ value }: DlmsData): readonly DlmsData[] {
  return Array.isArray(value) ? (value as readonly DlmsData[]) : [];
}
