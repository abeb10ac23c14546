/** Random bytes as meters have them, and the ways in which bytes go wrong. */
import type { Chance } from "../support/random.ts";

/** Values at which decoders think again. */
const edges = [0x00, 0x01, 0x0f, 0x10, 0x16, 0x2f, 0x68, 0x7e, 0x7f, 0x80, 0x99, 0xaa, 0xfe, 0xff];

/** One byte: mostly any, often digits, sometimes an edge. */
export function anyByte(chance: Chance): number {
  const kind = chance.whole(0, 5);
  if (kind === 0) return chance.any(edges) ?? 0;
  if (kind === 1) return 16 * chance.whole(0, 9) + chance.whole(0, 9);
  return chance.whole(0, 255);
}

/** Bytes of one kind for a stretch: any, digits, or edges now and then; four of each draw. */
export function anyBytes(chance: Chance, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const isDigits = chance.once(4);
  for (let at = 0; at < length; at += 4) {
    const word = drawn(chance);
    for (let place = 0; place < 4 && at + place < length; place += 1) {
      const byte = (word >>> (8 * place)) & 0xff;
      bytes[at + place] = isDigits ? digitsOf(byte) : byte;
    }
  }
  for (let left = length >> 3; left > 0; left -= 1) {
    bytes[chance.whole(0, length - 1)] = chance.any(edges) ?? 0;
  }
  return bytes;
}

/** 32 bits of chance. */
function drawn(chance: Chance): number {
  return Math.floor(chance.next() * 2 ** 32);
}

function digitsOf(byte: number): number {
  return 16 * ((byte >> 4) % 10) + ((byte & 0x0f) % 10);
}

/** Digits in BCD. */
export function digits(chance: Chance, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = digitsOf(drawn(chance) & 0xff);
  return bytes;
}

export function joined(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A frame with some bytes changed, taken out, put in, doubled or cut off. */
export function mutated(chance: Chance, bytes: Uint8Array): Uint8Array {
  let changed: Uint8Array = bytes.slice();
  for (let step = chance.whole(0, 3); step >= 0; step -= 1) changed = oneChange(chance, changed);
  return changed;
}

function oneChange(chance: Chance, bytes: Uint8Array): Uint8Array {
  const at = chance.whole(0, Math.max(0, bytes.length - 1));
  const some = chance.whole(1, 8);
  switch (chance.whole(0, 6)) {
    case 0:
      return flipped(bytes, 8 * at + chance.whole(0, 7));
    case 1:
      return joined(bytes.subarray(0, at), bytes.subarray(at + some));
    case 2:
      return joined(bytes.subarray(0, at), anyBytes(chance, some), bytes.subarray(at));
    case 3:
      return joined(bytes.subarray(0, at + some), bytes.subarray(at));
    case 4:
      return bytes.slice(0, at);
    default: {
      const changed = bytes.slice();
      if (at < changed.length) changed[at] = anyByte(chance);
      return changed;
    }
  }
}

/** One bit the other way. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  const at = bit >> 3;
  if (at < changed.length) changed[at] = (changed[at] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

/** The beginning of one frame and the end of another. */
export function spliced(chance: Chance, one: Uint8Array, other: Uint8Array): Uint8Array {
  const front = one.subarray(0, chance.whole(0, one.length));
  return joined(front, other.subarray(chance.whole(0, other.length)));
}

/** The sum modulo 256. */
export function sum8(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) sum += bytes[at] ?? 0;
  return sum & 0xff;
}

/** A varint of protobuf. */
export function varint(value: number): readonly number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}
