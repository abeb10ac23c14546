/** A buffer that grows while it is written: little-endian numbers of fixed width, and integers of up to 53 bits. */

/** An integer of 53 bits and a sign takes at most so many bytes. */
const integerBytesMax = 8;
const smallMax = 0x3fff_ffff;

export class ByteWriter {
  #bytes = new Uint8Array(4_096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What has been written; valid until the next call. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A safe integer in eight bytes. */
  i64(value: number): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.#length, BigInt(value), true);
    this.#length += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /**
   * Each value divided by the quantum, seven bits a byte, the lowest first; bit 7 says that more follow. Signed
   * integers carry their sign in the lowest bit of the first byte.
   */
  integers(values: Float64Array, count: number, quantum: number, signed: boolean): void {
    this.#reserve(count * integerBytesMax);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let place = 0; place < count; place += 1) {
      const value = (values[place] ?? 0) / quantum;
      const magnitude = value < 0 ? -value : value;
      if (magnitude <= smallMax) {
        let rest = signed ? (magnitude << 1) | (value < 0 ? 1 : 0) : magnitude;
        while (rest >= 0x80) {
          bytes[at] = (rest & 0x7f) | 0x80;
          at += 1;
          rest >>>= 7;
        }
        bytes[at] = rest;
        at += 1;
      } else {
        at = writeLarge(bytes, at, value, signed);
      }
    }
    this.#length = at;
  }

  integer(value: number): void {
    this.integers(Float64Array.of(value), 1, 1, true);
  }

  #reserve(moreBytes: number): void {
    const needed = this.#length + moreBytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.written);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

function writeLarge(bytes: Uint8Array, start: number, value: number, signed: boolean): number {
  let at = start;
  const magnitude = Math.abs(value);
  const firstScale = signed ? 64 : 128;
  const low = magnitude % firstScale;
  bytes[at] = (signed ? low * 2 + (value < 0 ? 1 : 0) : low) | 0x80;
  at += 1;
  let rest = Math.floor(magnitude / firstScale);
  while (rest >= 0x80) {
    bytes[at] = (rest % 0x80) | 0x80;
    at += 1;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at] = rest;
  return at + 1;
}

/** Reads `count` integers into `out`; returns the place after them, or -1 where the bytes are no such thing. */
export function readIntegers(
  bytes: Uint8Array,
  start: number,
  out: Float64Array,
  count: number,
  signed: boolean,
): number {
  let at = start;
  for (let place = 0; place < count; place += 1) {
    const first = bytes[at];
    if (first === undefined) return -1;
    at += 1;
    let magnitude = signed ? (first & 0x7f) >> 1 : first & 0x7f;
    if (first >= 0x80) {
      let scale = signed ? 64 : 128;
      const end = at + integerBytesMax - 1;
      let next = 0x80;
      while (next >= 0x80) {
        const byte = at < end ? bytes[at] : undefined;
        if (byte === undefined) return -1;
        next = byte;
        at += 1;
        magnitude += (next & 0x7f) * scale;
        scale *= 128;
      }
      if (magnitude > Number.MAX_SAFE_INTEGER) return -1;
    }
    out[place] = signed && (first & 1) === 1 && magnitude !== 0 ? -magnitude : magnitude;
  }
  return at;
}
