/** Decimals and instants out of bytes, exact: no floating point between the wire and a register. */
import { believableInstant, instantOf } from "../calendar.ts";
import type { Decimal } from "../decimal.ts";
import { minuteMs, timestampMs, type TimestampMs } from "#domain/units.ts";
import { byteAt, pathOf, refuse, takeWord, type Cursor } from "./cursor.ts";

const zero = 0x30;
const nine = 0x39;
const dot = 0x2e;
const minus = 0x2d;
const plus = 0x2b;
const lowerCase = 0x20;
const letterE = 0x65;
const letterT = 0x74;
const letterZ = 0x7a;
const colon = 0x3a;

/** Words that some encoders write where a number is none; no JSON, and no value either. */
const notFiniteWords = ["NaN", "Infinity", "-Infinity"].map((word) => Buffer.from(word));

/** A JSON number here; undefined with a fault when there is none. */
export function readNumber(cursor: Cursor, name: string): Decimal | undefined {
  const from = cursor.at;
  let to = from;
  while (isNumberByte(byteAt(cursor.bytes, to))) to += 1;
  if (to - from <= 1 && notFiniteWords.some((word) => takeWord(cursor, word))) {
    return notFinite(cursor, name);
  }
  cursor.at = to;
  return parseDecimal(cursor, name, cursor.bytes, from, to, true);
}

/** The string read last as a decimal; leading zeros are usual there, an exponent is not. */
export function spanDecimal(cursor: Cursor, name: string): Decimal | undefined {
  return parseDecimal(cursor, name, cursor.span, cursor.spanFrom, cursor.spanTo, false);
}

function isNumberByte(byte: number): boolean {
  return isDigit(byte) || byte === dot || byte === minus || byte === plus || isE(byte);
}

function isDigit(byte: number): boolean {
  return byte >= zero && byte <= nine;
}

function isE(byte: number): boolean {
  return (byte | lowerCase) === letterE;
}

function notFinite(cursor: Cursor, name: string): undefined {
  cursor.fault ??= { kind: "notFinite", path: pathOf(cursor, name) };
  return undefined;
}

function parseDecimal(
  cursor: Cursor,
  name: string,
  bytes: Uint8Array,
  from: number,
  to: number,
  isNumberToken: boolean,
): Decimal | undefined {
  const firstDigit = byteAt(bytes, from) === minus ? from + 1 : from;
  let at = firstDigit;
  let count = 0;
  for (; at < to && isDigit(byteAt(bytes, at)); at += 1) {
    count = count * 10 + (byteAt(bytes, at) - zero);
  }
  if (at === firstDigit) return notDecimal(cursor, name, bytes, from, to);
  if (isNumberToken && at - firstDigit > 1 && bytes[firstDigit] === zero) {
    return refuse(cursor, name, "leading zero in a number");
  }
  let decimals = 0;
  if (at < to && bytes[at] === dot) {
    const point = at;
    for (at += 1; at < to && isDigit(byteAt(bytes, at)); at += 1) {
      count = count * 10 + (byteAt(bytes, at) - zero);
    }
    decimals = at - point - 1;
    if (decimals === 0) return refuse(cursor, name, "not a decimal");
  }
  let exponent = 0 - decimals;
  if (isNumberToken && at < to && isE(byteAt(bytes, at))) {
    const token = Buffer.from(bytes.subarray(from, to)).toString("latin1");
    const power = token.slice(at + 1 - from);
    if (!/^[+-]?\d+$/.test(power)) return refuse(cursor, name, "not a number");
    if (!Number.isFinite(Number(token))) return notFinite(cursor, name);
    exponent += count === 0 ? 0 : Number(power);
    at = to;
  }
  if (at !== to) return refuse(cursor, name, "not a decimal");
  // A sum that left the safe integers can only have grown, so one look at the end is enough.
  if (!(count <= Number.MAX_SAFE_INTEGER)) return refuse(cursor, name, "too many digits");
  return { count: firstDigit === from || count === 0 ? count : -count, exponent };
}

