/**
 * Where a walk over JSON bytes stands, and the tokens of RFC 8259. The walk knows from which byte to
 * which a value came, never recurses deeper than the tables, and sees a repeated key: three things
 * that JSON.parse cannot offer.
 */
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** One walk over one uplink. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
  fault: DecodeFault | null;
  /** The container around the present value, as people write it: `history[3]`. */
  path: string;
  /** What has been read, for people; null where nobody looks. */
  readonly trace: FieldTrace[] | null;
  /** The content of the string read last: `span` from `spanFrom` up to `spanTo`. */
  span: Uint8Array;
  spanFrom: number;
  spanTo: number;
}

/** The byte that begins and ends a string. */
export const quote = 0x22;
const backslash = 0x5c;
const firstPrintable = 0x20;
const firstNonAscii = 0x80;
/** What a fault may quote of a stranger's text. */
const quotedCharsMax = 40;

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

/** A walk that stands at the first byte. */
export function cursorAt(bytes: Uint8Array, trace: FieldTrace[] | null): Cursor {
  return { bytes, at: 0, fault: null, path: "", trace, span: bytes, spanFrom: 0, spanTo: 0 };
}

/** The byte at a place, -1 past the end. */
export function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? -1;
}

/** Where a value stands: its key below the path of its container. */
export function pathOf(cursor: Cursor, name: string): string {
  const short = name.slice(0, quotedCharsMax);
  return cursor.path === "" ? short : `${cursor.path}.${short}`;
}

/** Ends the walk. Always undefined, so that readers can return it. */
export function refuse(cursor: Cursor, name: string, problem: string): undefined {
  cursor.fault ??= { kind: "schema", path: pathOf(cursor, name), problem };
  return undefined;
}

/** Steps over white space. */
export function skipSpace(cursor: Cursor): void {
  const { bytes } = cursor;
  let at = cursor.at;
  for (;;) {
    const byte = byteAt(bytes, at);
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at += 1;
  }
  cursor.at = at;
}

/** Steps over one byte when it is the wanted one. */
export function take(cursor: Cursor, wanted: number): boolean {
  if (byteAt(cursor.bytes, cursor.at) !== wanted) return false;
  cursor.at += 1;
  return true;
}

/** Steps over a literal (`null`, `NaN`) when it stands here. */
export function takeWord(cursor: Cursor, word: Uint8Array): boolean {
  const end = cursor.at + word.length;
  if (!sameBytes(cursor.bytes, cursor.at, end, word)) return false;
  cursor.at = end;
  return true;
}

/** Whether a stretch of bytes is this word. */
export function sameBytes(bytes: Uint8Array, from: number, to: number, word: Uint8Array): boolean {
  if (to - from !== word.length) return false;
  for (let i = 0; i < word.length; i += 1) if (bytes[from + i] !== word[i]) return false;
  return true;
}

/** Reads a string; its content is then the cursor's span. False: none stands here, or a fault. */
export function takeString(cursor: Cursor, name: string): boolean {
  const { bytes } = cursor;
  const from = cursor.at + 1;
  if (!take(cursor, quote)) return false;
  let at = from;
  let isPlain = true;
  for (;;) {
    const byte = byteAt(bytes, at);
    if (byte === quote) break;
    if (byte < firstPrintable) {
      refuse(cursor, name, byte < 0 ? "string without end" : "control character in a string");
      return false;
    }
    if (byte === backslash) at += 1;
    if (byte === backslash || byte >= firstNonAscii) isPlain = false;
    at += 1;
  }
  cursor.at = at + 1;
  cursor.span = bytes;
  cursor.spanFrom = from;
  cursor.spanTo = at;
  return isPlain || unescape(cursor, name);
}

/** The rare way: escapes and other alphabets. The span becomes the text that was meant. */
function unescape(cursor: Cursor, name: string): boolean {
  const text = escapedText(cursor.bytes.subarray(cursor.spanFrom - 1, cursor.spanTo + 1));
  if (text === undefined || !text.isWellFormed() || text.includes("\0")) {
    cursor.fault ??= { kind: "illFormedText", path: pathOf(cursor, name) };
    return false;
  }
  cursor.span = utf8.encode(text);
  cursor.spanFrom = 0;
  cursor.spanTo = cursor.span.length;
  return true;
}

/** A string token, quotes included, as text; undefined when it is no UTF-8 or has a bad escape. */
function escapedText(token: Uint8Array): string | undefined {
  try {
    const text: unknown = JSON.parse(strictUtf8.decode(token));
    return typeof text === "string" ? text : undefined;
  } catch {
    // Both throw for one reason only, which the caller reports as a fault.
    return undefined;
  }
}

/** The span as text. */
export function spanText(cursor: Cursor): string {
  return strictUtf8.decode(cursor.span.subarray(cursor.spanFrom, cursor.spanTo));
}

/** The span with one character a byte: the same only for the same text, and cheaper than its text. */
export function spanMark(cursor: Cursor): string {
  const { span, spanFrom, spanTo } = cursor;
  const view = Buffer.from(span.buffer, span.byteOffset + spanFrom, spanTo - spanFrom);
  return view.toString("latin1");
}

/** Whether bytes are text at all: UTF-8 without byte-order mark and without NUL. */
export function isCleanText(bytes: Uint8Array): boolean {
  if (bytes.includes(0) || (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)) {
    return false;
  }
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    // The decoder's only way to say no.
    return false;
  }
}
