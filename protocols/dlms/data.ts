/** Values of COSEM attributes in A-XDR: a tag, then the value; arrays and structures hold others. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { cursorAt, type Cursor } from "./cursor.ts";

/** How deep arrays and structures may lie inside each other; push lists use three or four. */
export const dataDepthMax = 16;
/** The most values in one APDU: a day of minutes with room to spare. A compact array could claim any number. */
const dataValuesMax = 10_000;

/** One value with the bytes it came from, its tag included. */
export interface DlmsData {
  readonly type: DataType;
  readonly value: DataValue;
  readonly from: number;
  readonly to: number;
}

export type DataValue =
  null | boolean | number | bigint | string | Uint8Array | readonly DlmsData[];

export type DataType = (typeof typeNames)[keyof typeof typeNames];

/** @see IEC 62056-6-2, common data types */
const typeNames = {
  0: "null-data",
  1: "array",
  2: "structure",
  3: "boolean",
  4: "bit-string",
  5: "double-long",
  6: "double-long-unsigned",
  9: "octet-string",
  10: "visible-string",
  12: "utf8-string",
  13: "bcd",
  15: "integer",
  16: "long",
  17: "unsigned",
  18: "long-unsigned",
  19: "compact-array",
  20: "long64",
  21: "long64-unsigned",
  22: "enum",
  23: "float32",
  24: "float64",
  25: "date-time",
  26: "date",
  27: "time",
} as const;

type Scalar = readonly [sizeBytes: number, read: (view: Buffer) => DataValue];

const scalars: Readonly<Partial<Record<DataType, Scalar>>> = {
  "null-data": [0, () => null],
  boolean: [1, (view) => view[0] !== 0],
  bcd: [1, (view) => view.toString("hex")],
  integer: [1, (view) => view.readInt8()],
  unsigned: [1, (view) => view.readUInt8()],
  enum: [1, (view) => view.readUInt8()],
  long: [2, (view) => view.readInt16BE()],
  "long-unsigned": [2, (view) => view.readUInt16BE()],
  "double-long": [4, (view) => view.readInt32BE()],
  "double-long-unsigned": [4, (view) => view.readUInt32BE()],
  long64: [8, (view) => exact(view.readBigInt64BE())],
  "long64-unsigned": [8, (view) => exact(view.readBigUInt64BE())],
  float32: [4, (view) => view.readFloatBE()],
  float64: [8, (view) => view.readDoubleBE()],
  "date-time": [12, (view) => Uint8Array.from(view)],
  date: [5, (view) => Uint8Array.from(view)],
  time: [4, (view) => Uint8Array.from(view)],
};

