/** A card says what it is, where it comes from, under which licence, and who else says what it means. */
import { expect, test } from "vitest";
import { allFiles, textOf } from "./repository.ts";

const cards = allFiles.filter((file) => /^test\/cards\/.*\.json$/.test(file));

/** What a card does not say. */
function missingIn(card: unknown): readonly string[] {
  if (typeof card !== "object" || card === null) return ["everything"];
  const fields = card as Readonly<Record<string, unknown>>;
  const texts = ["title", "source", "licence", "oracle"].filter((name) => {
    const text = fields[name];
    return typeof text !== "string" || text.trim().length < 3;
  });
  const { hex, expect: expected } = fields;
  const isHex = typeof hex === "string" && /^([0-9a-f]{2})+$/i.test(hex);
  const hasExpectation = typeof expected === "object" && expected !== null;
  const isSaid = hasExpectation && Object.keys(expected).length > 0;
  return [...texts, ...(isHex ? [] : ["hex"]), ...(isSaid ? [] : ["expect"])];
}

test("there are cards", () => {
  expect(cards).not.toEqual([]);
});

test.each(cards)("%s is complete", (file) => {
  expect(missingIn(JSON.parse(textOf(file)))).toEqual([]);
});

test("an incomplete card is seen", () => {
  const card = { title: "a frame", source: "the standard", licence: " ", hex: "68a", expect: {} };
  expect(missingIn(card)).toEqual(["licence", "oracle", "hex", "expect"]);
  expect(missingIn([])).toHaveLength(6);
});
