/** As much of CBOR (RFC 8949) as a SenML pack can have: no depth, no cycles, no types of anybody's own. */
import { fail, ok, type Result } from "#domain/result.ts";
import { exactFromInteger } from "#protocols/codec/exactNumber.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { malformed } from "./record.ts";
import { missing, numberFromFloat, numberFromText, type Value } from "./values.ts";

/** A walk over the bytes. */
export interface CborCursor {
  readonly bytes: Uint8Array;
  at: number;
}

/** The first byte of an item, and the number that goes with it. */
export interface CborHead {
  readonly major: number;
  readonly info: number;
  /** Of arrays and maps the number of entries, of strings of bytes; null: they end at a break. */
  readonly argument: bigint | null;
}

/** Major types. */
export const cborMajor = {
  unsigned: 0,
  negative: 1,
  bytes: 2,
  text: 3,
  array: 4,
  map: 5,
  tag: 6,
  simple: 7,
} as const;

const argumentInline = 24;
const indefinite = 31;
const breakByte = 0xff;
/** What is passed over may nest so deep. */
const cborDepthMax = 8;
/** A big number of a pack: more than 64 bits are nobody's. */
const bigNumberBytesMax = 16;
const tags = { positive: 2n, negative: 3n, decimalFraction: 4n } as const;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Items that may come in pieces, with a break behind them. */
const openMajors: readonly number[] = [
  cborMajor.bytes,
  cborMajor.text,
  cborMajor.array,
  cborMajor.map,
];

/** The head here; undefined when the bytes end or it is none. */
export function readHead(cursor: CborCursor): CborHead | undefined {
  const first = cursor.bytes[cursor.at];
  if (first === undefined) return undefined;
  const major = first >> 5;
  const info = first & 0x1f;
  cursor.at += 1;
  if (info < argumentInline) return { major, info, argument: BigInt(info) };
  if (info === indefinite) {
    return openMajors.includes(major) ? { major, info, argument: null } : undefined;
  }
  const sizeBytes = 2 ** (info - argumentInline);
  if (sizeBytes > 8 || cursor.at + sizeBytes > cursor.bytes.length) return undefined;
  const argument = bigEndian(cursor.bytes.subarray(cursor.at, cursor.at + sizeBytes));
  cursor.at += sizeBytes;
  return { major, info, argument };
}

/** The entries of an array or a map, one call each; a fault ends it. */
export function readEntries(
  cursor: CborCursor,
  { argument }: CborHead,
  readEntry: () => DecodeFault | null,
): DecodeFault | null {
  const isOpen = argument === null;
  for (let left = argument ?? -1n; left !== 0n; left -= 1n) {
    if (isOpen && cursor.bytes[cursor.at] === breakByte) {
      cursor.at += 1;
      return null;
    }
    if (cursor.at >= cursor.bytes.length) return endsTooEarly;
    const fault = readEntry();
    if (fault !== null) return fault;
  }
  return null;
}

/** The bytes end inside an item. */
export const endsTooEarly = malformed("", "the bytes end inside an item");

/** A single value here. */
export function readScalar(cursor: CborCursor, depth = 0): Result<Value, DecodeFault> {
  const head = readHead(cursor);
  if (head === undefined) return fail(endsTooEarly);
  const { major, argument } = head;
  const isString = major === cborMajor.bytes || major === cborMajor.text;
  if (argument === null && isString) return readPieces(cursor, major);
  if (argument === null) return fail(malformed("", "a list where a value belongs"));
  switch (major) {
    case cborMajor.unsigned:
      return ok(exactFromInteger(argument));
    case cborMajor.negative:
      return ok(exactFromInteger(-1n - argument));
    case cborMajor.bytes:
    case cborMajor.text: {
      const bytes = takeBytes(cursor, argument);
      return bytes === undefined ? fail(endsTooEarly) : stringOf(major, bytes);
    }
    case cborMajor.tag:
      return depth < cborDepthMax
        ? readTagged(cursor, argument, depth)
        : fail({ kind: "tooDeep", limit: cborDepthMax });
    case cborMajor.simple:
      return readSimple(head, argument);
    default:
      return fail(malformed("", "a list where a value belongs"));
  }
}

/** Strings of the same kind with lengths of their own, up to a break; none of them may be open again. */
function readPieces(cursor: CborCursor, major: number): Result<Value, DecodeFault> {
  const pieces: Uint8Array[] = [];
  while (cursor.bytes[cursor.at] !== breakByte) {
    const head = readHead(cursor);
    if (head === undefined) return fail(endsTooEarly);
    if (head.major !== major || head.argument === null) {
      return fail(malformed("", "a piece that is not of its string"));
    }
    const piece = takeBytes(cursor, head.argument);
    if (piece === undefined) return fail(endsTooEarly);
    pieces.push(piece);
  }
  cursor.at += 1;
  return stringOf(major, new Uint8Array(Buffer.concat(pieces)));
}

function takeBytes(cursor: CborCursor, length: bigint): Uint8Array | undefined {
  if (length > BigInt(cursor.bytes.length - cursor.at)) return undefined;
  const from = cursor.at;
  cursor.at += Number(length);
  return cursor.bytes.slice(from, cursor.at);
}

