/** A sealed file: any block opens alone, and no block opens that is not what and where it was. */
import { expect, test } from "vitest";
import { plainBytes, sealShape, type BlockOpener } from "#ports/fileSeal.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { systemRng } from "../../../src/systemRng.ts";

const keys = [systemRng.bytes(32), systemRng.bytes(32)] as const;
const seal = fileSeal([keys[0]], systemRng);
const { headerBytes, blockBytes, tagBytes, sealedBlockBytes } = sealShape;
const room = () => new Uint8Array(sealedBlockBytes);

function opener(header: Uint8Array, with_ = seal): BlockOpener {
  const found = with_.open(header);
  if (typeof found === "string") throw new TypeError(found);
  return found;
}

test("blocks open in any order, and the size of what is in it is known from outside", () => {
  const sealer = seal.create();
  const plain = [systemRng.bytes(blockBytes), systemRng.bytes(blockBytes), systemRng.bytes(7)];
  const sealed = plain.map((block, no) => sealer.seal(no, no === 2, block, room()));
  const fileBytes = headerBytes + sealed.reduce((all, { length }) => all + length, 0);
  expect(plainBytes(fileBytes)).toBe(2 * blockBytes + 7);
  const opened = opener(sealer.header);
  for (const no of [2, 0, 1]) {
    expect(opened.open(no, no === 2, sealed[no] ?? new Uint8Array())).toEqual(
      Buffer.from(plain[no] ?? []),
    );
  }
  // Out of its place, as the end of a file that was cut, of another file.
  expect(opened.open(1, false, sealed[0] ?? new Uint8Array())).toBeNull();
  expect(opened.open(1, true, sealed[1] ?? new Uint8Array())).toBeNull();
  expect(opener(seal.create().header).open(0, false, sealed[0] ?? new Uint8Array())).toBeNull();
});

test.each([0, 1, blockBytes - 1, blockBytes, blockBytes + 1, 3 * blockBytes])(
  "%i plain bytes are counted right",
  (bytes) => {
    const blocks = Math.max(1, Math.ceil(bytes / blockBytes));
    expect(plainBytes(headerBytes + bytes + blocks * tagBytes)).toBe(bytes);
  },
);

test("every flipped byte of a block and of its header is noticed", () => {
  const sealer = seal.create();
  const sealed = sealer.seal(0, true, Buffer.from("register 1234567"), room());
  const flipped = (bytes: Uint8Array, at: number) => {
    const copy = Buffer.from(bytes);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  for (let at = 0; at < sealed.length; at += 1) {
    expect(opener(sealer.header).open(0, true, flipped(sealed, at)), `byte ${at}`).toBeNull();
  }
  for (let at = 0; at < headerBytes; at += 1) {
    const found = seal.open(flipped(sealer.header, at));
    const text = typeof found === "string" ? null : found.open(0, true, sealed);
    expect(text, `header byte ${at}`).toBeNull();
  }
});

test("an old key of the ring still opens, a ring without it says so", () => {
  const { header } = seal.create();
  expect(fileSeal([keys[1], keys[0]], systemRng).open(header)).toHaveProperty("open");
  expect(fileSeal([keys[1]], systemRng).open(header)).toBe("unknownKey");
  expect(seal.open(Buffer.from("MERCSEG1".padEnd(headerBytes)))).toBe("notSealed");
});

test("what files in the field look like: the same key, file id and text give the same bytes", () => {
  const rng = { ...systemRng, bytes: (length: number) => new Uint8Array(length).fill(2) };
  const ring = [new Uint8Array(32).fill(1)];
  const sealer = fileSeal(ring, rng).create();
  const sealed = sealer.seal(3, true, Buffer.from("register 1234567"), room());
  expect(Buffer.from(sealer.header).toString("hex")).toBe(
    "4d4552435345414c01000000004000007e26494cdee66e5402020202020202020202020202020202",
  );
  expect(Buffer.from(sealed).toString("hex")).toBe(
    "00e84fc03abccb2b41f29ea9a3b098cc1685c3fc68da02dad0db14e026be729d",
  );
});
