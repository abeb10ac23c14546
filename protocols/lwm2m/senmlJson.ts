/**
 * SenML in JSON (content format 110) and the JSON of LwM2M 1.0 (11543). JSON.parse would lose the low
 * digits of 64-bit numbers, the bytes that a value came from, and the first of two equal fields.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { bytesOfBase64, malformed, recordsMax } from "./record.ts";
import type { Entry, RawRecord } from "./senml.ts";
import { missing, numberFromText, type Value } from "./values.ts";

interface Cursor {
  readonly text: string;
  at: number;
  /** The byte that character `bytesUpTo` is, so that bytes are counted once. */
  byte: number;
  bytesUpTo: number;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const space = /[ \t\r\n]*/y;
// Unrolled, so that a string without end costs no more than its length.
const stringToken = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const numberToken = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordToken = /true|false|null/y;
/** LwM2M 1.0 has other names for what SenML has. */
const oldNames: Readonly<Record<string, string>> = { sv: "vs", bv: "vb", ov: "vlo" };

/** The records of a SenML pack. */
export function readJsonPack(bytes: Uint8Array): Result<readonly RawRecord[], DecodeFault> {
  return readWhole(bytes, (cursor) => readList(cursor, "", {}));
}

/** The records of an LwM2M 1.0 text, whose base stands before the list. */
export function readOldJson(bytes: Uint8Array): Result<readonly RawRecord[], DecodeFault> {
  return readWhole(bytes, (cursor) => {
    let pack: readonly RawRecord[] = [];
    const outer = readObject(cursor, "", (name) => {
      if (name !== "e") return undefined;
      const list = readList(cursor, "e", oldNames);
      if (!list.ok) return list.fault;
      pack = list.value;
      return null;
    });
    if (!outer.ok) return outer;
    // The base before the entries, wherever it stood.
    return ok([outer.value, ...pack]);
  });
}

function readWhole(
  bytes: Uint8Array,
  read: (cursor: Cursor) => Result<readonly RawRecord[], DecodeFault>,
): Result<readonly RawRecord[], DecodeFault> {
  const text = textIn(bytes);
  if (text === undefined || text.includes("\0")) return fail({ kind: "illFormedText", path: "" });
  const cursor: Cursor = { text, at: 0, byte: 0, bytesUpTo: 0 };
  const pack = read(cursor);
  token(cursor, space);
  if (!pack.ok || cursor.at === text.length) return pack;
  return fail(malformed("", "text after the pack"));
}

function textIn(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // The decoder's only way to say no.
    return undefined;
  }
}

function readList(
  cursor: Cursor,
  path: string,
  renamed: Readonly<Record<string, string>>,
): Result<readonly RawRecord[], DecodeFault> {
  const pack: RawRecord[] = [];
  if (!take(cursor, "[")) return fail(malformed(path, "a pack is a list"));
  if (take(cursor, "]")) return ok(pack);
  do {
    const place = `${path}[${pack.length}]`;
    if (pack.length === recordsMax)
      return fail(malformed(place, `more than ${recordsMax} records`));
    const record = readObject(cursor, place, () => undefined, renamed);
    if (!record.ok) return record;
    pack.push(record.value);
  } while (take(cursor, ","));
  return take(cursor, "]") ? ok(pack) : fail(malformed(path, "a list without end"));
}

/** One record. `readInner` takes a field whose value is no scalar: undefined when it is not its own. */
function readObject(
  cursor: Cursor,
  path: string,
  readInner: (name: string) => DecodeFault | null | undefined,
  renamed: Readonly<Record<string, string>> = {},
): Result<RawRecord, DecodeFault> {
  const record = new Map<string, Entry>();
  if (!take(cursor, "{")) return fail(malformed(path, "a record is an object"));
  if (take(cursor, "}")) return ok(record);
  do {
    token(cursor, space);
    const key = token(cursor, stringToken);
    const wire = key === undefined ? undefined : unquoted(key);
    if (wire === undefined || !take(cursor, ":")) return fail(malformed(path, "no field"));
    const name = Object.hasOwn(renamed, wire) ? (renamed[wire] ?? wire) : wire;
    token(cursor, space);
    const inner = readInner(name);
    if (inner !== undefined) {
      if (inner !== null) return fail(inner);
      continue;
    }
    const from = byteHere(cursor);
    const value = readScalar(cursor, name);
    if (value === undefined) return fail(malformed(`${path}.${name.slice(0, 16)}`, "no value"));
    if (record.has(name)) return fail(malformed(`${path}.${name.slice(0, 16)}`, "field twice"));
    record.set(name, { value, from, to: byteHere(cursor) });
  } while (take(cursor, ","));
  return take(cursor, "}") ? ok(record) : fail(malformed(path, "a record without end"));
}

function readScalar(cursor: Cursor, name: string): Value | undefined {
  const quoted = token(cursor, stringToken);
  if (quoted !== undefined) return textValue(unquoted(quoted), name);
  const digits = token(cursor, numberToken);
  if (digits !== undefined) return numberFromText(digits);
  const word = token(cursor, wordToken);
  if (word === undefined) return undefined;
  return word === "null" ? missing : { kind: "boolean", value: word === "true" };
}

function textValue(text: string | undefined, name: string): Value | undefined {
  if (text === undefined) return undefined;
  if (name === "vlo") return { kind: "link", value: text };
  return name === "vd" ? bytesOfBase64(text) : { kind: "text", value: text };
}

/** The text of a string token; undefined when it has a bad escape, or what no alphabet has. */
function unquoted(quoted: string): string | undefined {
  try {
    const text: unknown = JSON.parse(quoted);
    return typeof text === "string" && text.isWellFormed() ? text : undefined;
  } catch {
    // The parser's only way to say no.
    return undefined;
  }
}

function take(cursor: Cursor, sign: string): boolean {
  token(cursor, space);
  if (cursor.text[cursor.at] !== sign) return false;
  cursor.at += 1;
  return true;
}

function token(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

function byteHere(cursor: Cursor): number {
  cursor.byte += Buffer.byteLength(cursor.text.slice(cursor.bytesUpTo, cursor.at));
  cursor.bytesUpTo = cursor.at;
  return cursor.byte;
}

/** A pack as text; for simulated meters. */
export function writeJsonPack(pack: readonly object[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(pack));
}
