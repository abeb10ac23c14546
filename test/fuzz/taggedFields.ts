/** Fields with their lengths right, in each of the encodings that nest: protobuf, TLV and CBOR. */
import type { Chance } from "../support/random.ts";
import { anyBytes, joined, varint } from "./bytes.ts";

/** A message of fields with numbers up to 20, some of them messages again. */
export function protobufFields(chance: Chance, depth = 0): Uint8Array {
  const fields = Array.from({ length: chance.whole(depth === 0 ? 1 : 0, 8) }, () => {
    const id = chance.whole(1, 20);
    const kind = chance.any([0, 0, 1, 2, 2, 5]) ?? 0;
    const tag = varint(id * 8 + kind);
    if (kind === 0) return joined(tag, varint(anyNumber(chance)));
    if (kind === 1) return joined(tag, anyBytes(chance, 8));
    if (kind === 5) return joined(tag, anyBytes(chance, 4));
    const isNested = depth < 4 && chance.once(2);
    const content = isNested
      ? protobufFields(chance, depth + 1)
      : anyBytes(chance, chance.whole(0, 12));
    return joined(tag, varint(content.length), content);
  });
  return joined(...fields);
}

/** An upload begins with its version, or nobody looks further. */
export function uploadFields(chance: Chance): Uint8Array {
  return joined([0x08, 0x01], protobufFields(chance));
}

/** A payload of Sparkplug: its time, then metrics of fields, then the sequence number. */
export function sparkplugFields(chance: Chance): Uint8Array {
  const metrics = Array.from({ length: chance.whole(0, 6) }, () => {
    const metric = protobufFields(chance, 1);
    return joined([0x12], varint(metric.length), metric);
  });
  const time = joined([0x08], varint(1_795_305_605_000 + chance.whole(0, 1_000)));
  return joined(time, ...metrics, [0x18], varint(chance.whole(0, 300)));
}

function anyNumber(chance: Chance): number {
  const size = chance.whole(0, 3);
  return chance.whole(0, [127, 70_000, 2 ** 31, 2 ** 45][size] ?? 0);
}

/** Items of TLV; objects hold instances, instances resources. */
export function tlvItems(chance: Chance, depth = 0): Uint8Array {
  const items = Array.from({ length: chance.whole(1, 6) }, () => {
    const isNested = depth < 3 && chance.once(3);
    const content = isNested
      ? tlvItems(chance, depth + 1)
      : anyBytes(chance, chance.any([0, 1, 1, 2, 4, 8, 8, 3, 12]) ?? 1);
    const kind = isNested ? (chance.any([0x00, 0x80]) ?? 0) : (chance.any([0xc0, 0xc0, 0x40]) ?? 0);
    const id = chance.any([0, 1, 1, 3, 4, 5, 6, 7, 9, 10, 11, 13, 20]) ?? 1;
    const isShort = content.length < 8;
    const size = content.length & 0xff;
    const long = content.length > 255 ? [content.length >> 8, size] : [size];
    const lengthBits = isShort ? content.length : long.length << 3;
    return joined([kind | lengthBits, id], isShort ? [] : long, content);
  });
  return joined(...items);
}

/** A value in CBOR. */
function cborValue(chance: Chance, depth: number): Uint8Array {
  const major = chance.whole(0, depth > 3 ? 3 : 7);
  const head = (length: number): readonly number[] =>
    length < 24 ? [(major << 5) | length] : [(major << 5) | 24, length];
  if (major <= 1) return joined(cborNumber(chance, major));
  if (major <= 3) {
    const content = anyBytes(chance, chance.whole(0, 30));
    return joined(head(content.length), content);
  }
  if (major === 7) return joined([0xf9 + chance.whole(0, 2)], anyBytes(chance, 8));
  const count = chance.whole(0, 4);
  const each = () => cborValue(chance, depth + 1);
  if (major === 6) return joined([0xc0 | chance.whole(0, 23)], each());
  const items = Array.from({ length: major === 5 ? 2 * count : count }, each);
  return joined(head(count), ...items);
}

function cborNumber(chance: Chance, major: number): readonly number[] {
  const kind = chance.whole(0, 4);
  if (kind === 0) return [(major << 5) | chance.whole(0, 23)];
  const length = 2 ** (kind - 1);
  return [(major << 5) | (23 + kind), ...anyBytes(chance, length)];
}

const names = ["/3423/0/1", "/3423/0/5518", "/3/0/9", "/4/0/2", "/3423/0/10", "/3/0/13", "/19/0/0"];

/** A SenML pack: a list of maps with the labels of the standard. */
export function cborPack(chance: Chance): Uint8Array {
  const count = chance.whole(1, 5);
  const records = Array.from({ length: count }, () => {
    const name = Buffer.from(chance.any(names) ?? "");
    const value = chance.once(3) ? cborValue(chance, 2) : cborNumber(chance, 0);
    const label = chance.any([0x02, 0x02, 0x03, 0x04, 0x08]) ?? 0x02;
    const time = chance.once(3) ? joined([0x06], cborValue(chance, 3)) : new Uint8Array();
    const pairs = time.length > 0 ? 3 : 2;
    return joined([0xa0 | pairs, 0x00, 0x60 | name.length], name, [label], value, time);
  });
  const isAny = chance.once(4);
  return isAny ? cborValue(chance, 0) : joined([0x80 | count], ...records);
}
