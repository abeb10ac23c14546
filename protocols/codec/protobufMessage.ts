/** A protobuf message as a table of its fields: the table reads, writes and explains it. */
import { invariant } from "#domain/invariant.ts";
import {
  bytesType,
  pathOf,
  refuse,
  skipUnknown,
  type Walk,
  type WireWriter,
} from "./protobufWalk.ts";

/** One field of a message: its number, its wire type, and what stands there. */
export interface Field<Value, IsNeeded extends boolean = boolean> {
  readonly id: number;
  readonly wireType: number;
  /** A repeated field adds to what was read before; any other may come once. */
  readonly isRepeated: boolean;
  readonly isNeeded: IsNeeded;
  readonly unit: string | null;
  /** Its parts are traced one by one instead of the whole. */
  readonly isContainer: boolean;
  /** The value at the reader; undefined when there is none, with the fault on the walk. */
  read(walk: Walk, name: string, before: Value | undefined, wireType: number): Value | undefined;
  /** Tag and value. */
  write(writer: WireWriter, value: Value): void;
  print(value: Value): string;
}

type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a table reads: every field is there, undefined where the bytes do not say. */
export type RecordOf<Table extends Fields> = {
  readonly [Name in keyof Table]: Table[Name] extends Field<infer Value, infer IsNeeded>
    ? IsNeeded extends true
      ? Value
      : Value | undefined
    : never;
};

/** A message that can be read and written. */
export interface Message<Value> {
  /** Reads up to a byte; undefined with the fault on the walk. */
  readonly read: (walk: Walk, end: number) => Value | undefined;
  readonly write: (writer: WireWriter, value: Value) => void;
}

/** A message of these fields; fields of other numbers are passed over. */
export function message<const Table extends Fields>(table: Table): Message<RecordOf<Table>> {
  const entries = Object.entries(table);
  const byId = new Map(entries.map(([name, field]) => [field.id, { name, field }]));
  invariant(byId.size === entries.length, "field numbers differ");
  const blank = Object.fromEntries(entries.map(([name]) => [name, undefined]));
  return {
    read(walk, end) {
      const record: Record<string, unknown> = { ...blank };
      while (walk.reader.pos < end) {
        const from = walk.reader.pos;
        const tag = walk.reader.tag();
        const known = byId.get(tag >>> 3);
        if (known === undefined) {
          if (tag >>> 3 === 0) return refuse(walk, "", "field number 0");
          if (!skipUnknown(walk.reader, tag & 7)) return refuse(walk, "", "group or no wire type");
        } else if (!readField(walk, known.name, known.field, tag & 7, from, record))
          return undefined;
      }
      if (walk.reader.pos !== end) return refuse(walk, "", "a field longer than its message");
      for (const [name, { isNeeded }] of entries) {
        if (isNeeded && record[name] === undefined) return refuse(walk, name, "missing");
      }
      return record as RecordOf<Table>;
    },
    write(writer, record) {
      const values: Readonly<Record<string, unknown>> = record;
      for (const [name, field] of entries) {
        if (values[name] !== undefined) field.write(writer, values[name]);
      }
    },
  };
}

function readField(
  walk: Walk,
  name: string,
  field: Field<unknown>,
  wireType: number,
  from: number,
  record: Record<string, unknown>,
): boolean {
  const before = record[name];
  // Repeated numbers may come packed or one by one; all else has one wire type.
  const isPacked = field.isRepeated && wireType === bytesType;
  if (wireType !== field.wireType && !isPacked) {
    return refuse(walk, name, "wrong wire type") ?? false;
  }
  if (before !== undefined && !field.isRepeated) return refuse(walk, name, "field twice") ?? false;
  const value = field.read(walk, name, before, wireType);
  if (value === undefined) return false;
  record[name] = value;
  if (walk.trace !== null && !field.isContainer) {
    const to = walk.reader.pos;
    const { unit } = field;
    walk.trace.push({ name: pathOf(walk, name), from, to, value: field.print(value), unit });
  }
  return true;
}
