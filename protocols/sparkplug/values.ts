/** What a metric's value is, once its data type is known. */
import type { TimestampMs } from "#domain/units.ts";
import { believableInstant } from "#protocols/codec/calendar.ts";
import {
  exactFromFloat,
  exactFromInteger,
  type ExactNumber,
} from "#protocols/codec/exactNumber.ts";
import { readArray, type Element } from "./arrays.ts";
import { integerShape, type DataType } from "./dataTypes.ts";

/** The value as it stands on the wire: one of these is there, and the data type says what it means. */
export interface WireValue {
  readonly intValue?: bigint | undefined;
  readonly longValue?: bigint | undefined;
  readonly floatValue?: number | undefined;
  readonly doubleValue?: number | undefined;
  readonly booleanValue?: boolean | undefined;
  readonly stringValue?: string | undefined;
  readonly bytesValue?: Uint8Array | undefined;
  readonly dataSet?: Uint8Array | undefined;
  readonly template?: Uint8Array | undefined;
}

/** A metric's value by its kind. `unread`: a data set, a template, or bytes that do not fit the type. */
export type MetricValue =
  | ExactNumber
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  /** Null: no such date. */
  | { readonly kind: "time"; readonly value: TimestampMs | null }
  | { readonly kind: "list"; readonly value: readonly Element[] }
  | { readonly kind: "unread" };

const unread: MetricValue = { kind: "unread" };
const textTypes: readonly DataType[] = ["String", "Text", "UUID"];
const byteTypes: readonly DataType[] = ["Bytes", "File"];

/** The value of a metric of this type. */
export function valueOf(wire: WireValue, type: DataType): MetricValue {
  return scalarOf(wire, type) ?? listOf(wire, type) ?? unread;
}

function scalarOf(wire: WireValue, type: DataType): MetricValue | undefined {
  const { intValue, longValue, floatValue, doubleValue, booleanValue, stringValue } = wire;
  const integer = longValue ?? intValue;
  if (type === "Float" || type === "Double") {
    return doubleValue === undefined ? floatNumber(floatValue, 4) : floatNumber(doubleValue, 8);
  }
  if (type === "Boolean") {
    // Some encoders have no truth but 0 and 1.
    const value =
      booleanValue ?? (integer === undefined || integer > 1n ? undefined : integer === 1n);
    return value === undefined ? undefined : { kind: "boolean", value };
  }
  if (type === "DateTime") return integer === undefined ? undefined : timeOf(integer);
  if (textTypes.includes(type)) {
    return stringValue === undefined ? undefined : { kind: "text", value: stringValue };
  }
  if (integer === undefined || type.endsWith("Array")) return undefined;
  const exact = integerOf(integer, type);
  return exact === undefined ? undefined : exactFromInteger(exact);
}

function floatNumber(value: number | undefined, sizeBytes: number): MetricValue | undefined {
  return value === undefined ? undefined : exactFromFloat(value, sizeBytes);
}

function timeOf(milliseconds: bigint): MetricValue {
  const atMs = Number(milliseconds);
  return { kind: "time", value: atMs === 0 ? null : (believableInstant(atMs) ?? null) };
}

function listOf({ bytesValue }: WireValue, type: DataType): MetricValue | undefined {
  if (bytesValue === undefined) return undefined;
  if (byteTypes.includes(type)) return { kind: "bytes", value: bytesValue };
  const value = readArray(bytesValue, type);
  return value === undefined ? undefined : { kind: "list", value };
}

/**
 * The bits of an unsigned field as a number of this type: two's complement of the type's own width, or
 * carried on to 32 or 64 bits. Undefined when the type cannot hold it: half a number is none.
 */
export function integerOf(wireBits: bigint, type: DataType): bigint | undefined {
  const shape = integerShape(type);
  if (shape === undefined) return undefined;
  const { bits, isSigned } = shape;
  if (!isSigned) return BigInt.asUintN(bits, wireBits) === wireBits ? wireBits : undefined;
  const value = BigInt.asIntN(bits, wireBits);
  const fits = [bits, 32, 64].some((width) => BigInt.asUintN(width, value) === wireBits);
  return fits ? value : undefined;
}
