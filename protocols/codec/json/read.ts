/** A whole JSON text by one table, and the name of what is wrong with a text that no table takes. */
import { fail, ok, type Result } from "#domain/result.ts";
import { uploadBytesMax } from "../upload.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { cursorAt, isCleanText, quote, refuse, skipSpace } from "./cursor.ts";
import type { Kind } from "./kinds.ts";

/** The deepest nesting that is looked at. */
export const jsonDepthMax = 16;

const backslash = 0x5c;

/** The value that is the whole text. Linear in the bytes; never throws. */
export function readWhole<Value>(
  kind: Kind<Value>,
  bytes: Uint8Array,
  trace: FieldTrace[] | null,
  bytesMax = uploadBytesMax,
): Result<Value, DecodeFault> {
  if (bytes.length > bytesMax) return fail({ kind: "tooLarge", limitBytes: bytesMax });
  const cursor = cursorAt(bytes, trace);
  skipSpace(cursor);
  const value = kind.read(cursor, "");
  skipSpace(cursor);
  if (value !== undefined && cursor.at === bytes.length) return ok(value);
  refuse(cursor, "", "text after the object");
  const fault = cursor.fault ?? { kind: "schema", path: "", problem: "not a value" };
  return fail(fault.kind === "schema" ? deeperCause(bytes, fault) : fault);
}

/**
 * What no table takes may have a plainer name. A text that a table took needs no such look: it cannot
 * be deeper than the table, and all of it that is not plain ASCII has been checked as text.
 */
function deeperCause(bytes: Uint8Array, fault: DecodeFault): DecodeFault {
  if (depthOf(bytes) > jsonDepthMax) return { kind: "tooDeep", limit: jsonDepthMax };
  return isCleanText(bytes) ? fault : { kind: "illFormedText", path: "" };
}

/** The deepest nesting of brackets outside strings. */
export function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) isInString = !isInString;
    else if (isInString) at += byte === backslash ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, (depth += 1));
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return deepest;
}
