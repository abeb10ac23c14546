/** A JSON object as a table of its keys: the table reads, writes and explains it. */
import { invariant } from "#domain/invariant.ts";
import type { FieldTrace } from "../contract.ts";
import {
  pathOf,
  refuse,
  sameBytes,
  skipSpace,
  spanText,
  take,
  takeString,
  takeWord,
  type Cursor,
} from "./cursor.ts";
import type { Kind } from "./kinds.ts";

type Fields = Readonly<Record<string, Kind<unknown>>>;

/** What a table reads: every key is there, undefined where the text does not say. */
export type RecordOf<Table extends Fields> = {
  -readonly [Key in keyof Table]: Table[Key] extends Kind<infer Value> ? Value | undefined : never;
};

const openBrace = 0x7b;
const closeBrace = 0x7d;
const comma = 0x2c;
const colon = 0x3a;
const nullWord = Buffer.from("null");
/** One bit of an integer for each key seen. */
const keysMax = 31;

interface Entry {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly kind: Kind<unknown>;
}

/** An object with these keys, each at most once, in any order, and no others. `null` means absent. */
export function objectOf<const Table extends Fields>(table: Table): Kind<RecordOf<Table>> {
  const entries = Object.entries(table).map(([name, kind]): Entry => {
    return { name, bytes: Buffer.from(name), kind };
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
      const isRead = readEntries(cursor, entries, record);
      cursor.path = outer;
      return isRead ? (record as RecordOf<Table>) : undefined;
    },
    write(record) {
      const values: Readonly<Record<string, unknown>> = record;
      const parts = entries
        .filter(({ name }) => values[name] !== undefined && values[name] !== null)
        .map(({ name, kind }) => `"${name}":${kind.write(values[name])}`);
      return `{${parts.join(",")}}`;
    },
  };
}

function readEntries(
  cursor: Cursor,
  entries: readonly Entry[],
  record: Record<string, unknown>,
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
    if (entry === undefined) return refuse(cursor, spanText(cursor), "unknown key") ?? false;
    if ((seen & (1 << index)) !== 0) return refuse(cursor, entry.name, "key twice") ?? false;
    seen |= 1 << index;
    skipSpace(cursor);
    if (!take(cursor, colon)) return refuse(cursor, entry.name, "no colon after the key") ?? false;
    skipSpace(cursor);
    if (!takeWord(cursor, nullWord) && !readValue(cursor, entry, record)) return false;
    skipSpace(cursor);
    if (take(cursor, closeBrace)) return true;
    if (!take(cursor, comma)) {
      return refuse(cursor, entry.name, "no comma between entries") ?? false;
    }
  }
}

function readValue(cursor: Cursor, entry: Entry, record: Record<string, unknown>): boolean {
  const from = cursor.at;
  const value = entry.kind.read(cursor, entry.name);
  if (value === undefined) return false;
  record[entry.name] = value;
  if (cursor.trace !== null && !entry.kind.isContainer) {
    cursor.trace.push(traceOf(cursor, entry, from));
  }
  return true;
}

function traceOf(cursor: Cursor, { name, kind }: Entry, from: number): FieldTrace {
  const token = Buffer.from(cursor.bytes.subarray(from, cursor.at)).toString("utf8");
  const value = token.startsWith('"') ? token.slice(1, -1) : token;
  return { name: pathOf(cursor, name), from, to: cursor.at, value, unit: kind.unit };
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
