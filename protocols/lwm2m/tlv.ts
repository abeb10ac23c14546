/** OMA TLV (content format 11542): a tree of at most three levels, typed by the table of objects. */
import { fail, ok, type Result } from "#domain/result.ts";
import { exactFromInteger } from "#protocols/codec/exactNumber.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { resourceOf, type ResourceType } from "./objects.ts";
import { valuePath, type PathPrefix } from "./path.ts";
import {
  malformed,
  recordsMax,
  traceOf,
  type DecodeContext,
  type ResourceRecord,
} from "./record.ts";
import { instantFromSeconds, missing, numberFromFloat, type Value } from "./values.ts";

/** Bits 7 and 6 of the type byte. */
const objectInstance = 0;
const resourceInstance = 1;
const multipleResource = 2;
const singleResource = 3;
const wideId = 0x20;

interface Item {
  readonly kind: number;
  readonly id: number;
  readonly from: number;
  readonly valueAt: number;
  readonly to: number;
}

interface Walk {
  readonly bytes: Uint8Array;
  readonly context: DecodeContext;
  readonly trace: FieldTrace[] | null;
  readonly records: ResourceRecord[];
}

/**  type | id 1 or 2 | length 0 to 3 | value
 *   '- kind 2 bits, wide id 1, bytes of length 2, or the length itself 3
 * @see OMA-TS-LightweightM2M_Core, TLV */
export function decodeTlv(
  bytes: Uint8Array,
  context: DecodeContext,
  trace: FieldTrace[] | null,
): Result<readonly ResourceRecord[], DecodeFault> {
  const walk = { bytes, context, trace, records: [] };
  const { object, instance } = context.path;
  const fault = readItems(walk, 0, bytes.length, { ...context.path, object, instance });
  return fault === null ? ok(walk.records) : fail(fault);
}

/** What may stand inside what: nothing nests deeper than instance, resource, instance of a resource. */
const inside: Readonly<Record<number, readonly number[]>> = {
  [objectInstance]: [2, 3],
  [multipleResource]: [resourceInstance],
};

function readItems(
  walk: Walk,
  from: number,
  end: number,
  outer: PathPrefix,
  allowed: readonly number[] = [0, 1, 2, 3],
): DecodeFault | null {
  let at = from;
  while (at < end) {
    const item = itemAt(walk.bytes, at, end);
    if (item === undefined) return malformed(`byte ${at}`, "an item longer than what it is in");
    const { kind, id, valueAt, to } = item;
    if (!allowed.includes(kind)) return malformed(`byte ${at}`, "an item that may not stand here");
    const path = pathOf(outer, kind, id);
    const children = inside[kind];
    const fault =
      children === undefined
        ? readValue(walk, item, path)
        : readItems(walk, valueAt, to, path, children);
    if (fault !== null) return fault;
    at = to;
  }
  return null;
}

/** Whether the bytes are one resource and nothing else. */
export function isWholeItem(bytes: Uint8Array): boolean {
  const item = bytes.length === 0 ? undefined : itemAt(bytes, 0, bytes.length);
  return item !== undefined && item.kind === singleResource && item.to === bytes.length;
}

/** A resource as an item; for what is written to a meter. */
export function writeResource(id: number, value: Uint8Array): Uint8Array {
  const { length } = value;
  const lengthBytes = [1, 2, 3].find((sizeBytes) => length < 256 ** sizeBytes) ?? 3;
  const head = [(singleResource << 6) | (lengthBytes << 3), id];
  for (let shift = 8 * (lengthBytes - 1); shift >= 0; shift -= 8)
    head.push((length >> shift) & 0xff);
  return new Uint8Array(Buffer.concat([Buffer.from(head), value]));
}

/** Resources of an object that has one instance may come without it: that instance is 0. */
function pathOf(outer: PathPrefix, kind: number, id: number): PathPrefix {
  if (kind === objectInstance) return { ...outer, instance: id, resource: null, item: null };
  const instance = outer.instance ?? 0;
  if (kind === resourceInstance) return { ...outer, instance, item: id };
  return { ...outer, instance, resource: id, item: null };
}

