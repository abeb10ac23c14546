/** Coders that are kept give what the public calls give, and nothing that they met stays with them. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { compress, frameBytesMax, uncompressed } from "#readings/keptZstd.ts";

/** Both answers lie in the same place, which those of the public call do not. */
function expectKept(frame: Uint8Array): void {
  const [one, other] = [uncompressed(frame), uncompressed(frame)];
  expect(other.buffer).toBe(one.buffer);
  expect(other.byteOffset).toBe(one.byteOffset);
}

/** Something to compress, of so many bytes. */
function sample(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_none, at) => ((at * at) % 251) & (at % 7));
}

const sizes = [1, 2, 100, 5_000, 16_384, 65_536, 65_537, 300_000, 5];

test.each([1, 3, 6])("frames of level %i are those of the public call, byte for byte", (level) => {
  for (const bytes of sizes) {
    const plain = sample(bytes);
    const params = { [constants.ZSTD_c_compressionLevel]: level };
    const expected = zstdCompressSync(plain, { params, pledgedSrcSize: bytes });
    expect(Buffer.compare(compress(plain, level), expected), `${bytes} bytes`).toBe(0);
    expect(Buffer.compare(zstdDecompressSync(expected), plain)).toBe(0);
    expect(Buffer.compare(uncompressed(expected), plain), `${bytes} bytes`).toBe(0);
  }
});

test("a frame that is cut at any byte is refused, and the next one is read as it is", () => {
  const plain = sample(2_000);
  const frame = compress(plain, 1);
  for (let length = 1; length < frame.length; length += 1) {
    expect(() => uncompressed(frame.subarray(0, length)), `${length} bytes`).toThrow();
    expect(Buffer.compare(uncompressed(frame), plain)).toBe(0);
    expectKept(frame);
  }
});

test("whatever a frame with a changed byte gives, the next one is read as it is", () => {
  const plain = sample(500);
  const frame = compress(plain, 1);
  let refused = 0;
  for (let at = 0; at < frame.length; at += 1) {
    const changed = Uint8Array.from(frame);
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    try {
      uncompressed(changed);
    } catch {
      refused += 1;
    }
    expect(Buffer.compare(uncompressed(frame), plain), `byte ${at}`).toBe(0);
  }
  expect(refused).toBeGreaterThan(0);
});

test("of a frame that is too large not more than the limit is uncompressed", () => {
  const frame = compress(new Uint8Array(frameBytesMax + 1), 1);
  for (let turn = 0; turn < 12; turn += 1) expect(() => uncompressed(frame)).toThrow(RangeError);
  expect(uncompressed(compress(new Uint8Array(frameBytesMax), 1)).length).toBe(frameBytesMax);
});
