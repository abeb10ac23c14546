/** The small parts at the border: CSV, JSON depth, languages, the first key. */
import { fc, test } from "@fast-check/vitest";
import { ApiKeys, hashOfKey, makeApiKey } from "#api/apiKeys.ts";
import { jsonDepth } from "#api/body.ts";
import { csvLine, parseCsv } from "#api/csv.ts";
import { firstKey } from "#api/firstKey.ts";
import { chooseLanguage } from "#api/problems.ts";
import type { Rng } from "#ports/rng.ts";
import { describe, expect } from "vitest";

const rng: Rng = { bytes: (length) => new Uint8Array(length).fill(7), uuidV7: () => "unused" };

describe("CSV", () => {
  test.each([
    ["=cmd|'/c calc'!A1", "'=cmd|'/c calc'!A1"],
    ["+1+1", "'+1+1"],
    ["-2+3", "'-2+3"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ["-12.345", "-12.345"],
    ['a "quoted", cell', '"a ""quoted"", cell"'],
    ["=a,b", '"\'=a,b"'],
  ])("the cell %j is written as %j", (cell, written) => {
    expect(csvLine([cell])).toBe(`${written}\r\n`);
  });

  test.prop([
    fc.array(
      fc.array(
        fc.string().filter((cell) => !/^[=+\-@\t\r]/.test(cell)),
        { minLength: 2, maxLength: 4 },
      ),
    ),
  ])("what is written is read back", (rows) => {
    const text = rows.map((row) => csvLine(row)).join("");
    // A lone carriage return is only safe inside quotes, where the writer puts it.
    expect(parseCsv(text)).toEqual({ ok: true, value: rows });
  });

  test("byte-order mark, Unix line ends, empty lines, and a missing end of line", () => {
    expect(parseCsv("\ufeffid,size\n\nM1,G4\nM2,")).toEqual({
      ok: true,
      value: [
        ["id", "size"],
        ["M1", "G4"],
        ["M2", ""],
      ],
    });
  });

  test.each(['a,"b', 'a,b"c', '"a"b'])("%j has a quote out of place", (text) => {
    expect(parseCsv(text)).toEqual({ ok: false, fault: { kind: "strayQuote", row: 1 } });
  });

  test("megabytes of quotes are refused in one look", () => {
    expect(parseCsv(`"${'""'.repeat(2_000_000)}`).ok).toBe(false);
  });
});

describe("JSON depth", () => {
  test.each([
    ["1", 0],
    ["[]", 1],
    ['{"a":[{"b":1}]}', 3],
    ['"[[[["', 0],
    [String.raw`["\"[[[",1]`, 1],
    [String.raw`["\\",[1]]`, 2],
  ])("%s is %i deep", (json, depth) => {
    expect(jsonDepth(json)).toBe(depth);
  });
});

test.each([
  [undefined, "en"],
  ["", "en"],
  ["zh", "zh"],
  ["zh-CN,zh;q=0.9,en;q=0.8", "zh"],
  ["en-GB,en;q=0.9,zh;q=0.8", "en"],
  ["en;q=0.1, zh-Hans;q=0.2", "zh"],
  ["zh;q=0", "en"],
  ["de,*", "en"],
  ["zh;q=abc", "en"],
] as const)("Accept-Language %j gives %s", (header, language) => {
  expect(chooseLanguage(header)).toBe(language);
});

describe("keys", () => {
  test("an issued key is found by its hash until it is dropped", () => {
    const { key, row } = makeApiKey(rng, "viewer", "screen");
    const keys = new ApiKeys([row]);
    expect(key).toBe(`mk_${"07".repeat(6)}_${"07".repeat(32)}`);
    expect(keys.byHash(hashOfKey(key))).toEqual(row);
    expect(JSON.stringify(row)).not.toContain(key);
    keys.drop(row.id);
    expect(keys.byHash(hashOfKey(key))).toBeUndefined();
    expect(keys.list()).toEqual([]);
  });

  test("the first key: none when there are keys, the file's, or a new one to print", () => {
    const { row } = makeApiKey(rng, "admin", "x");
    expect(firstKey([row], null, rng)).toEqual({ ok: true, value: null });
    const given = "correct-horse-battery-staple-2026";
    expect(firstKey([], ` ${given}\n`, rng)).toMatchObject({
      ok: true,
      value: { key: given, mustPrint: false, row: { role: "admin", keyHash: hashOfKey(given) } },
    });
    expect(firstKey([], "too short", rng)).toEqual({
      ok: false,
      fault: { kind: "keyTooShort", characters: 9, charactersMin: 32 },
    });
    expect(firstKey([], null, rng)).toMatchObject({ ok: true, value: { mustPrint: true } });
  });
});
