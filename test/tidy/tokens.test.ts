import { expect, test } from "vitest";
import { importsOf, tokensOf } from "./tokens.ts";

const words = (source: string) =>
  tokensOf(source)
    .filter(({ kind }) => kind === "word")
    .map(({ text }) => text);

test("comments and texts are not code", () => {
  expect(words("a; // Date.now()\n/* b\n * c */ d(\"e f\", 'g') // h")).toEqual(["a", "d"]);
});

test("the code inside a template is code, the text around it is not", () => {
  expect(words("`now ${clock.now({ a: `x ${deep}` })} Date`")).toEqual([
    "clock",
    "now",
    "a",
    "deep",
  ]);
});

test("a slash divides, or begins a regular expression", () => {
  expect(words('x = a / b / c; y = /"[/]quote/g.test(z); return /"/')).toEqual([
    "x",
    "a",
    "b",
    "c",
    "y",
    "test",
    "z",
    "return",
  ]);
});

test("lines are counted through everything", () => {
  const tokens = tokensOf('/*\n\n*/ a\n`\n${b}` "c"');
  expect(tokens.map(({ text, line }) => `${text.trim()}${line}`)).toEqual([
    "a3",
    "4",
    "b5",
    "5",
    "c5",
  ]);
});

test("imports of every kind are seen, words in texts are not", () => {
  const source = `
    import { a } from "#domain/a.ts";
    import type {
      B,
    } from "./b.ts";
    import "./c.ts";
    export type { D } from "../d.ts";
    const e = await import("node:fs");
    type F = import("./f.ts").F;
    const g = 'import x from "no"'; h.from("no");
    const i = ", detail: ", k = \`\${from} to \${l}\`;`;
  expect(importsOf(source).map(({ specifier, isTypeOnly }) => [specifier, isTypeOnly])).toEqual([
    ["#domain/a.ts", false],
    ["./b.ts", true],
    ["./c.ts", false],
    ["../d.ts", true],
    ["node:fs", false],
    ["./f.ts", false],
  ]);
});
