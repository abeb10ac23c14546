/** The records of a telegram, one behind the other. EN 13757-3, clause 6. */
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { premature, readHeader, type RecordFunction } from "./recordHeader.ts";
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

const filler = 0x2f;
const manufacturerData = 0x0f;
const moreRecordsFollow = 0x1f;
const globalReadout = 0x7f;
const specialField = 0x0f;

/** The quantity of the block that only its manufacturer can read. */
const manufacturerQuantity = "manufacturer data";
/** The quantity of a block behind a DIF that the standard keeps for later. */
const reservedQuantity = "reserved data";

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
  const block = { bytes, from, end };
  const read = readHeader(block);
  if (!read.ok) return read.fault;
  const header = read.value;
  const { dataAt } = header;
  const to = dataAt + (sizeOf(header.dataField) ?? 0);
  if (header.dataField !== variableField) {
    return to > end ? premature(block).fault : finish(header, bytes, from, to);
  }
  if (dataAt >= end) return premature(block).fault;
  const sizeBytes = sizeByLvar(bytes[dataAt] ?? 0);
  if (sizeBytes === undefined) {
    return { kind: "unexpectedValue", field: "mbus.record LVAR", atByte: dataAt };
  }
  const variableTo = dataAt + 1 + sizeBytes;
  return variableTo > end ? premature(block).fault : finish(header, bytes, from, variableTo);
}

function finish(
  header: Parameters<typeof readValue>[0],
  bytes: Uint8Array,
  from: number,
  to: number,
): MbusRecord {
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
