import { expect, test } from "vitest";
import { parseMeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { compareRules } from "#rules/compareRules.ts";

const nothing: RuleDocument = {
  ...{ version: "1", hash: "", all: {}, sizes: {}, siteClasses: {}, areas: {}, meters: {} },
};

function meter(no: number, area: string) {
  const id = parseMeterId(`M${no}`);
  invariant(id !== undefined, "an id");
  return { id, size: "G4", siteClass: "household", area } as const;
}

const meters = [...Array(40).keys()].map((no) => meter(no, no % 2 === 0 ? "even" : "odd"));

test("a document that says nothing changes nothing", () => {
  expect(compareRules(null, nothing, meters)).toMatchObject({ meters: 0, changes: [] });
});

test("meters that lose a value are named as well as those that get one", () => {
  const before = { ...nothing, areas: { even: { R13: { lowKpa: 1 } } } };
  const after = { ...nothing, meters: { M1: { R13: { lowKpa: 1 } } } };
  const { changes, meters: touched } = compareRules(before, after, meters);
  expect(touched).toBe(21);
  expect(changes).toMatchObject([
    { rule: "R13", name: "lowKpa", before: 1, after: 0.8, meters: 20 },
    { rule: "R13", name: "lowKpa", before: 0.8, after: 1, meters: 1, examples: ["M1"] },
  ]);
  expect(changes[0]?.examples).toHaveLength(10);
});

test("what is said twice in the same words changes nothing", () => {
  const one = { ...nothing, all: { R7: { siteClasses: ["household", "commercial"] } } };
  const other = { ...one, areas: { even: one.all } };
  expect(compareRules(one, other, meters).changes).toEqual([]);
});

test("a city of its own values is counted and not listed", () => {
  const own = Object.fromEntries(
    [...Array(600).keys()].map((no) => [`M${no}`, { R7: { nights: 8 + no } }]),
  );
  const city = [...Array(600).keys()].map((no) => meter(no, "all"));
  const { changes, isCut, meters: touched } = compareRules(null, { ...nothing, meters: own }, city);
  expect([changes.length, isCut, touched]).toEqual([500, true, 600]);
});
