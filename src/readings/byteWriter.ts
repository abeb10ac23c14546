/** A buffer that grows while it is written: little-endian numbers of fixed width, and integers of up to 53 bits. */

/** An integer of 53 bits and a sign takes at most so many bytes. */
const integerBytesMax = 8;

/** Numbers of so many bytes are integers of 32 bits. */
const int32Bytes = 4;

/** How a column of residuals is counted: in quanta above the least, in so many bytes each. */
interface Quanta {
  readonly quantum: number;
  readonly least: number;
  readonly width: number;
}

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

  /** What was written at a place, anew. */
  u8At(place: number, value: number): void {
    this.#view.setUint8(place, value);
  }

  u32At(place: number, value: number): void {
    this.#view.setUint32(place, value, true);
  }

  /** Integers, one behind the other. */
  integers(values: Float64Array, from: number, to: number): void {
    for (let place = from; place < to; place += 1) this.integer(values[place] ?? 0);
  }

  /** Seven bits a byte, the lowest first; bit 7 says that more follow. The sign is the lowest bit of the first byte. */
  integer(value: number): void {
    this.#reserve(integerBytesMax);
    const bytes = this.#bytes;
    let at = this.#length;
    const magnitude = Math.abs(value);
    // A remainder of doubles would be a call; what is left of a quotient is none.
    let rest = Math.floor(magnitude / 64);
    let byte = (magnitude - rest * 64) * 2 + (value < 0 ? 1 : 0);
    while (rest > 0) {
      bytes[at] = byte | 0x80;
      at += 1;
      const next = Math.floor(rest / 0x80);
      byte = rest - next * 0x80;
      rest = next;
    }
    bytes[at] = byte;
    this.#length = at + 1;
  }

  /**
   * How far each value lies above the least: first the lowest byte of all of them, then the next. No two are further
   * apart than safe integers are.
   */
  planes(values: Float64Array, count: number, least: number, width: number): void {
    this.#reserve(count * width);
    const isPair = width > 1 && width <= int32Bytes;
    if (isPair) this.#twoPlanes(values, count, least);
    for (let plane = isPair ? 2 : 0; plane < width; plane += 1) {
      const bytes = this.#bytes;
      const at = this.#length;
      // Of what is more than an integer of 32 bits a byte is what is left of a quotient.
      const scale = 256 ** -plane;
      for (let place = 0; place < count; place += 1) {
        bytes[at + place] = ((values[place] ?? 0) - least) * scale;
      }
      this.#length += count;
    }
  }

  /** The lowest two in one pass, which takes less than half as long as one after the other. */
  #twoPlanes(values: Float64Array, count: number, least: number): void {
    const bytes = this.#bytes;
    const at = this.#length;
    const next = at + count;
    for (let place = 0; place < count; place += 1) {
      const above = ((values[place] ?? 0) - least) | 0;
      bytes[at + place] = above;
      bytes[next + place] = above >> 8;
    }
    this.#length += count * 2;
  }

  /** Each value as a double. */
  doubles(values: Float64Array, count: number): void {
    this.#reserve(count * 8);
    for (let place = 0; place < count; place += 1) {
      this.#view.setFloat64(this.#length + place * 8, values[place] ?? 0, true);
    }
    this.#length += count * 8;
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

/** Reads integers into `out` from one place to another; returns the place after them, -1: they are no such thing. */
export function readIntegers(
  bytes: Uint8Array,
  start: number,
  out: Float64Array,
  from: number,
  to: number,
): number {
  let at = start;
  for (let place = from; place < to; place += 1) {
    const first = bytes[at];
    if (first === undefined) return -1;
    at += 1;
    let magnitude = (first & 0x7f) >> 1;
    let scale = 64;
    const end = at + integerBytesMax - 1;
    let last = first;
    while (last >= 0x80) {
      const byte = at < end ? bytes[at] : undefined;
      if (byte === undefined) return -1;
      last = byte;
      at += 1;
      magnitude += (last & 0x7f) * scale;
      scale *= 128;
    }
    if (magnitude > Number.MAX_SAFE_INTEGER) return -1;
    out[place] = (first & 1) === 1 && magnitude !== 0 ? -magnitude : magnitude;
  }
  return at;
}

/**
 * Reads what `planes` wrote, in quanta above the least; there must be as many bytes. `stride` is how many values there
 * are of which these are some.
 */
export function readPlanes(
  bytes: Uint8Array,
  start: number,
  out: Float64Array,
  count: number,
  { quantum, least, width }: Quanta,
  stride = count,
): void {
  const base = least * quantum;
  if (width === 0) out.fill(base, 0, count);
  else if (width === 1) {
    for (let place = 0; place < count; place += 1) {
      out[place] = base + (bytes[start + place] ?? 0) * quantum;
    }
  } else {
    readTwoPlanes(bytes, start, out, count, { quantum, base, stride });
    for (let plane = 2; plane < width; plane += 1) {
      const at = start + plane * stride;
      const scale = quantum * 256 ** plane;
      for (let place = 0; place < count; place += 1) {
        out[place] = (out[place] ?? 0) + (bytes[at + place] ?? 0) * scale;
      }
    }
  }
}

/** The lowest two in one pass, which takes less than half as long as one after the other. */
function readTwoPlanes(
  bytes: Uint8Array,
  start: number,
  out: Float64Array,
  count: number,
  { quantum, base, stride }: { quantum: number; base: number; stride: number },
): void {
  const next = start + stride;
  for (let place = 0; place < count; place += 1) {
    const quanta = (bytes[start + place] ?? 0) | ((bytes[next + place] ?? 0) << 8);
    out[place] = base + quanta * quantum;
  }
}

/** Doubles, times the quantum; false where one is no safe integer. There must be as many bytes. */
export function readDoubles(
  bytes: Uint8Array,
  start: number,
  out: Float64Array,
  count: number,
  quantum: number,
): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let place = 0; place < count; place += 1) {
    const value = view.getFloat64(start + place * 8, true) * quantum;
    if (!Number.isSafeInteger(value)) return false;
    out[place] = value;
  }
  return true;
}
