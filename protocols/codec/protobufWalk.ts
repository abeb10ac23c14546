/**
 * One walk over protobuf bytes with the wire reader of protobufjs, the only file that imports it. It
 * throws on broken bytes; here that becomes a fault.
 */
import protobuf from "protobufjs/minimal.js";
import { fail, ok, type Result } from "#domain/result.ts";
import { uploadBytesMax } from "./upload.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";

/** Reads varints, strings and bytes. */
export type WireReader = protobuf.Reader;
/** Writes them. */
export type WireWriter = protobuf.Writer;

/** Where a walk over one upload stands. */
export interface Walk {
  readonly reader: WireReader;
  fault: DecodeFault | null;
  /** The message around the present field: `history[3]`. */
  path: string;
  /** What has been read, for people; null where nobody looks. */
  readonly trace: FieldTrace[] | null;
}

/** Wire types of the format; groups (3, 4) are refused, 6 and 7 do not exist. */
export const varintType = 0;
/** Text, bytes, messages and packed numbers: a length comes first. */
export const bytesType = 2;

/** Where a field stands, as people write it. */
export function pathOf(walk: Walk, name: string): string {
  return walk.path === "" ? name : `${walk.path}.${name}`;
}

/** Ends the walk. Always undefined, so that readers can return it. */
export function refuse(walk: Walk, name: string, problem: string): undefined {
  walk.fault ??= { kind: "schema", path: pathOf(walk, name), problem };
  return undefined;
}

/** The value of a whole upload. Linear in the bytes; never throws. */
export function walkWhole<Value>(
  bytes: Uint8Array,
  trace: FieldTrace[] | null,
  read: (walk: Walk, end: number) => Value | undefined,
  limitBytes = uploadBytesMax,
): Result<Value, DecodeFault> {
  if (bytes.length > limitBytes) return fail({ kind: "tooLarge", limitBytes });
  const walk: Walk = { reader: protobuf.Reader.create(bytes), fault: null, path: "", trace };
  try {
    const value = read(walk, bytes.length);
    if (value !== undefined) return ok(value);
  } catch (error) {
    // Bytes that end too early or numbers that never end: the reader says which.
    refuse(walk, "", error instanceof Error ? error.message : "unreadable");
  }
  return fail(walk.fault ?? { kind: "schema", path: "", problem: "unreadable" });
}

/** What a writer wrote, as bytes of their own. */
export function bytesOf(write: (writer: WireWriter) => void): Uint8Array {
  const writer = protobuf.Writer.create();
  write(writer);
  return Uint8Array.from(writer.finish());
}

/** A varint as a number; beyond the safe integers it is not exact, so callers check. */
export function readVarint(reader: WireReader): number {
  return toNumber(reader.uint64());
}

/** All 64 bits of a varint, unsigned. */
export function readBits(reader: WireReader): bigint {
  const { high, low } = reader.uint64();
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** A zigzag varint as a number, with the same caveat. */
export function readZigzag(reader: WireReader): number {
  return toNumber(reader.sint64());
}

function toNumber(value: ReturnType<WireReader["uint64"]>): number {
  const high = value.unsigned ? value.high >>> 0 : value.high;
  return high * 2 ** 32 + (value.low >>> 0);
}

/** Steps over a field that no table knows, without going into it. False: a group, or no wire type. */
export function skipUnknown(reader: WireReader, wireType: number): boolean {
  switch (wireType) {
    case varintType:
      reader.uint64();
      return true;
    case 1:
      reader.skip(8);
      return true;
    case bytesType:
      reader.bytes();
      return true;
    case 5:
      reader.skip(4);
      return true;
    default:
      return false;
  }
}
