/** A JSON object as a table of its keys: the table reads, writes and explains it. */
import { invariant } from "#domain/invariant.ts";
import type { FieldTrace } from "#protocols/contract.ts";
import {
  pathOf,
  refuse,
  sameBytes,
  skipSpace,
  spanMark,
  spanText,
  take,
  takeString,
  takeWord,
  type Cursor,
} from "./cursor.ts";
import type { Kind } from "./kinds.ts";
import { passOver } from "./pass.ts";

/** One key of an object: what it is called on the wire, and what stands there. */
export interface Key<Value, IsNeeded extends boolean = boolean> {
  readonly wire: string;
  readonly kind: Kind<Value>;
  readonly isNeeded: IsNeeded;
}

/** A key that may be absent, or null, which means the same. */
export function key<Value>(wire: string, kind: Kind<Value>): Key<Value, false> {
  return { wire, kind, isNeeded: false };
}

/** A key without which the object says nothing. */
export function needed<Value>(wire: string, kind: Kind<Value>): Key<Value, true> {
  return { wire, kind, isNeeded: true };
}

type Keys = Readonly<Record<string, Key<unknown>>>;

/** What a table reads, by our names: every name is there, undefined where the text does not say. */
export type RecordOf<Table extends Keys> = {
  readonly [Name in keyof Table]: Table[Name] extends Key<infer Value, infer IsNeeded>
    ? IsNeeded extends true
      ? Value
      : Value | undefined
    : never;
};

const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;
const colon = 0x3a;
const nullWord = Buffer.from("null");
/** One bit of an integer for each key seen. */
const keysMax = 31;

interface Entry extends Key<unknown> {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An object with these keys, each at most once, in any order, and no others. `null` means absent. */
export function objectOf<const Table extends Keys>(table: Table): Kind<RecordOf<Table>> {
  return objectWith(table, () => null);
}

/** The same, but the text is a stranger's: other keys, each at most once too, are passed over. */
export function openObjectOf<const Table extends Keys>(table: Table): Kind<RecordOf<Table>> {
  return objectWith(table, () => new Set());
}

/** `others` holds the names of the keys passed over; null: there must be none. */
type Others = Set<string> | null;

function objectWith<const Table extends Keys>(
  table: Table,
  others: () => Others,
): Kind<RecordOf<Table>> {
  const entries = Object.entries(table).map(([name, entry]): Entry => {
    return { ...entry, name, bytes: Buffer.from(entry.wire) };
  });
  invariant(entries.length <= keysMax, "a table has at most one key for each bit");
  // Every record starts as a copy of this one, so all have one shape and no key of a stranger.
  const blank = Object.fromEntries(entries.map(({ name }) => [name, undefined]));
  return {
    unit: null,
    isContainer: true,
    read(cursor, name) {
      const outer = cursor.path;
      if (!take(cursor, openBrace)) return refuse(cursor, name, "not an object");
      if (name !== "") cursor.path = pathOf(cursor, name);
      const record: Record<string, unknown> = { ...blank };
      const isRead = readEntries(cursor, entries, record, others());
      if (isRead && hasNeeded(cursor, entries, record)) {
        cursor.path = outer;
        return record as RecordOf<Table>;
      }
      return undefined;
    },
    write(record) {
      const values: Readonly<Record<string, unknown>> = record;
      const parts = entries
        .filter(({ name }) => values[name] !== undefined && values[name] !== null)
        .map(({ name, wire, kind }) => `"${wire}":${kind.write(values[name])}`);
      return `{${parts.join(",")}}`;
    },
  };
}

function readEntries(
  cursor: Cursor,
  entries: readonly Entry[],
  record: Record<string, unknown>,
  others: Others,
): boolean {
  skipSpace(cursor);
  if (take(cursor, closeBrace)) return true;
  let seen = 0;
  let index = -1;
  for (;;) {
    skipSpace(cursor);
    if (!takeString(cursor, "")) return refuse(cursor, "", "no key where one belongs") ?? false;
    index = findEntry(entries, cursor, index + 1);
    const entry = entries[index];
    if (entry === undefined && others === null) {
      return refuse(cursor, spanText(cursor), "unknown key") ?? false;
    }
    const wire = entry?.wire ?? spanMark(cursor);
    const isSeen = entry === undefined ? others?.has(wire) : (seen & (1 << index)) !== 0;
    if (isSeen === true) return refuse(cursor, wire, "key twice") ?? false;
    if (entry === undefined) others?.add(wire);
    else seen |= 1 << index;
    skipSpace(cursor);
    if (!take(cursor, colon)) return refuse(cursor, wire, "no colon after the key") ?? false;
    skipSpace(cursor);
    if (!takeValue(cursor, entry, wire, record)) return false;
    skipSpace(cursor);
    if (take(cursor, closeBrace)) return true;
    if (!take(cursor, comma)) return refuse(cursor, wire, "no comma between entries") ?? false;
  }
}

function hasNeeded(
  cursor: Cursor,
  entries: readonly Entry[],
  record: Readonly<Record<string, unknown>>,
): boolean {
  for (const { name, wire, isNeeded } of entries) {
    if (isNeeded && record[name] === undefined) return refuse(cursor, wire, "missing") ?? false;
  }
  return true;
}

function takeValue(
  cursor: Cursor,
  entry: Entry | undefined,
  wire: string,
  record: Record<string, unknown>,
): boolean {
  if (entry === undefined) return passOver(cursor, wire);
  return takeWord(cursor, nullWord) || readValue(cursor, entry, record);
}

function readValue(cursor: Cursor, entry: Entry, record: Record<string, unknown>): boolean {
  const from = cursor.at;
  const value = entry.kind.read(cursor, entry.wire);
  if (value === undefined) return false;
  record[entry.name] = value;
  if (cursor.trace !== null && !entry.kind.isContainer) {
    cursor.trace.push(traceOf(cursor, entry, from));
  }
  return true;
}

function traceOf(cursor: Cursor, { wire, kind }: Entry, from: number): FieldTrace {
  const token = Buffer.from(cursor.bytes.subarray(from, cursor.at)).toString("utf8");
  const value = token.startsWith('"') ? token.slice(1, -1) : token;
  return { name: pathOf(cursor, wire), from, to: cursor.at, value, unit: kind.unit };
}

/** Encoders keep to one order, so the search starts after the key found last. -1: not in the table. */
function findEntry(entries: readonly Entry[], cursor: Cursor, first: number): number {
  const { span, spanFrom, spanTo } = cursor;
  for (let i = 0; i < entries.length; i += 1) {
    const index = (first + i) % entries.length;
    const entry = entries[index];
    if (entry !== undefined && sameBytes(span, spanFrom, spanTo, entry.bytes)) return index;
  }
  return -1;
}
