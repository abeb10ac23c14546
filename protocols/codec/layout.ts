/** A frame part as a table of fields in wire order. The table decodes, encodes and explains. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import type { Field } from "./field.ts";

type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a table of fields reads. */
export type ValuesOf<Table extends Fields> = {
  readonly [Name in keyof Table]: Table[Name] extends Field<infer Value> ? Value : never;
};

/** A part of a frame that can be read, written and explained. */
export interface Layout<Values> {
  readonly name: string;
  readonly sizeBytes: number;
  /** Reads the part that begins at a byte; what could be read is appended to `trace`. */
  decode(bytes: Uint8Array, at: number, trace: FieldTrace[] | null): Result<Values, DecodeFault>;
  encode(values: Values): Uint8Array;
  /** Where a field stands, from the first byte of the part; undefined: there is no such field. */
  offsetOf(name: string): number | undefined;
}

/** What a layout reads. */
export type ValuesOfLayout<L> = L extends Layout<infer Values> ? Values : never;

/** A part of a frame: its fields in wire order, without gaps. */
export function layout<const Table extends Fields>(
  name: string,
  table: Table,
): Layout<ValuesOf<Table>> {
  const fields = Object.entries(table);
  const blank = Object.fromEntries(fields.map(([fieldName]) => [fieldName, undefined]));
  const offsets = new Map<string, number>();
  let end = 0;
  for (const [fieldName, field] of fields) {
    offsets.set(fieldName, end);
    end += field.sizeBytes;
  }
  const sizeBytes = end;
  return {
    name,
    sizeBytes,
    decode(bytes, at, trace) {
      const values: Record<string, unknown> = { ...blank };
      let from = at;
      for (const [fieldName, field] of fields) {
        const to = from + field.sizeBytes;
        if (to > bytes.length) {
          return fail({
            kind: "truncated",
            neededBytes: at + sizeBytes,
            availableBytes: bytes.length,
          });
        }
        const value = field.read(bytes, from);
        if (value === undefined) {
          return fail({ kind: field.refusedAs, field: `${name}.${fieldName}`, atByte: from });
        }
        values[fieldName] = value;
        if (trace !== null) {
          const unit = field.unitOf(value);
          trace.push({ name: fieldName, from, to, value: field.print(value), unit });
        }
        from = to;
      }
      return ok(values as ValuesOf<Table>);
    },
    encode(values) {
      const bytes = new Uint8Array(sizeBytes);
      let at = 0;
      for (const [fieldName, field] of fields) {
        field.write(bytes, at, values[fieldName]);
        at += field.sizeBytes;
      }
      return bytes;
    },
    offsetOf: (fieldName) => offsets.get(fieldName),
  };
}

/** Sum modulo 256 of the bytes `from` up to but not including `to`. */
export function sum8(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += bytes[at] ?? 0;
  return sum & 0xff;
}
