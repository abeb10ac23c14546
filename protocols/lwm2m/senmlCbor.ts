/** SenML in CBOR (content format 112): labels are numbers, and names where RFC 8428 has no number. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import {
  cborMajor,
  endsTooEarly,
  readEntries,
  readHead,
  readScalar,
  skipItem,
  writeHead,
  writeScalar,
  type CborCursor,
} from "./cbor.ts";
import { malformed, recordsMax } from "./record.ts";
import type { Entry, RawRecord } from "./senml.ts";
import type { Value } from "./values.ts";

/** RFC 8428, table 6. */
const labels = {
  bver: -1,
  bn: -2,
  bt: -3,
  bu: -4,
  bv: -5,
  bs: -6,
  n: 0,
  u: 1,
  v: 2,
  vs: 3,
  vb: 4,
  s: 5,
  t: 6,
  ut: 7,
  vd: 8,
} as const satisfies Record<string, number>;

/** `vlo` is LwM2M's own and has no number. */
type Label = keyof typeof labels | "vlo";

const names = new Map<number, string>(Object.entries(labels).map(([name, label]) => [label, name]));
const known = new Set<string>([...Object.keys(labels), "vlo"]);

/** The records of a pack. */
export function readCborPack(bytes: Uint8Array): Result<readonly RawRecord[], DecodeFault> {
  const cursor: CborCursor = { bytes, at: 0 };
  const head = readHead(cursor);
  if (head?.major !== cborMajor.array) return fail(malformed("", "a pack is a list"));
  const pack: RawRecord[] = [];
  const fault = readEntries(cursor, head, () => {
    if (pack.length === recordsMax) return malformed("", `more than ${recordsMax} records`);
    const record = readRecord(cursor);
    if (!record.ok) return record.fault;
    pack.push(record.value);
    return null;
  });
  if (fault !== null) return fail(fault);
  return cursor.at === bytes.length ? ok(pack) : fail(malformed("", "bytes after the pack"));
}

function readRecord(cursor: CborCursor): Result<RawRecord, DecodeFault> {
  const head = readHead(cursor);
  if (head === undefined) return fail(endsTooEarly);
  if (head.major !== cborMajor.map) return fail(malformed("", "a record is a map"));
  const record = new Map<string, Entry>();
  const fault = readEntries(cursor, head, () => {
    const label = readScalar(cursor);
    if (!label.ok) return label.fault;
    const name = nameOf(label.value);
    if (record.has(name)) return malformed(name, "field twice");
    const from = cursor.at;
    if (!known.has(name) && !name.endsWith("_")) return skipItem(cursor);
    const value = readScalar(cursor);
    if (!value.ok) return value.fault;
    record.set(name, { value: value.value, from, to: cursor.at });
    return null;
  });
  return fault === null ? ok(record) : fail(fault);
}

function nameOf(label: Value): string {
  if (label.kind === "text") return label.value;
  const isNumber = label.kind === "number" && typeof label.value === "number";
  return isNumber ? (names.get(label.value) ?? String(label.value)) : "";
}

/** A pack as bytes; for simulated meters. */
export function writeCborPack(
  pack: readonly Readonly<Partial<Record<Label, number | string | boolean | Uint8Array>>>[],
): Uint8Array {
  const records = pack.map((record) => {
    const fields = Object.entries(record).map(([name, value]) => {
      const label = name === "vlo" ? name : labels[name as keyof typeof labels];
      return Buffer.concat([writeScalar(label), writeScalar(value)]);
    });
    return Buffer.concat([writeHead(cborMajor.map, BigInt(fields.length)), ...fields]);
  });
  return new Uint8Array(
    Buffer.concat([writeHead(cborMajor.array, BigInt(records.length)), ...records]),
  );
}
