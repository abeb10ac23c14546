/** The records of a telegram, one behind the other. EN 13757-3, clause 6. */
import { ok, type Result } from "#domain/result.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { premature, readHeader, type RecordFunction, type RecordHeader } from "./recordHeader.ts";
import {
  hexOf,
  printValue,
  readValue,
  sizeByLvar,
  sizeOf,
  variableField,
  type MbusValue,
} from "./values.ts";

/** One value that a meter keeps, with the bytes it came from. */
export interface MbusRecord {
  readonly from: number;
  /** Where the data begin; DIF to VIFE stand before. */
  readonly dataAt: number;
  readonly to: number;
  readonly function: RecordFunction;
  /** 0 is now; higher numbers are older or frozen values. */
  readonly storage: number;
  readonly tariff: number;
  readonly subunit: number;
  readonly quantity: string;
  readonly unit: string | null;
  /** What VIFEs say of the value, in wire order. */
  readonly modifiers: readonly string[];
  /** null: the meter has no value, or its digits are none. */
  readonly value: MbusValue | null;
}

/** What the records of one telegram say. */
export interface RecordsRead {
  readonly records: readonly MbusRecord[];
  /** The meter has more to say in its next telegram. */
  readonly moreFollows: boolean;
  /** What ended the walk before the end of the records. */
  readonly fault: DecodeFault | null;
}

/** A DIF that fills. */
export const filler = 0x2f;
const manufacturerData = 0x0f;
const moreRecordsFollow = 0x1f;
const globalReadout = 0x7f;
/** The low bits of a DIF that is none of a record. */
export const specialField = 0x0f;

/** The quantity of the block that only its manufacturer can read. */
const manufacturerQuantity = "manufacturer data";
/** The quantity of a block behind a DIF or a length that the standard keeps for later. */
export const reservedQuantity = "reserved data";

/** The records from `from` up to but not including `end`. */
export function readRecords(
  bytes: Uint8Array,
  from: number,
  end: number,
  trace: FieldTrace[] | null,
): RecordsRead {
  const records: MbusRecord[] = [];
  let at = from;
  while (at < end) {
    const dif = bytes[at] ?? 0;
    if (dif === filler) {
      const next = afterFillers(bytes, at, end);
      trace?.push({ name: "filler", from: at, to: next, value: `${next - at} bytes`, unit: null });
      at = next;
    } else if ((dif & specialField) === specialField) {
      const rest = special(bytes, at, end);
      if (dif !== globalReadout) records.push(rest);
      if (trace !== null) trace.push(traceOf(rest));
      return { records, moreFollows: dif === moreRecordsFollow, fault: null };
    } else {
      const record = readRecord(bytes, at, end);
      if ("kind" in record) return { records, moreFollows: false, fault: record };
      records.push(record);
      if (trace !== null) trace.push(traceOf(record));
      at = record.to;
    }
  }
  return { records, moreFollows: false, fault: null };
}

function afterFillers(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] === filler) at += 1;
  return at;
}

function readRecord(bytes: Uint8Array, from: number, end: number): MbusRecord | DecodeFault {
  const extent = recordExtent(bytes, from, end);
  if (!extent.ok) return extent.fault;
  const { header, to } = extent.value;
  return to === null ? special(bytes, from, end) : finish(header, bytes, from, to);
}

/** A record's head, and the byte behind its data; null: a length that the standard keeps for later. */
export interface RecordExtent {
  readonly header: RecordHeader;
  readonly to: number | null;
}

/** Where the record that begins at a byte ends. */
export function recordExtent(
  bytes: Uint8Array,
  from: number,
  end: number,
): Result<RecordExtent, DecodeFault> {
  const block = { bytes, from, end };
  const read = readHeader(block);
  if (!read.ok) return read;
  const header = read.value;
  const { dataAt, dataField } = header;
  if (dataField !== variableField) {
    const to = dataAt + (sizeOf(dataField) ?? 0);
    return to > end ? premature(block) : ok({ header, to });
  }
  if (dataAt >= end) return premature(block);
  const sizeBytes = sizeByLvar(bytes[dataAt] ?? 0);
  if (sizeBytes === undefined) return ok({ header, to: null });
  const to = dataAt + 1 + sizeBytes;
  return to > end ? premature(block) : ok({ header, to });
}

function finish(header: RecordHeader, bytes: Uint8Array, from: number, to: number): MbusRecord {
  const { dataAt, storage, tariff, subunit, quantity, modifiers } = header;
  return {
    from,
    dataAt,
    to,
    function: header.function,
    storage,
    tariff,
    subunit,
    quantity: quantity.name,
    modifiers: modifiers.map(({ name }) => name),
    ...readValue(header, bytes, to),
  };
}

/** Behind these DIFs the standard reads no further; the bytes are kept as they are. */
function special(bytes: Uint8Array, from: number, end: number): MbusRecord {
  const dif = bytes[from] ?? 0;
  const isMakers = dif === manufacturerData || dif === moreRecordsFollow;
  return {
    from,
    dataAt: from + 1,
    to: end,
    function: "instantaneous",
    storage: 0,
    tariff: 0,
    subunit: 0,
    quantity: isMakers ? manufacturerQuantity : reservedQuantity,
    unit: null,
    modifiers: dif === moreRecordsFollow ? ["more records follow"] : [],
    value: { kind: "bytes", hex: hexOf(bytes, from + 1, end) },
  };
}

/** Whether the standard knows what a record is, or says that its maker does. */
export function isOfTheStandard({ quantity, modifiers }: MbusRecord): boolean {
  const isReserved = quantity === reservedQuantity || quantity === "reserved";
  return !isReserved && ![quantity, ...modifiers].some((name) => name.startsWith("unknown VIF"));
}

/** A record in words: what it is, then where it stands. */
export function describeRecord(record: MbusRecord): string {
  const words: string[] = [record.quantity, ...record.modifiers];
  if (record.function !== "instantaneous") words.push(record.function);
  for (const place of ["storage", "tariff", "subunit"] as const) {
    if (record[place] !== 0) words.push(`${place} ${record[place]}`);
  }
  return words.join(", ");
}

function traceOf(record: MbusRecord): FieldTrace {
  const { from, to, unit, value } = record;
  return { name: describeRecord(record), from, to, value: printValue(value), unit };
}
