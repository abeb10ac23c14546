/** The data of a record: integers, decimal digits, reals, texts and times. EN 13757-3, annex A. */
import { unreachable } from "#domain/invariant.ts";
import type { RecordHeader } from "./recordHeader.ts";
import { reversedText } from "./plainText.ts";
import { readTime, type LocalTime } from "./times.ts";

/** What a record says. Counters are a count and a power of ten, as they stood on the wire. */
export type MbusValue =
  | { readonly kind: "number"; readonly count: bigint; readonly exponent: number }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "time"; readonly time: LocalTime }
  | { readonly kind: "bytes"; readonly hex: string };

/** A value with its unit; null where the meter has none to give, or none that could be meant. */
export interface ReadValue {
  readonly value: MbusValue | null;
  readonly unit: string | null;
}

interface Raw {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly sizeBytes: number;
}

const realField = 5;
export const variableField = 0x0d;
/** Bytes of data by the data field; null: the length stands in the data, or there is a special meaning. */
const sizes = [0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, null, 6, null] as const;
const isDigits = (field: number) => field >= 9 && field !== variableField;

/** Bytes of data that a data field promises; undefined: LVAR must be asked. */
export function sizeOf(dataField: number): number | undefined {
  return sizes[dataField] ?? undefined;
}

/** The bytes behind the length byte LVAR; undefined: reserved. */
export function sizeByLvar(lvar: number): number | undefined {
  if (lvar < 0xc0) return lvar;
  if (lvar < 0xf0) return lvar & 0x0f;
  if (lvar < 0xf5) return 4 * (lvar - 0xec);
  return { 0xf5: 48, 0xf6: 64 }[lvar];
}

/** The value in the data of a record. */
export function readValue(header: RecordHeader, bytes: Uint8Array, to: number): ReadValue {
  const meaning = meaningOf(header);
  const unit = meaning.unit;
  const isError = header.modifiers.some(({ effect }) => effect.kind === "recordError");
  const raw = { bytes, at: header.dataAt, sizeBytes: to - header.dataAt };
  const value = isError || raw.sizeBytes === 0 ? null : valueOf(header, meaning, raw);
  return { value, unit };
}

function valueOf({ dataField }: RecordHeader, meaning: Meaning, raw: Raw): MbusValue | null {
  if (dataField === variableField) return variableValue(meaning, raw);
  if (meaning.coding === "time") {
    // Times are binary; decimal digits and reals under a time are no time.
    return isDigits(dataField) || dataField === realField ? null : timeValue(raw);
  }
  if (dataField === realField) return realValue(meaning, raw);
  return scaled(isDigits(dataField) ? bcd(raw) : binary(raw, meaning.coding), meaning);
}

/** What the quantity and its modifiers together make of a number. */
interface Meaning {
  readonly unit: string | null;
  readonly coding: RecordHeader["quantity"]["coding"];
  readonly factor: number;
  readonly exponent: number;
  readonly added: readonly number[];
}

function meaningOf({ quantity, modifiers }: RecordHeader): Meaning {
  let meaning: Meaning = { ...quantity, added: [] };
  for (const { effect } of modifiers) {
    if (effect.kind === "multiply") {
      meaning = { ...meaning, exponent: meaning.exponent + effect.exponent };
    } else if (effect.kind === "add") {
      meaning = { ...meaning, added: [...meaning.added, effect.exponent] };
    } else if (effect.kind === "codedAs") {
      meaning = { ...meaning, coding: effect.coding };
    } else if (effect.kind === "timeOf") {
      meaning = { ...meaning, coding: "time", unit: null };
    } else if (effect.kind === "durationOf") {
      meaning = { ...meaning, unit: "s", factor: effect.factor, exponent: 0 };
    } else if (effect.kind === "countOf") {
      meaning = { ...meaning, unit: null, factor: 1, exponent: 0 };
    }
  }
  return meaning;
}

function scaled(count: bigint | null, meaning: Meaning): MbusValue | null {
  if (count === null) return null;
  let sum = { count: count * BigInt(meaning.factor), exponent: meaning.exponent };
  for (const exponent of meaning.added) {
    const common = Math.min(exponent, sum.exponent);
    const here = sum.count * 10n ** BigInt(sum.exponent - common);
    sum = { count: here + 10n ** BigInt(exponent - common), exponent: common };
  }
  return { kind: "number", ...sum };
}

/**
 * A signed integer of which only the top bit is set is the standard's "invalid"; an unsigned one has all bits
 * set. One byte of the latter is left alone: access numbers and the like come by 255 without meaning it.
 */
