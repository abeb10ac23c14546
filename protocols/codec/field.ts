/** Fields of fixed size: each reads, writes and prints itself. Layouts put them in wire order. */
import { invariant } from "#domain/invariant.ts";

/** A kind of value with the bytes it takes. */
export interface Field<Value> {
  readonly sizeBytes: number;
  /** undefined: these bytes are no such value. The caller has checked that they are there. */
  read(bytes: Uint8Array, at: number): Value | undefined;
  write(bytes: Uint8Array, at: number, value: Value): void;
  /** As a person would write it. */
  print(value: Value): string;
  unitOf(value: Value): string | null;
  /** How unreadable bytes are reported. */
  readonly refusedAs: "notBcd" | "unexpectedValue";
}

/** A byte that is there, because the layout has counted them. */
function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** An unsigned or signed integer of one or two bytes. */
function integer(
  sizeBytes: 1 | 2,
  order: "le" | "be",
  min: number,
  unit: string | null,
): Field<number> {
  const span = 256 ** sizeBytes;
  const low = order === "le" ? 0 : sizeBytes - 1;
  const high = sizeBytes - 1 - low;
  return {
    sizeBytes,
    read(bytes, at) {
      const value = byteAt(bytes, at + low) + (low === high ? 0 : 256 * byteAt(bytes, at + high));
      return value >= span + min ? value - span : value;
    },
    write(bytes, at, value) {
      invariant(value >= min && value < span + min, "an integer fits its bytes");
      bytes[at + high] = (value >> (8 * (sizeBytes - 1))) & 0xff;
      bytes[at + low] = value & 0xff;
    },
    print: String,
    unitOf: () => unit,
    refusedAs: "unexpectedValue",
  };
}

/** One byte. */
export const u8 = integer(1, "be", 0, null);
/** Two bytes, low byte first. */
export const u16le = integer(2, "le", 0, null);
/** Two bytes, high byte first. */
export const u16be = integer(2, "be", 0, null);

/** Two bytes, high byte first, two's complement. */
export function i16be(unit: string | null): Field<number> {
  return integer(2, "be", -32_768, unit);
}

/** A byte that can only be this one. */
export function fixed(only: number): Field<number> {
  return {
    ...u8,
    read: (bytes, at) => (bytes[at] === only ? only : undefined),
    print: printByte,
  };
}

/** A byte with a name for each value that a table knows; others are refused. */
export function oneOf<const Name extends string>(
  names: Readonly<Record<number, Name>>,
): Field<Name> {
  const codes = new Map(Object.entries(names).map(([code, name]) => [name, Number(code)]));
  return {
    sizeBytes: 1,
    read: (bytes, at) => names[byteAt(bytes, at)],
    write(bytes, at, value) {
      const code = codes.get(value);
      invariant(code !== undefined, "a name of the table is written");
      bytes[at] = code;
    },
    print: String,
    unitOf: () => null,
    refusedAs: "unexpectedValue",
  };
}

/** A byte whose known values have names for people; any value is read. */
export function code(names: Readonly<Record<number, string>>): Field<number> {
  return { ...u8, print: (value) => `${printByte(value)} ${names[value] ?? ""}`.trimEnd() };
}

function printByte(value: number): string {
  return `${value.toString(16).toUpperCase().padStart(2, "0")}H`;
}

/** Bytes as they are, in hexadecimal digits, first byte first. */
export function hex(sizeBytes: number): Field<string> {
  return digits(sizeBytes, "be", false);
}

/** Hexadecimal digits, last byte first: numbers that vendors do not always keep to 0-9. */
export function hexLe(sizeBytes: number): Field<string> {
  return digits(sizeBytes, "le", false);
}

/** Decimal digits, two a byte, low byte first. */
export function bcdLe(sizeBytes: number): Field<string> {
  return digits(sizeBytes, "le", true);
}

/** Decimal digits, two a byte, high byte first. */
export function bcdBe(sizeBytes: number): Field<string> {
  return digits(sizeBytes, "be", true);
}

function digits(sizeBytes: number, order: "le" | "be", isDecimal: boolean): Field<string> {
  return {
    sizeBytes,
    read(bytes, at) {
      const part = bytes.subarray(at, at + sizeBytes);
      const text = Buffer.from(order === "le" ? part.toReversed() : part).toString("hex");
      return isDecimal && /[a-f]/.test(text) ? undefined : text;
    },
    write(bytes, at, value) {
      invariant(/^[0-9a-fA-F]*$/.test(value) && value.length === 2 * sizeBytes, "digits fit");
      const part = Buffer.from(value, "hex");
      bytes.set(order === "le" ? part.toReversed() : part, at);
    },
    print: (value) => value.toUpperCase(),
    unitOf: () => null,
    refusedAs: isDecimal ? "notBcd" : "unexpectedValue",
  };
}

/** Decimal digits as a count, low byte first: at most 14 digits, so always a safe integer. */
export function bcdCountLe(sizeBytes: number): Field<number> {
  invariant(sizeBytes <= 7, "14 digits are a safe integer");
  return {
    sizeBytes,
    read(bytes, at) {
      let count = 0;
      for (let i = sizeBytes - 1; i >= 0; i -= 1) {
        const byte = byteAt(bytes, at + i);
        if (byte >> 4 > 9 || (byte & 0x0f) > 9) return undefined;
        count = count * 100 + (byte >> 4) * 10 + (byte & 0x0f);
      }
      return count;
    },
    write(bytes, at, value) {
      invariant(value >= 0 && value < 100 ** sizeBytes, "a count fits its digits");
      let rest = value;
      for (let i = 0; i < sizeBytes; i += 1, rest = Math.trunc(rest / 100)) {
        bytes[at + i] = (Math.trunc(rest / 10) % 10) * 16 + (rest % 10);
      }
    },
    print: String,
    unitOf: () => null,
    refusedAs: "notBcd",
  };
}

/** A field that may say nothing: bytes that are no value are null, and null is written as FF. */
export function optional<Value>(field: Field<Value>): Field<Value | null> {
  return {
    ...field,
    read: (bytes, at) => field.read(bytes, at) ?? null,
    write(bytes, at, value) {
      if (value === null) bytes.fill(0xff, at, at + field.sizeBytes);
      else field.write(bytes, at, value);
    },
    print: (value) => (value === null ? "missing" : field.print(value)),
    unitOf: (value) => (value === null ? null : field.unitOf(value)),
  };
}

/** The same field several times. */
export function times<Value>(count: number, field: Field<Value>): Field<readonly Value[]> {
  return {
    sizeBytes: count * field.sizeBytes,
    read(bytes, at) {
      const values: Value[] = [];
      for (let i = 0; i < count; i += 1) {
        const value = field.read(bytes, at + i * field.sizeBytes);
        if (value === undefined) return undefined;
        values.push(value);
      }
      return values;
    },
    write(bytes, at, values) {
      invariant(values.length === count, "a list has the length of its table");
      for (const [i, value] of values.entries())
        field.write(bytes, at + i * field.sizeBytes, value);
    },
    print: (values) => values.map((value) => field.print(value)).join(" "),
    unitOf: ([first]) => (first === undefined ? null : field.unitOf(first)),
    refusedAs: field.refusedAs,
  };
}
