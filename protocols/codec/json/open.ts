/**
 * JSON of strangers, of which only some keys are ours to read. The rest is passed over, but looked at: it is
 * JSON, no deeper than allowed, and no object in it says the same key twice.
 */
import { fail, type Result } from "#domain/result.ts";
import type { TimestampMs } from "#domain/units.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import { uploadBytesMax } from "../upload.ts";
import { byteAt, quote, refuse, spanText, takeString } from "./cursor.ts";
import { instant, integer, leaf, type Kind } from "./kinds.ts";
import { passOver, walkList, walkNames } from "./pass.ts";
import { depthOf, jsonDepthMax, readWhole } from "./read.ts";

/** A whole text by a table that passes over what it does not know. Linear in the bytes; never throws. */
export function readOpen<Value>(
  kind: Kind<Value>,
  bytes: Uint8Array,
  bytesMax = uploadBytesMax,
): Result<Value, DecodeFault> {
  if (bytes.length > bytesMax) return fail({ kind: "tooLarge", limitBytes: bytesMax });
  // Before the walk, which goes down as deep as the text does.
  if (depthOf(bytes) > jsonDepthMax) return fail({ kind: "tooDeep", limit: jsonDepthMax });
  return readWhole(kind, bytes, null, bytesMax);
}

/** Text of 0 to `charsMax` characters; null where something else than a text stands. */
export function textIfAny(charsMax: number): Kind<string | null> {
  return leaf(null, JSON.stringify, (cursor, name) => {
    if (byteAt(cursor.bytes, cursor.at) !== quote) return passOver(cursor, name) ? null : undefined;
    if (!takeString(cursor, name)) return undefined;
    const value = spanText(cursor);
    return value.length <= charsMax
      ? value
      : refuse(cursor, name, `more than ${charsMax} characters`);
  });
}

/** The content of a string, or any other value as the bytes that it stands in. */
export const textOrSource: Kind<string> = leaf(null, JSON.stringify, (cursor, name) => {
  const from = cursor.at;
  if (byteAt(cursor.bytes, from) === quote) {
    return takeString(cursor, name) ? spanText(cursor) : undefined;
  }
  if (!passOver(cursor, name)) return undefined;
  return Buffer.from(cursor.bytes.subarray(from, cursor.at)).toString("utf8");
});

/** Whether an object or list with something in it, or a text with characters, stands here. */
export const isFilled: Kind<boolean> = leaf(null, String, (cursor, name) => {
  const from = cursor.at;
  if (!passOver(cursor, name)) return undefined;
  const source = Buffer.from(cursor.bytes.subarray(from, cursor.at)).toString("latin1");
  return !/^(?:\{\s*\}|\[\s*\]|""|false|null)$/.test(source);
});

/** An object of any names, at most `max` of them. */
export function namesOf<Value>(kind: Kind<Value>, max: number): Kind<ReadonlyMap<string, Value>> {
  return {
    unit: null,
    isContainer: true,
    write: (map) =>
      `{${[...map].map(([name, value]) => `${JSON.stringify(name)}:${kind.write(value)}`).join()}}`,
    read(cursor, name) {
      const map = new Map<string, Value>();
      const isRead = walkNames(cursor, name, (inner) => {
        if (map.size >= max) return refuse(cursor, name, `more than ${max} names`) ?? false;
        const value = kind.read(cursor, inner);
        if (value !== undefined) map.set(inner, value);
        return value !== undefined;
      });
      return isRead ? map : undefined;
    },
  };
}

/** A list of at most `max` values, each as the bytes that it stands in. */
export function sourcesOf(max: number): Kind<readonly Uint8Array[]> {
  const write = (sources: readonly Uint8Array[]) =>
    `[${sources.map((source) => Buffer.from(source).toString("utf8")).join()}]`;
  return leaf(null, write, (cursor, name) => {
    const sources: Uint8Array[] = [];
    const isRead = walkList(cursor, name, () => {
      if (sources.length >= max) return refuse(cursor, name, `more than ${max} entries`) ?? false;
      const from = cursor.at;
      const isPassed = passOver(cursor, name);
      if (isPassed) sources.push(cursor.bytes.subarray(from, cursor.at));
      return isPassed;
    });
    return isRead ? sources : undefined;
  });
}

/** Below it a count since 1970 is one of seconds: the year 1973 in milliseconds, 5138 in seconds. */
const secondsBelow = 100_000_000_000;

/**
 * When a platform says that something was: RFC 3339, seconds or milliseconds. Null where it says something else:
 * it is for people to read, and no frame is lost for it.
 */
export const sentAt: Kind<TimestampMs | null> = leaf(
  null,
  (value) => instant.write(value),
  (cursor, name) => {
    const from = cursor.at;
    if (!passOver(cursor, name)) return undefined;
    const bytes = cursor.bytes.subarray(from, cursor.at);
    const source = Buffer.from(bytes).toString("latin1").replaceAll('"', "");
    const digits = /^\d{1,15}$/.test(source) ? Number(source) : null;
    if (digits !== null) return epochInstantOf(digits);
    const time = readWhole(instant, bytes, null);
    return time.ok ? time.value : null;
  },
);

function epochInstantOf(digits: number): TimestampMs | null {
  const atMs = digits < secondsBelow ? digits * 1_000 : digits;
  const time = readWhole(instant, Buffer.from(String(atMs)), null);
  return time.ok ? time.value : null;
}

/** A whole number; null where something else stands. */
export const integerIfAny: Kind<number | null> = leaf(null, String, (cursor, name) => {
  const from = cursor.at;
  if (!passOver(cursor, name)) return undefined;
  const number = readWhole(integer(), cursor.bytes.subarray(from, cursor.at), null);
  return number.ok ? number.value : null;
});
