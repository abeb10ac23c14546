/**
 * Steps over JSON that nobody reads, and looks at it all the same: it is JSON, and no object in it says the same
 * key twice. It goes down as deep as the text does, so the depth is checked before.
 */
import {
  byteAt,
  quote,
  refuse,
  skipSpace,
  spanMark,
  spanText,
  take,
  takeString,
  takeWord,
} from "./cursor.ts";
import type { Cursor } from "./cursor.ts";

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;
const words = ["true", "false", "null"].map((word) => Buffer.from(word));
/** RFC 8259, section 6. */
const numberPattern = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const numberBytes = new Set(Buffer.from("+-.0123456789Ee"));
/** No number of a platform has more characters, and none of ours has a tenth. */
const numberBytesMax = 64;

/** Steps over any value. False: there is none, or it is not JSON. */
export function passOver(cursor: Cursor, name: string): boolean {
  const byte = byteAt(cursor.bytes, cursor.at);
  if (byte === quote) return takeString(cursor, name);
  if (byte === openBrace) return passObject(cursor, name);
  if (byte === openBracket) return walkList(cursor, name, () => passOver(cursor, name));
  if (words.some((word) => takeWord(cursor, word))) return true;
  return passNumber(cursor, name);
}

function passNumber(cursor: Cursor, name: string): boolean {
  const from = cursor.at;
  let to = from;
  while (to - from <= numberBytesMax && numberBytes.has(byteAt(cursor.bytes, to))) to += 1;
  const token = Buffer.from(cursor.bytes.subarray(from, to)).toString("latin1");
  if (!numberPattern.test(token)) return refuse(cursor, name, "not a value") ?? false;
  cursor.at = to;
  return true;
}

function passObject(cursor: Cursor, name: string): boolean {
  return walkNames(cursor, name, (inner) => passOver(cursor, inner), false);
}

/** An object whose names are not known beforehand, each at most once. `isNamed`: somebody reads them. */
export function walkNames(
  cursor: Cursor,
  name: string,
  readOne: (name: string) => boolean,
  isNamed = true,
): boolean {
  if (!take(cursor, openBrace)) return refuse(cursor, name, "not an object") ?? false;
  skipSpace(cursor);
  if (take(cursor, closeBrace)) return true;
  const seen = new Set<string>();
  for (;;) {
    skipSpace(cursor);
    if (!takeString(cursor, name)) return refuse(cursor, name, "no key where one belongs") ?? false;
    const mark = spanMark(cursor);
    const inner = isNamed ? spanText(cursor) : mark;
    if (seen.has(mark)) return refuse(cursor, inner, "key twice") ?? false;
    seen.add(mark);
    skipSpace(cursor);
    if (!take(cursor, colon)) return refuse(cursor, inner, "no colon after the key") ?? false;
    skipSpace(cursor);
    if (!readOne(inner)) return false;
    skipSpace(cursor);
    if (take(cursor, closeBrace)) return true;
    if (!take(cursor, comma)) return refuse(cursor, inner, "no comma between entries") ?? false;
  }
}

/** A list, whose entries `readOne` reads. */
export function walkList(cursor: Cursor, name: string, readOne: () => boolean): boolean {
  if (!take(cursor, openBracket)) return refuse(cursor, name, "not a list") ?? false;
  skipSpace(cursor);
  if (take(cursor, closeBracket)) return true;
  for (;;) {
    skipSpace(cursor);
    if (!readOne()) return false;
    skipSpace(cursor);
    if (take(cursor, closeBracket)) return true;
    if (!take(cursor, comma)) return refuse(cursor, name, "no comma between entries") ?? false;
  }
}
