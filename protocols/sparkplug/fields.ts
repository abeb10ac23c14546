/** Kinds of protobuf field that Sparkplug has and our own schema has not. */
import type { Field } from "#protocols/codec/protobufMessage.ts";
import { bytesType, pathOf, readBits, refuse, varintType } from "#protocols/codec/protobufWalk.ts";

const fixed64Type = 1;
const fixed32Type = 5;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function single(id: number, wireType: number) {
  const isNeeded = false as const;
  const print = String;
  return { id, wireType, isNeeded, isRepeated: false, isContainer: false, unit: null, print };
}

/** uint32 and uint64 with all their bits: signed values travel in them as two's complement. */
export function bits(id: number): Field<bigint, false> {
  return {
    ...single(id, varintType),
    read: ({ reader }) => readBits(reader),
    write(writer, value) {
      const [low, high] = [value, value >> 32n].map((half) => Number(BigInt.asIntN(32, half)));
      writer.uint32(id << 3).uint64({ low: low ?? 0, high: high ?? 0, unsigned: true });
    },
  };
}

/** A truth. */
export function bool(id: number): Field<boolean, false> {
  return {
    ...single(id, varintType),
    read: ({ reader }) => readBits(reader) !== 0n,
    write: (writer, value) => void writer.uint32(id << 3).bool(value),
  };
}

/** A float of four bytes. */
export function float32(id: number): Field<number, false> {
  return {
    ...single(id, fixed32Type),
    read: ({ reader }) => reader.float(),
    write: (writer, value) => void writer.uint32((id << 3) | fixed32Type).float(value),
  };
}

/** A float of eight bytes. */
export function float64(id: number): Field<number, false> {
  return {
    ...single(id, fixed64Type),
    read: ({ reader }) => reader.double(),
    write: (writer, value) => void writer.uint32((id << 3) | fixed64Type).double(value),
  };
}

/** Bytes of their own. */
export function raw(id: number): Field<Uint8Array, false> {
  return {
    ...single(id, bytesType),
    read: ({ reader }) => new Uint8Array(reader.bytes()),
    write: (writer, value) => void writer.uint32((id << 3) | bytesType).bytes(value),
    print: (value) => Buffer.from(value).toString("hex").toUpperCase(),
  };
}

/** Text, also an empty one. */
export function anyText(id: number): Field<string, false> {
  return {
    ...single(id, bytesType),
    read(walk, name) {
      const value = utf8Text(walk.reader.bytes());
      if (value === undefined) walk.fault ??= { kind: "illFormedText", path: pathOf(walk, name) };
      return value;
    },
    write: (writer, value) => void writer.uint32((id << 3) | bytesType).string(value),
  };
}

/** Several texts, at most `max`. */
export function texts(id: number, max: number): Field<readonly string[], false> {
  const one = anyText(id);
  return {
    ...single(id, bytesType),
    isRepeated: true,
    read(walk, name, before, wireType) {
      // The list is this walk's own; copying it for each entry would not be linear.
      const values = (before ?? []) as string[];
      if (values.length === max) return refuse(walk, name, `more than ${max} entries`);
      const value = one.read(walk, name, undefined, wireType);
      if (value === undefined) return undefined;
      values.push(value);
      return values;
    },
    write(writer, values) {
      for (const value of values) one.write(writer, value);
    },
  };
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    // The decoder's only way to say no.
    return undefined;
  }
}
