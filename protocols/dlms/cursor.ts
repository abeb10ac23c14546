/** A place in an APDU that moves on. The first trouble stays; after it everything reads as nothing. */
import { readLength } from "#protocols/codec/lengthOctets.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** Reads one APDU from front to back. */
export interface Cursor {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly fault: DecodeFault | null;
  /** Everything that was read under a name. */
  readonly fields: readonly FieldTrace[];
  /** So many bytes; none of them once there is a fault. */
  take(count: number, name?: string): Uint8Array;
  /** An unsigned number of one to four bytes, high byte first. */
  unsigned(sizeBytes: 1 | 2 | 4, name?: string): number;
  /** A number whose values have names; a value without one is a fault. */
  named(names: Readonly<Record<number, string>>, name: string): string;
  /** A length as BER and A-XDR write it. */
  length(): number;
  /** A length and so many bytes. */
  octets(name?: string): Uint8Array;
  /** Whether an optional part follows: its usage flag is not zero. */
  hasOption(): boolean;
  refuse(fault: DecodeFault): void;
  note(name: string, from: number, value: string, unit?: string | null): void;
}

/** A cursor at a byte. */
export function cursorAt(bytes: Uint8Array, start: number): Cursor {
  const fields: FieldTrace[] = [];
  let at = start;
  let fault: DecodeFault | null = null;

  function take(count: number, name?: string): Uint8Array {
    const to = at + count;
    if (fault !== null) return nothing;
    if (to > bytes.length) {
      fault = { kind: "truncated", neededBytes: to, availableBytes: bytes.length };
      return nothing;
    }
    const part = bytes.subarray(at, to);
    at = to;
    if (name !== undefined && count > 0) note(name, to - count, hexOf(part));
    return part;
  }

  function unsigned(sizeBytes: 1 | 2 | 4, name?: string): number {
    const value = take(sizeBytes).reduce((sum, byte) => sum * 256 + byte, 0);
    if (name !== undefined) note(name, at - sizeBytes, String(value));
    return value;
  }

  function length(): number {
    if (fault !== null) return 0;
    const read = readLength(bytes, at);
    if (!read.ok) {
      fault = read.fault;
      return 0;
    }
    at = read.value.nextAt;
    return read.value.length;
  }

  function refuse(found: DecodeFault): void {
    fault ??= found;
  }

  function note(name: string, from: number, value: string, unit: string | null = null): void {
    if (fault === null) fields.push({ name, from, to: at, value, unit });
  }

  return {
    bytes,
    fields,
    get at() {
      return at;
    },
    get fault() {
      return fault;
    },
    take,
    unsigned,
    named(names, name) {
      const code = unsigned(1);
      const word = names[code];
      if (word === undefined) refuse({ kind: "unexpectedValue", field: name, atByte: at - 1 });
      note(name, at - 1, word ?? "");
      return word ?? "";
    },
    length,
    octets(name) {
      const from = at;
      const part = take(length());
      if (name !== undefined) note(name, from, hexOf(part));
      return part;
    },
    hasOption: () => unsigned(1) !== 0,
    refuse,
    note,
  };
}

const nothing = new Uint8Array();

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
