/** SenML packs (RFC 8428): what JSON and CBOR share. Base values hold until the next one. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { parsePath, printPath, valuePath } from "./path.ts";
import {
  malformed,
  traceOf,
  typedValue,
  type DecodeContext,
  type ResourceRecord,
} from "./record.ts";
import { millisecondsOf, type Value } from "./values.ts";

/** A value with the bytes that carried it. */
export interface Entry {
  readonly value: Value;
  readonly from: number;
  readonly to: number;
}

/** One record of a pack: its fields by their names in SenML-JSON. */
export type RawRecord = ReadonlyMap<string, Entry>;

/** The only version; a pack of a later one must be refused (RFC 8428, 4.4). */
const packVersionMax = 10n;
/** Times below this are relative to now (RFC 8428, 4.5.3). */
const relativeBelowMs = 2 ** 28 * 1_000;
/** Fields that change what a value means. No meter sends them, and to pass over them would be wrong. */
const refused = ["bv", "bs", "s"];
const valueFields = ["v", "vs", "vb", "vd", "vlo"];

interface Base {
  name: string | null;
  time: number | null;
  unit: string | null;
}

/** The records of a pack with their full names and times. */
export function resolvePack(
  pack: readonly RawRecord[],
  context: DecodeContext,
  trace: FieldTrace[] | null,
): Result<readonly ResourceRecord[], DecodeFault> {
  const base: Base = { name: null, time: null, unit: null };
  const records: ResourceRecord[] = [];
  for (const [index, raw] of pack.entries()) {
    const fault = check(raw, index) ?? takeBase(raw, index, base);
    if (fault !== null) return fail(fault);
    const entries = valueFields.flatMap((field) => raw.get(field) ?? []);
    const [entry] = entries;
    if (entries.length > 1) return fail(malformed(`[${index}]`, "two values in one record"));
    if (entry === undefined) continue;
    const record = recordOf(raw, index, entry.value, base, context);
    if (!record.ok) return record;
    records.push(record.value);
    trace?.push(traceOf(record.value, context.objects, entry.from, entry.to));
  }
  return ok(records);
}

function check(raw: RawRecord, index: number): DecodeFault | null {
  for (const field of raw.keys()) {
    // A field whose name ends so must be understood or the pack refused (RFC 8428, 4.4).
    if (refused.includes(field) || field.endsWith("_")) {
      return { kind: "unsupported", what: `SenML field ${field.slice(0, 16)}` };
    }
  }
  const version = raw.get("bver")?.value;
  const isKnown = version === undefined || (numberIn(version)?.coefficient ?? 0n) <= packVersionMax;
  return isKnown ? null : { kind: "unsupported", what: `SenML version in record ${index}` };
}

function takeBase(raw: RawRecord, index: number, base: Base): DecodeFault | null {
  const name = raw.get("bn")?.value;
  if (name !== undefined) {
    if (name.kind !== "text") return malformed(`[${index}].bn`, "not text");
    base.name = name.value;
  }
  const time = raw.get("bt")?.value;
  if (time !== undefined) {
    base.time = milliseconds(time);
    if (base.time === null) return malformed(`[${index}].bt`, "not a time");
  }
  const unit = raw.get("bu")?.value;
  if (unit !== undefined) base.unit = unit.kind === "text" ? unit.value : null;
  return null;
}

function recordOf(
  raw: RawRecord,
  index: number,
  value: Value,
  base: Base,
  context: DecodeContext,
): Result<ResourceRecord, DecodeFault> {
  const name = raw.get("n")?.value ?? { kind: "text", value: "" };
  if (name.kind !== "text") return fail(malformed(`[${index}].n`, "not text"));
  const path = fullPath(base.name, name.value, context);
  if (path === undefined) return fail(malformed(`[${index}]`, "no path of a value"));
  const offset = raw.get("t")?.value;
  const offsetMs = offset === undefined ? 0 : milliseconds(offset);
  if (offsetMs === null) return fail(malformed(`[${index}].t`, "not a time"));
  const isTimed = offset !== undefined || base.time !== null;
  const at = isTimed ? instantOf((base.time ?? 0) + offsetMs, context) : null;
  const unit = raw.get("u")?.value;
  return ok({
    path,
    at,
    unit: unit?.kind === "text" ? unit.value : base.unit,
    value: typedValue(context.objects, path, value),
  });
}

/** Without a base the name is below the place that the pack is of, unless it is a whole path. */
function fullPath(baseName: string | null, name: string, { path }: DecodeContext) {
  const isWhole = baseName !== null || name.startsWith("/");
  const joined = isWhole ? `${baseName ?? ""}${name}` : `${printPath(path)}/${name}`;
  const parsed = parsePath(joined);
  return parsed === undefined ? undefined : valuePath(parsed);
}

/** Early times are relative to our own clock, which may be unknown. */
function instantOf(atMs: number, { receivedAtMs }: DecodeContext): ResourceRecord["at"] {
  if (atMs >= relativeBelowMs) return atMs;
  if (atMs === 0) return null;
  return receivedAtMs === null ? "unknown" : receivedAtMs + atMs;
}

function milliseconds(value: Value): number | null {
  const decimal = numberIn(value);
  return decimal === undefined ? null : (millisecondsOf(decimal) ?? null);
}

function numberIn(value: Value) {
  return value.kind === "number" ? value.decimal : undefined;
}
