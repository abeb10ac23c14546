/** Small files, short lines, plain exports, and no test that hides. */
import { expect, test } from "vitest";
import { allFiles, textOf } from "./repository.ts";
import { tokensOf } from "./tokens.ts";

const linesMax = 400;
/** Code is held at 100 by prettier; a comment that says why may be a little longer. */
const commentColumnsMax = 120;
const typeScript = allFiles.filter((file) => file.endsWith(".ts"));
/** vitest and its like ask for a default export. */
const mayExportDefault = new Set(["vitest.config.ts"]);

/** What is wrong with the shape of one file. */
function shapeFaults(file: string, source: string): readonly string[] {
  const faults: string[] = [];
  const lines = source.split("\n");
  if (lines.length - 1 > linesMax) faults.push(`${file}: ${lines.length - 1} lines`);
  for (const [place, line] of lines.entries()) {
    const isComment = /^\s*(\/\/|\/?\*)/.test(line);
    if (isComment && line.length > commentColumnsMax) {
      faults.push(`${file}:${place + 1}: comment over ${commentColumnsMax}`);
    }
  }
  const tokens = tokensOf(source);
  for (const [place, { text, line, kind }] of tokens.entries()) {
    if (kind !== "word") continue;
    const [before, next, afterNext] = [-1, 1, 2].map((step) => tokens[place + step]);
    const isStatement = before?.text !== "." && next?.kind === "word" && afterNext?.text === "{";
    if (text === "export" && next?.text === "default" && !mayExportDefault.has(file)) {
      faults.push(`${file}:${line}: default export`);
    }
    if (/^(enum|namespace|module)$/.test(text) && isStatement) {
      faults.push(`${file}:${line}: ${text}`);
    }
    if (text === "export" && next?.text === "*") faults.push(`${file}:${line}: barrel`);
    const isTest = /^(test|it|describe|suite)$/.test(text) && next?.text === ".";
    if (isTest && /^(only|skip|todo|fails)$/.test(afterNext?.text ?? "")) {
      faults.push(`${file}:${line}: ${text}.${afterNext?.text}`);
    }
  }
  return faults;
}

test("every file has the house's shape", () => {
  expect(typeScript.flatMap((file) => shapeFaults(file, textOf(file)))).toEqual([]);
});

test.each([
  ["401 lines", "a;\n".repeat(401)],
  ["comment over 120", `// ${"b".repeat(120)}\n`],
  ["default export", "export default 1;\n"],
  ["enum", "enum Colour { red }\n"],
  ["namespace", "export namespace Words { }\n"],
  ["barrel", 'export * from "./a.ts";\n'],
  ["test.only", 'test.only("a", () => undefined);\n'],
  ["describe.skip", 'describe.skip("a", () => undefined);\n'],
])("%s is seen", (what, source) => {
  expect(shapeFaults("src/sample.ts", source).join()).toContain(what);
});

test("names that only look like it are left alone", () => {
  const source =
    'const row = { default: 1, enum: z.enum(["a"]), module: 2 }; skip.only = "enum A {";\n';
  expect(shapeFaults("src/sample.ts", source)).toEqual([]);
});

test("no file is called utils, helpers, common or index", () => {
  const vague = (file: string) => /\/(utils?|helpers?|misc|index)\.ts$/.test(`/${file}`);
  expect(typeScript.filter(vague)).toEqual([]);
  expect(vague("src/rules/utils.ts")).toBe(true);
});

test("migrations are numbered without a gap and without a twin", () => {
  const numbers = allFiles
    .filter((file) => file.startsWith("src/ledger/migrations/"))
    .map((file) => Number(/(\d{4})_/.exec(file)?.[1]))
    .sort((one, other) => one - other);
  expect(numbers).toEqual(numbers.map((_, place) => place + 1));
});
