import { fc, test as property } from "@fast-check/vitest";
import { expect, test } from "vitest";
import { TreePacker } from "#engine/packedTree.ts";

const common = [{ level: 0 }, []] as const;

const leaves = fc.oneof(
  ...[fc.double(), fc.maxSafeInteger(), fc.nat(300), fc.string({ unit: "binary" })],
  fc.constantFrom(...[null, undefined, true, false, -0, 127, 128, 255, 256, 2 ** 32 - 1, 2 ** 32]),
  fc.constantFrom(...[Number.MAX_SAFE_INTEGER, 2 ** 53, 1_795_309_171_000, "", ...common]),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    leaves,
    fc.array(tie("tree")),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("a", "b", "__proto__", "1")), tie("tree"), {
      noNullPrototype: true,
    }),
  ),
}));

property.prop([fc.array(tree, { maxLength: 3 })])("what comes out is what went in", (trees) => {
  const packer = new TreePacker(common);
  const packed = trees.map((one) => packer.pack(one));
  for (const [place, text] of packed.entries()) {
    const out = packer.unpack(text ?? "");
    expect(out).toStrictEqual(trees[place]);
    // Names in their order, too.
    expect(JSON.stringify(out)).toBe(JSON.stringify(trees[place]));
  }
});

test("what many have in common is the same object again", () => {
  const packer = new TreePacker(common);
  const packed = packer.pack({ a: common[0], b: { level: 0 } });
  const out = packer.unpack(packed ?? "") as { readonly a: object; readonly b: object };
  expect(out.a).toBe(common[0]);
  expect(out.b).not.toBe(common[0]);
  expect(packed?.length).toBeLessThan(10);
});

test("what is too large, of too many kinds or no plain data is not packed", () => {
  const packer = new TreePacker([]);
  expect(packer.pack("x".repeat(16_000))).toBeDefined();
  expect(packer.pack("x".repeat(17_000))).toBeUndefined();
  expect(packer.pack({ act: () => 0 })).toBeUndefined();
  const kinds = Array.from({ length: 5_000 }, (_, no) => ({ [`name${no}`]: no }));
  const packed = kinds.map((one) => packer.pack(one));
  // `act` was the first of them.
  expect(packed.findIndex((text) => text === undefined)).toBe(4_095);
  expect(packer.unpack(packed[4_094] ?? "")).toEqual(kinds[4_094]);
  expect(packer.pack(kinds[7])).toBeDefined();
});
