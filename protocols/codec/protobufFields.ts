/** The kinds of field that the schema has. */
import type { TimestampMs } from "#domain/units.ts";
import { formatInstant } from "#domain/units.ts";
import { believableInstant } from "./calendar.ts";
import type { Field, Message } from "./protobufMessage.ts";
import {
  bytesType,
  pathOf,
  readVarint,
  readZigzag,
  refuse,
  varintType,
  type Walk,
  type WireReader,
  type WireWriter,
} from "./protobufWalk.ts";

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The same field, without which the message says nothing. */
export function needed<Value>(field: Field<Value>): Field<Value, true> {
  return { ...field, isNeeded: true };
}

/** uint32 and uint64: a whole number that is not negative, in the safe range. */
export function uint(id: number, unit: string | null = null): Field<number, false> {
  return number(id, unit, readVarint, (writer, value) => writer.uint64(value));
}

/** sint32 and sint64: a whole number in the safe range. */
export function sint(id: number, unit: string | null = null): Field<number, false> {
  return number(id, unit, readZigzag, (writer, value) => writer.sint64(value));
}

/** This number and no other. */
export function exactly(id: number, only: number): Field<number, false> {
  const field = uint(id);
  return {
    ...field,
    read(walk, name, before, wireType) {
      const value = field.read(walk, name, before, wireType);
      return value === undefined || value === only ? value : refuse(walk, name, `not ${only}`);
    },
  };
}

/** Milliseconds since 1970 as uint64; null when no meter can mean that year. */
export function instant(id: number): Field<TimestampMs | null, false> {
  const field = uint(id);
  return {
    ...field,
    read(walk, name, before, wireType) {
      const atMs = field.read(walk, name, before ?? undefined, wireType);
      return atMs === undefined ? undefined : (believableInstant(atMs) ?? null);
    },
    write(writer, value) {
      if (value !== null) field.write(writer, value);
    },
    print: (value) => (value === null ? "no date" : formatInstant(value)),
  };
}

/** Text of 1 to `charsMax` characters. */
export function text(id: number, charsMax: number): Field<string, false> {
  return {
    ...single(id, bytesType),
    read(walk, name) {
      const value = utf8Text(walk.reader.bytes());
      if (value === undefined || value.includes("\0")) {
        walk.fault ??= { kind: "illFormedText", path: pathOf(walk, name) };
        return undefined;
      }
      const fits = value.length >= 1 && value.length <= charsMax;
      return fits ? value : refuse(walk, name, `not 1 to ${charsMax} characters`);
    },
    write: (writer, value) => void writer.uint32((id << 3) | bytesType).string(value),
    print: String,
  };
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // The decoder's only way to say no.
    return undefined;
  }
}

/** Words by their numbers. */
type WordNumbers<Word extends string> = Readonly<Record<Word, number>>;

/** An enum; `otherwise` stands for numbers that are not in it, where that is harmless. */
export function oneWord<const Word extends string>(
  id: number,
  numbers: WordNumbers<Word>,
  otherwise?: NoInfer<Word>,
): Field<Word, false> {
  const words = wordsOf(numbers);
  return {
    ...single(id, varintType),
    read(walk, name) {
      const value = words.get(readVarint(walk.reader)) ?? otherwise;
      return value ?? refuse(walk, name, `not one of ${[...words.values()].join(", ")}`);
    },
    write: (writer, value) => void writer.uint32(id << 3).uint32(numbers[value]),
    print: String,
  };
}

/**
 * A repeated enum, packed or not. Numbers that we do not know are passed over, so that they cannot
 * hide one we do. An empty list is written as a single 0, so that it can be told from none.
 */
export function words<const Word extends string>(
  id: number,
  numbers: WordNumbers<Word>,
): Field<readonly Word[], false> {
  const known = wordsOf(numbers);
  return {
    ...single(id, varintType),
    isRepeated: true,
    read(walk, name, before, wireType) {
      const { reader } = walk;
      const found = new Set(before);
      const isPacked = wireType === bytesType;
      const end = isPacked ? endOfInner(reader) : reader.pos + 1;
      while (reader.pos < end) {
        const word = known.get(readVarint(reader));
        if (word !== undefined) found.add(word);
      }
      const isWhole = !isPacked || reader.pos === end;
      return isWhole ? [...found] : refuse(walk, name, "a number longer than its list");
    },
    write(writer, values) {
      const present = values.length === 0 ? [0] : values.map((value) => numbers[value]);
      writer.uint32((id << 3) | bytesType).fork();
      for (const value of present) writer.uint32(value);
      writer.ldelim();
    },
    print: (values) => values.join(" "),
  };
}

/** A message within a message. */
export function one<Value>(id: number, inner: Message<Value>): Field<Value, false> {
  return {
    ...single(id, bytesType),
    isContainer: true,
    read: (walk, name) => readInner(walk, name, inner),
    write: (writer, value) => writeInner(writer, id, inner, value),
    print: () => "",
  };
}

/** At most `max` messages. */
export function many<Value>(
  id: number,
  inner: Message<Value>,
  max: number,
): Field<readonly Value[], false> {
  return {
    ...single(id, bytesType),
    isRepeated: true,
    isContainer: true,
    read(walk, name, before) {
      // The list is this walk's own; copying it for each entry would not be linear.
      const values = (before ?? []) as Value[];
      if (values.length === max) return refuse(walk, name, `more than ${max} entries`);
      const value = readInner(walk, `${name}[${values.length}]`, inner);
      if (value === undefined) return undefined;
      values.push(value);
      return values;
    },
    write(writer, values) {
      for (const value of values) writeInner(writer, id, inner, value);
    },
    print: () => "",
  };
}

function single(id: number, wireType: number) {
  const isNeeded = false as const;
  return { id, wireType, isNeeded, isRepeated: false, isContainer: false, unit: null };
}

function number(
  id: number,
  unit: string | null,
  read: (reader: WireReader) => number,
  write: (writer: WireWriter, value: number) => void,
): Field<number, false> {
  return {
    ...single(id, varintType),
    unit,
    read(walk, name) {
      const value = read(walk.reader);
      return Number.isSafeInteger(value) ? value : refuse(walk, name, "beyond the safe integers");
    },
    write: (writer, value) => write(writer.uint32(id << 3), value),
    print: String,
  };
}

function wordsOf<Word extends string>(numbers: WordNumbers<Word>): ReadonlyMap<number, Word> {
  const words = Object.keys(numbers) as Word[];
  return new Map(words.map((word) => [numbers[word], word]));
}

function endOfInner(reader: WireReader): number {
  const length = reader.size();
  return reader.pos + length;
}

function readInner<Value>(walk: Walk, name: string, inner: Message<Value>): Value | undefined {
  const end = endOfInner(walk.reader);
  const outer = walk.path;
  walk.path = pathOf(walk, name);
  const value = inner.read(walk, end);
  walk.path = outer;
  return value;
}

function writeInner<Value>(
  writer: WireWriter,
  id: number,
  inner: Message<Value>,
  value: Value,
): void {
  inner.write(writer.uint32((id << 3) | bytesType).fork(), value);
  writer.ldelim();
}