function notDecimal(
  cursor: Cursor,
  name: string,
  bytes: Uint8Array,
  from: number,
  to: number,
): undefined {
  const isWord = notFiniteWords.some((word) => word.equals(bytes.subarray(from, to)));
  return isWord ? notFinite(cursor, name) : refuse(cursor, name, "not a decimal");
}

const shape = "0000-00-00T00:00:00";
const fractionDigitsMax = 9;

/**
 * The string read last as RFC 3339 with an offset. null: the shape is right, but there is no such
 * time, and the receipt time will have to do. undefined with a fault: it is something else.
 */
export function spanInstant(cursor: Cursor, name: string): TimestampMs | null | undefined {
  const { span: bytes, spanFrom: from, spanTo: to } = cursor;
  const wrong = "not RFC 3339 with an offset";
  if (!hasShape(bytes, from, to)) return refuse(cursor, name, wrong);
  let at = from + shape.length;
  let fractionMs = 0;
  if (byteAt(bytes, at) === dot) {
    const first = at + 1;
    for (at = first; at < to && isDigit(byteAt(bytes, at)); at += 1) {
      if (at - first < 3) fractionMs += (byteAt(bytes, at) - zero) * 10 ** (2 - (at - first));
    }
    if (at === first || at - first > fractionDigitsMax) return refuse(cursor, name, wrong);
  }
  const offsetMinutes = readOffset(bytes, at, to);
  if (offsetMinutes === undefined) return refuse(cursor, name, wrong);
  const whole = instantOf({
    year: twoDigits(bytes, from) * 100 + twoDigits(bytes, from + 2),
    month: twoDigits(bytes, from + 5),
    day: twoDigits(bytes, from + 8),
    hour: twoDigits(bytes, from + 11),
    minute: twoDigits(bytes, from + 14),
    second: twoDigits(bytes, from + 17),
  });
  if (whole === undefined || offsetMinutes === null) return null;
  return believableInstant(whole + fractionMs - offsetMinutes * minuteMs) ?? null;
}

/** Epoch milliseconds as an instant; null when no meter can mean that year. */
export function epochInstant(atMs: number): TimestampMs | null {
  return believableInstant(timestampMs(atMs)) ?? null;
}

function hasShape(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from <= shape.length) return false;
  for (let i = 0; i < shape.length; i += 1) {
    const wanted = shape.charCodeAt(i);
    const byte = byteAt(bytes, from + i);
    if (wanted === zero ? !isDigit(byte) : byte !== wanted && (i !== 10 || byte !== letterT)) {
      return false;
    }
  }
  return true;
}

/** Minutes east of UTC; null: no such offset; undefined: not an offset. */
function readOffset(bytes: Uint8Array, at: number, to: number): number | null | undefined {
  const sign = byteAt(bytes, at);
  if ((sign | lowerCase) === letterZ) return at + 1 === to ? 0 : undefined;
  if ((sign !== plus && sign !== minus) || to - at !== 6) return undefined;
  for (let i = 1; i < 6; i += 1) {
    const byte = byteAt(bytes, at + i);
    if (i === 3 ? byte !== colon : !isDigit(byte)) return undefined;
  }
  const hours = twoDigits(bytes, at + 1);
  const minutes = twoDigits(bytes, at + 4);
  if (hours > 23 || minutes > 59) return null;
  return (sign === minus ? -1 : 1) * (hours * 60 + minutes);
}

function twoDigits(bytes: Uint8Array, at: number): number {
  return (byteAt(bytes, at) - zero) * 10 + byteAt(bytes, at + 1) - zero;
}

/** Whether a number or a string stands here decides how a decimal is read. */
export function isNumberHere(cursor: Cursor): boolean {
  const byte = byteAt(cursor.bytes, cursor.at);
  return isDigit(byte) || byte === minus || byte === 0x4e || byte === 0x49;
}