function itemAt(bytes: Uint8Array, from: number, end: number): Item | undefined {
  const type = bytes[from] ?? 0;
  const idAt = from + 1;
  const lengthAt = idAt + ((type & wideId) === 0 ? 1 : 2);
  const lengthBytes = (type >> 3) & 3;
  const valueAt = lengthAt + lengthBytes;
  if (valueAt > end) return undefined;
  const length = lengthBytes === 0 ? type & 7 : unsignedAt(bytes, lengthAt, lengthBytes);
  const to = valueAt + length;
  const id = unsignedAt(bytes, idAt, lengthAt - idAt);
  return to > end ? undefined : { kind: type >> 6, id, from, valueAt, to };
}

function unsignedAt(bytes: Uint8Array, at: number, sizeBytes: number): number {
  let value = 0;
  for (let i = 0; i < sizeBytes; i += 1) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

function readValue(walk: Walk, item: Item, prefix: PathPrefix): DecodeFault | null {
  const { bytes, context, trace, records } = walk;
  const path = valuePath(prefix);
  if (path === undefined) return malformed(`byte ${item.from}`, "a value without its object");
  if (records.length === recordsMax) return malformed("", `more than ${recordsMax} values`);
  const type = resourceOf(context.objects, path)?.type ?? "opaque";
  const value = valueOf(bytes.slice(item.valueAt, item.to), type);
  const record = { path, at: null, unit: null, value };
  records.push(record);
  trace?.push(traceOf(record, context.objects, item.from, item.to));
  return null;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const integerSizes = [1, 2, 4, 8];
const noObject = 0xffffn;

/** Bytes that are no value of their type stay bytes: they must not hide the values beside them. */
function valueOf(bytes: Uint8Array, type: ResourceType): Value {
  return readers[type](bytes) ?? { kind: "bytes", value: bytes };
}

const readers: Readonly<Record<ResourceType, (bytes: Uint8Array) => Value | undefined>> = {
  opaque: () => undefined,
  string: textOf,
  integer(bytes) {
    const value = signedOf(bytes);
    return value === undefined ? undefined : exactFromInteger(value);
  },
  unsigned: (bytes) => (hasIntegerSize(bytes) ? exactFromInteger(bitsOf(bytes)) : undefined),
  time(bytes) {
    const coefficient = signedOf(bytes);
    if (coefficient === undefined) return undefined;
    return { kind: "time", value: instantFromSeconds({ coefficient, exponent: 0 }) };
  },
  float(bytes) {
    const { length } = bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    if (length === 4) return numberFromFloat(view.getFloat32(0), length);
    return length === 8 ? numberFromFloat(view.getFloat64(0), length) : undefined;
  },
  boolean: ([byte = 2, ...more]) =>
    byte < 2 && more.length === 0 ? { kind: "boolean", value: byte === 1 } : undefined,
  link(bytes) {
    if (bytes.length !== 4) return undefined;
    const [object, instance] = [bytes.subarray(0, 2), bytes.subarray(2)].map(bitsOf);
    return object === noObject ? missing : { kind: "link", value: `${object}:${instance}` };
  },
};

function hasIntegerSize({ length }: Uint8Array): boolean {
  return integerSizes.includes(length);
}

function signedOf(bytes: Uint8Array): bigint | undefined {
  return hasIntegerSize(bytes) ? BigInt.asIntN(8 * bytes.length, bitsOf(bytes)) : undefined;
}

/** All bytes as one unsigned number. */
function bitsOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  return value;
}

/** Text in UTF-8; undefined when the bytes are none. */
export function textOf(bytes: Uint8Array): Value | undefined {
  try {
    return { kind: "text", value: strictUtf8.decode(bytes) };
  } catch {
    // The decoder's only way to say no.
    return undefined;
  }
}