function stringOf(major: number, bytes: Uint8Array): Result<Value, DecodeFault> {
  if (major === cborMajor.bytes) return ok({ kind: "bytes", value: bytes });
  try {
    return ok({ kind: "text", value: strictUtf8.decode(bytes) });
  } catch {
    // The decoder's only way to say no.
    return fail({ kind: "illFormedText", path: "" });
  }
}

/** Simple values and floats of two, four and eight bytes. */
function readSimple({ info }: CborHead, argument: bigint): Result<Value, DecodeFault> {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, argument);
  switch (info) {
    case 20:
    case 21:
      return ok({ kind: "boolean", value: info === 21 });
    case 22:
    case 23:
      return ok(missing);
    case 25:
      return ok(numberFromFloat(view.getFloat16(6), 2));
    case 26:
      return ok(numberFromFloat(view.getFloat32(4), 4));
    case 27:
      return ok(numberFromFloat(view.getFloat64(0), 8));
    default:
      return fail({ kind: "unsupported", what: `CBOR simple value ${argument}` });
  }
}

/** Big numbers and decimal fractions; the meaning of other tags is passed over. */
function readTagged(cursor: CborCursor, tag: bigint, depth: number): Result<Value, DecodeFault> {
  if (tag === tags.decimalFraction) return readDecimalFraction(cursor, depth);
  const inner = readScalar(cursor, depth + 1);
  if (!inner.ok || (tag !== tags.positive && tag !== tags.negative)) return inner;
  const { value } = inner;
  if (value.kind !== "bytes" || value.value.length > bigNumberBytesMax) {
    return fail(malformed("", "a big number that is none"));
  }
  const magnitude = bigEndian(value.value);
  return ok(exactFromInteger(tag === tags.positive ? magnitude : -1n - magnitude));
}

/** [exponent, mantissa] */
function readDecimalFraction(cursor: CborCursor, depth: number): Result<Value, DecodeFault> {
  const noFraction = malformed("", "a decimal fraction that is none");
  const head = readHead(cursor);
  if (head?.major !== cborMajor.array || head.argument !== 2n) return fail(noFraction);
  const exponent = readScalar(cursor, depth + 1);
  if (!exponent.ok) return exponent;
  const mantissa = readScalar(cursor, depth + 1);
  if (!mantissa.ok) return mantissa;
  const parts = [mantissa.value, exponent.value].map((part) => {
    return part.kind === "number" && part.decimal.exponent === 0 ? part.decimal.coefficient : null;
  });
  const isFraction = parts.every((part) => part !== null);
  return isFraction ? ok(numberFromText(parts.join("e"))) : fail(noFraction);
}

/** Steps over whatever stands here. */
export function skipItem(cursor: CborCursor, depth = 0): DecodeFault | null {
  if (depth > cborDepthMax) return { kind: "tooDeep", limit: cborDepthMax };
  const from = cursor.at;
  const head = readHead(cursor);
  if (head === undefined) return endsTooEarly;
  const next = () => skipItem(cursor, depth + 1);
  if (head.major === cborMajor.array) return readEntries(cursor, head, next);
  if (head.major === cborMajor.map) return readEntries(cursor, head, () => next() ?? next());
  if (head.major === cborMajor.tag) return next();
  if (head.major === cborMajor.simple) return null;
  cursor.at = from;
  const read = readScalar(cursor);
  return read.ok ? null : read.fault;
}

function bigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = value * 256n + BigInt(byte);
  return value;
}

/** The head of an item, in as few bytes as it takes. */
export function writeHead(major: number, argument: bigint): Uint8Array {
  const first = major << 5;
  if (argument < BigInt(argumentInline)) return Uint8Array.of(first | Number(argument));
  const power = [1, 2, 4, 8].findIndex((sizeBytes) => argument < 256n ** BigInt(sizeBytes));
  const bytes = new Uint8Array(1 + 2 ** power);
  bytes[0] = first | (argumentInline + power);
  for (let at = bytes.length - 1, rest = argument; at > 0; at -= 1, rest /= 256n) {
    bytes[at] = Number(rest % 256n);
  }
  return bytes;
}

/** One value as an item. Numbers that are no whole numbers become floats of eight bytes. */
export function writeScalar(value: number | string | boolean | Uint8Array): Uint8Array {
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xf5 : 0xf4);
  if (typeof value === "string") {
    const text = new TextEncoder().encode(value);
    return Buffer.concat([writeHead(cborMajor.text, BigInt(text.length)), text]);
  }
  if (typeof value !== "number") {
    return Buffer.concat([writeHead(cborMajor.bytes, BigInt(value.length)), value]);
  }
  if (Number.isSafeInteger(value)) {
    return value >= 0
      ? writeHead(cborMajor.unsigned, BigInt(value))
      : writeHead(cborMajor.negative, BigInt(-1 - value));
  }
  const bytes = new Uint8Array(9);
  bytes[0] = (cborMajor.simple << 5) | 27;
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}
