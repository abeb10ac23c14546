/** The repository speaks of meters and people: not of one machine, nor of how the work was organised. */
import { expect, test } from "vitest";
import { allFiles, textOf } from "./repository.ts";

/** Written in two halves, so that this file does not say them. */
const foreign: readonly RegExp[] = [
  ["/wor", "k/"],
  ["/tmp/br", "ief"],
  ["local regi", "stry"],
  ["\\bchat", "gpt\\b"],
  ["\\bcl", "aude\\b"],
  ["\\bcop", "ilot\\b"],
  ["\\bL", "LMs?\\b"],
  ["\\bA", "I[- ](?:assist|generat|agent)"],
  ["\\blanguage mo", "del"],
  ["\\bsub-?ag", "ents?\\b"],
  ["\\bissue tra", "cker"],
  ["\\bhelper ses", "sion"],
].map((halves) => new RegExp(halves.join(""), "iu"));
const unfinished = new RegExp(["\\b(?:TO", "DO|FIX", "ME|X", "XX|HA", "CK)\\b"].join(""), "u");
const refused = [...foreign, unfinished];

function foreignWords(text: string): readonly string[] {
  return refused.flatMap((pattern) => pattern.exec(text)?.[0] ?? []);
}

const texts = allFiles.filter(
  (file) => file !== "package-lock.json" && !/\.(png|pem|bin|zst|gz|sqlite)$/.test(file),
);

test("no path of one machine, no unfinished mark, no word about how it was made", () => {
  const found = texts.flatMap((file) =>
    foreignWords(textOf(file)).map((word) => `${file}: ${word}`),
  );
  expect(found).toEqual([]);
});

test("foreign words are seen", () => {
  expect(foreignWords(["see /wor", "k/main"].join(""))).toHaveLength(1);
  expect(foreignWords(["// TO", "DO later"].join(""))).toHaveLength(1);
  expect(foreignWords("User-Agent, an issue of credentials, a workshop, hackney")).toEqual([]);
});
