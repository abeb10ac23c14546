/** One value with its place and its time: what every encoding is read into. */
import type { TimestampMs } from "#domain/units.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { resourceOf, type ObjectTable } from "./objects.ts";
import { printPath, type PathPrefix, type ResourcePath } from "./path.ts";
import { instantFromSeconds, printValue, type Value } from "./values.ts";

/** A value at a place. */
export interface ResourceRecord {
  readonly path: ResourcePath;
  /** Milliseconds since 1970. Null: it is so now. Unknown: relative to a clock that nobody told us. */
  readonly at: number | null | "unknown";
  /** As the sender gives it, where the encoding can (SenML `u`). */
  readonly unit: string | null;
  readonly value: Value;
}

/** What a decoder must be told besides the bytes. */
export interface DecodeContext {
  /** Where the bytes were read from or reported for. */
  readonly path: PathPrefix;
  readonly objects: ObjectTable;
  /** Our clock at arrival: some times are said relative to it. Null: nobody knows. */
  readonly receivedAtMs: TimestampMs | null;
}

/** More values than any meter has, history included. */
export const recordsMax = 4_096;

/** Why no record could be read; thrown nowhere, returned everywhere. */
export function malformed(path: string, problem: string): DecodeFault {
  return { kind: "schema", path, problem };
}

/**
 * The value as its resource means it: seconds are a time, base64 is bytes where an encoding has no
 * bytes, and 1 is true.
 */
export function typedValue(objects: ObjectTable, path: PathPrefix, value: Value): Value {
  const type = resourceOf(objects, path)?.type;
  if (type === "time" && value.kind === "number") {
    return { kind: "time", value: instantFromSeconds(value.decimal) };
  }
  if (type === "boolean" && value.kind === "number") {
    return value.value === 0 || value.value === 1
      ? { kind: "boolean", value: value.value === 1 }
      : value;
  }
  return type === "opaque" && value.kind === "text" ? (bytesOfBase64(value.value) ?? value) : value;
}

const base64Pattern = /^[A-Za-z0-9_\-+/]*={0,2}$/;

/** Base64 in either alphabet, with or without its end; undefined when it is none. */
export function bytesOfBase64(text: string): Value | undefined {
  if (!base64Pattern.test(text)) return undefined;
  return { kind: "bytes", value: new Uint8Array(Buffer.from(text, "base64")) };
}

/** One line for people, from the bytes that carried the value. */
export function traceOf(
  { path, unit, value }: ResourceRecord,
  objects: ObjectTable,
  from: number,
  to: number,
): FieldTrace {
  const known = resourceOf(objects, path);
  const name = [printPath(path), known?.name].join(" ").trimEnd();
  return { name, from, to, value: printValue(value), unit: unit ?? known?.unit ?? null };
}