/** A number where it is exact as one. */
function exact(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The one value that these bytes are, from a byte to the end. */
export function readData(bytes: Uint8Array, at = 0): Result<DlmsData, DecodeFault> {
  const cursor = cursorAt(bytes, at);
  const data = takeData(cursor);
  if (cursor.fault === null && cursor.at < bytes.length) {
    cursor.refuse({ kind: "wrongLength", field: "data", atByte: cursor.at });
  }
  return cursor.fault === null ? ok(data) : fail(cursor.fault);
}

/** The next value at a cursor; its fault says when there is none. */
export function takeData(cursor: Cursor): DlmsData {
  return takeTagged({ cursor, valuesLeft: dataValuesMax }, 0);
}

interface Walk {
  readonly cursor: Cursor;
  valuesLeft: number;
}

function takeTagged(walk: Walk, depth: number): DlmsData {
  const { cursor } = walk;
  const from = cursor.at;
  const type = takeType(cursor);
  const value = type === "compact-array" ? takeCompact(walk, depth) : takeValue(walk, type, depth);
  return { type, value, from, to: cursor.at };
}

function takeType(cursor: Cursor): DataType {
  const tag = cursor.unsigned(1);
  const type = isKnownTag(tag) ? typeNames[tag] : undefined;
  if (type !== undefined) return type;
  cursor.refuse({ kind: "unexpectedValue", field: "data tag", atByte: cursor.at - 1 });
  return "null-data";
}

function isKnownTag(tag: number): tag is keyof typeof typeNames {
  return Object.hasOwn(typeNames, tag);
}

function takeValue(walk: Walk, type: DataType, depth: number): DataValue {
  const { cursor } = walk;
  if (!spend(walk, depth)) return null;
  if (type === "array" || type === "structure") {
    const count = cursor.length();
    // Each value takes a byte at least, so a count beyond the bytes is a lie, and nothing is set aside for it.
    if (count > cursor.bytes.length - cursor.at) {
      cursor.refuse({ kind: "wrongLength", field: type, atByte: cursor.at });
    }
    const items: DlmsData[] = [];
    while (items.length < count && cursor.fault === null) items.push(takeTagged(walk, depth + 1));
    return items;
  }
  return takeSimple(cursor, type);
}

function takeSimple(cursor: Cursor, type: DataType): DataValue {
  if (type === "octet-string") return Uint8Array.from(cursor.octets());
  if (type === "visible-string" || type === "utf8-string") {
    const text = Buffer.from(cursor.octets());
    return text.toString(type === "utf8-string" ? "utf8" : "latin1");
  }
  if (type === "bit-string") {
    const bits = cursor.length();
    const bytes = cursor.take(Math.ceil(bits / 8));
    return [...bytes]
      .map((byte) => byte.toString(2).padStart(8, "0"))
      .join("")
      .slice(0, bits);
  }
  const [sizeBytes, read] = scalars[type] ?? [0, () => null];
  const part = cursor.take(sizeBytes);
  return cursor.fault === null ? read(Buffer.from(part)) : null;
}

/** False once there is a fault, the depth is too great or the values are too many. */
function spend(walk: Walk, depth: number): boolean {
  walk.valuesLeft -= 1;
  if (depth >= dataDepthMax) walk.cursor.refuse({ kind: "tooDeep", limit: dataDepthMax });
  if (walk.valuesLeft < 0) walk.cursor.refuse({ kind: "tooLarge", limitBytes: dataValuesMax });
  return walk.cursor.fault === null;
}

/** What the values of a compact array look like, said once before them. */
interface Shape {
  readonly type: DataType;
  /** Of a structure its parts, of an array its one part so many times; else nothing. */
  readonly parts: readonly Shape[];
  readonly count: number;
}

/** 13 | type description | length | values without their tags. */
function takeCompact(walk: Walk, depth: number): DataValue {
  const { cursor } = walk;
  const shape = takeShape(walk, depth + 1);
  const to = cursor.length() + cursor.at;
  if (to > cursor.bytes.length) {
    cursor.refuse({ kind: "wrongLength", field: "compact-array", atByte: cursor.at });
  }
  const items: DlmsData[] = [];
  while (cursor.at < to && cursor.fault === null) items.push(takeShaped(walk, shape, depth + 1));
  if (cursor.at !== to) {
    cursor.refuse({ kind: "wrongLength", field: "compact-array", atByte: cursor.at });
  }
  return items;
}

function takeShape(walk: Walk, depth: number): Shape {
  const { cursor } = walk;
  const type = takeType(cursor);
  const parts: Shape[] = [];
  if (!spend(walk, depth)) return { type, parts, count: 0 };
  if (type === "array") {
    const count = cursor.unsigned(2);
    return { type, parts: [takeShape(walk, depth + 1)], count };
  }
  const count = type === "structure" ? cursor.length() : 0;
  while (parts.length < count && cursor.fault === null) parts.push(takeShape(walk, depth + 1));
  return { type, parts, count };
}

function takeShaped(walk: Walk, { type, parts, count }: Shape, depth: number): DlmsData {
  const { cursor } = walk;
  const from = cursor.at;
  if (!spend(walk, depth)) return { type, value: null, from, to: from };
  if (type !== "array" && type !== "structure") {
    const value = takeSimple(cursor, type);
    return { type, value, from, to: cursor.at };
  }
  const items: DlmsData[] = [];
  while (items.length < count && cursor.fault === null) {
    const part = parts[items.length] ?? parts[0];
    if (part !== undefined) items.push(takeShaped(walk, part, depth + 1));
  }
  return { type, value: items, from, to: cursor.at };
}

/** A value as a person would write it. */
export function printData({ type, value }: DlmsData): string {
  if (value === null) return "nothing";
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return typeof value === "object" ? `${type} of ${value.length}` : String(value);
}
