/**
 * Values of the array types: packed into the bytes of a metric, low byte first. The specification's own
 * examples of Int8, Float, Double and DateTime do not follow its rule; the rule counts.
 */
import { exactFromInteger } from "#protocols/codec/exactNumber.ts";
import { integerShape, type DataType } from "./dataTypes.ts";

/** An element: a whole number beyond the safe integers is a string of its digits. */
export type Element = number | string | boolean;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const countBytes = 4;

/** The elements; undefined when the bytes are no such array. */
export function readArray(bytes: Uint8Array, type: DataType): readonly Element[] | undefined {
  if (type === "BooleanArray") return readBooleans(bytes);
  if (type === "StringArray") return readStrings(bytes);
  const element = elementOf(type);
  if (element === undefined || bytes.length % element.sizeBytes !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: Element[] = [];
  for (let at = 0; at < bytes.length; at += element.sizeBytes) values.push(element.read(view, at));
  return values;
}

interface ElementShape {
  readonly sizeBytes: number;
  read(view: DataView, at: number): Element;
}

function elementOf(type: DataType): ElementShape | undefined {
  if (type === "FloatArray") {
    return { sizeBytes: 4, read: (view, at) => view.getFloat32(at, true) };
  }
  if (type === "DoubleArray") {
    return { sizeBytes: 8, read: (view, at) => view.getFloat64(at, true) };
  }
  if (type === "DateTimeArray") {
    return { sizeBytes: 8, read: (view, at) => integerAt(view, at, 8, true) };
  }
  const shape = type.endsWith("Array") ? integerShape(type) : undefined;
  if (shape === undefined) return undefined;
  const sizeBytes = shape.bits / 8;
  return { sizeBytes, read: (view, at) => integerAt(view, at, sizeBytes, shape.isSigned) };
}

function integerAt(view: DataView, at: number, sizeBytes: number, isSigned: boolean): Element {
  let value = 0n;
  for (let i = sizeBytes - 1; i >= 0; i -= 1) value = value * 256n + BigInt(view.getUint8(at + i));
  return exactFromInteger(isSigned ? BigInt.asIntN(8 * sizeBytes, value) : value).value;
}

/** A count in four bytes, then a bit each, highest first. */
function readBooleans(bytes: Uint8Array): readonly boolean[] | undefined {
  if (bytes.length < countBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  if (bytes.length !== countBytes + Math.ceil(count / 8)) return undefined;
  return Array.from({ length: count }, (_, bit) => {
    const byte = bytes[countBytes + (bit >> 3)] ?? 0;
    return (byte & (0x80 >> (bit & 7))) !== 0;
  });
}

/** Texts, each with a NUL behind it. */
function readStrings(bytes: Uint8Array): readonly string[] | undefined {
  if (bytes.length === 0) return [];
  if (bytes.at(-1) !== 0) return undefined;
  try {
    return strictUtf8.decode(bytes.subarray(0, -1)).split("\0");
  } catch {
    // The decoder's only way to say no.
    return undefined;
  }
}