function binary({ bytes, at, sizeBytes }: Raw, coding: Meaning["coding"]): bigint | null {
  const unsigned = unsignedLe(bytes, at, sizeBytes);
  const half = 1n << BigInt(8 * sizeBytes - 1);
  if (coding === "unsigned" && sizeBytes > 1 && unsigned === 2n * half - 1n) return null;
  if (coding !== "signed") return unsigned;
  if (unsigned === half) return null;
  return unsigned > half ? unsigned - 2n * half : unsigned;
}

const numberBytesMax = 6;

function unsignedLe(bytes: Uint8Array, at: number, sizeBytes: number): bigint {
  // Up to six bytes are a safe integer; only the rare long ones pay for big arithmetic.
  const low = Math.min(sizeBytes, numberBytesMax);
  let sum = 0;
  for (let i = low - 1; i >= 0; i -= 1) sum = sum * 256 + (bytes[at + i] ?? 0);
  let value = BigInt(sum);
  for (let i = low; i < sizeBytes; i += 1) value += BigInt(bytes[at + i] ?? 0) << BigInt(8 * i);
  return value;
}

/** Digits, low byte first; F in the top digit is a minus sign, any other letter says "no value". */
function bcd({ bytes, at, sizeBytes }: Raw): bigint | null {
  const text = Buffer.from(bytes.subarray(at, at + sizeBytes))
    .reverse()
    .toString("hex");
  return decimalCount(text);
}

/** Hexadecimal digits, highest first, as a decimal count; null: they are none. */
export function decimalCount(text: string): bigint | null {
  const isNegative = text.startsWith("f");
  const digits = isNegative ? text.slice(1) : text;
  if (!/^\d+$/.test(digits)) return null;
  return isNegative ? -BigInt(digits) : BigInt(digits);
}

/** A four-byte real has at most nine digits that mean anything. */
const realDigits = 9;

function realValue(meaning: Meaning, { bytes, at }: Raw): MbusValue | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 4);
  const real = view.getFloat32(0, true);
  if (!Number.isFinite(real)) return null;
  const [mantissa = "0", power = "0"] = real.toExponential(realDigits - 1).split("e");
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  const isZero = digits === "" || digits === "-";
  const decimals = digits.replace("-", "").length - 1;
  const exponent = isZero ? 0 : Number(power) - decimals;
  const own = { ...meaning, exponent: meaning.exponent + exponent };
  return scaled(isZero ? 0n : BigInt(digits), own);
}

function timeValue({ bytes, at, sizeBytes }: Raw): MbusValue | null {
  const time = readTime(bytes, at, sizeBytes);
  return time === undefined ? null : { kind: "time", time };
}

/** The longest binary number behind LVAR that is read as a number; longer ones are bytes. */
const variableNumberBytesMax = 8;

function variableValue(meaning: Meaning, { bytes, at, sizeBytes }: Raw): MbusValue | null {
  const lvar = bytes[at] ?? 0;
  const raw = { bytes, at: at + 1, sizeBytes: sizeBytes - 1 };
  if (lvar < 0xc0) {
    // Zeros make a text as long as its field.
    const text = reversedText(bytes, raw.at, raw.at + raw.sizeBytes).replace(/^\0+|\0+$/g, "");
    // Makers put structures of their own, and the standard puts profiles, where a text could stand.
    const isText = !/\p{Cc}/u.test(text);
    return isText ? { kind: "text", text } : bytesOf(raw);
  }
  if (raw.sizeBytes === 0) return null;
  if (lvar < 0xe0) {
    const digits = bcd(raw);
    const isNegative = lvar >= 0xd0;
    return scaled(isNegative && digits !== null ? -digits : digits, meaning);
  }
  // A time of this length is of type M, whose bits no source at hand tells: its bytes are kept.
  const isNumber = lvar < 0xf0 && meaning.coding !== "time";
  return isNumber && raw.sizeBytes <= variableNumberBytesMax
    ? scaled(binary(raw, meaning.coding), meaning)
    : bytesOf(raw);
}

function bytesOf({ bytes, at, sizeBytes }: Raw): MbusValue {
  return { kind: "bytes", hex: hexOf(bytes, at, at + sizeBytes) };
}

/** Bytes as hexadecimal digits, in the order of the wire. */
export function hexOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString("hex").toUpperCase();
}

/** A number in digits, exact: 1234500 and -3 is "1234.500". */
export function printNumber({ count, exponent }: { count: bigint; exponent: number }): string {
  const sign = count < 0n ? "-" : "";
  const digits = (count < 0n ? -count : count).toString();
  if (exponent >= 0) return count === 0n ? "0" : sign + digits + "0".repeat(exponent);
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}

/** A value as a person would write it. */
export function printValue(value: MbusValue | null): string {
  if (value === null) return "missing";
  switch (value.kind) {
    case "number":
      return printNumber(value);
    case "text":
      return value.text;
    case "time":
      return value.time.text;
    case "bytes":
      return value.hex;
    default:
      return unreachable(value);
  }
}
