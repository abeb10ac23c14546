/** Time, randomness, disk and network are arguments: what the pure rooms may not name. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { codeFiles, rootFolder, textOf } from "./repository.ts";
import { isInside, pureExceptions, pureRooms } from "./rooms.ts";
import { importsOf, tokensOf, type Token } from "./tokens.ts";

const bannedWords = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "process",
  "fetch",
  "console",
  "performance",
  "crypto",
  "globalThis",
  "require",
]);

const pureFiles = codeFiles.filter((file) => pureRooms.some((path) => isInside(file, path)));

/** Names of the world outside, used as such: not as a property, a key or a method of ours. */
function worldIn(source: string, file = ""): readonly string[] {
  const tokens = tokensOf(source);
  const named = tokens.flatMap((token, place) => {
    const found = token.kind === "word" ? worldAt(tokens, place) : undefined;
    return found === undefined ? [] : [`${token.line}: ${found}`];
  });
  const builtins = importsOf(source).filter(
    ({ specifier }) => isBuiltin(specifier) && !isException(file, specifier),
  );
  return [...named, ...builtins.map(({ line, specifier }) => `${line}: ${specifier}`)];
}

function isException(file: string, specifier: string): boolean {
  return pureExceptions.some((one) => one.file.test(file) && one.builtin === specifier);
}

function worldAt(tokens: readonly Token[], place: number): string | undefined {
  const [before, word, next, afterNext] = [-1, 0, 1, 2].map((step) => tokens[place + step]?.text);
  if (word === "Date" && next === "." && afterNext === "now") return "Date.now";
  if (word === "Math" && next === "." && afterNext === "random") return "Math.random";
  if (word === "Date" && before !== "new" && next === "(") return "Date()";
  if (word === "Date" && before === "new") {
    const isWithoutInstant = next !== "(" || afterNext === ")";
    return isWithoutInstant ? "new Date()" : undefined;
  }
  if (word === undefined || !bannedWords.has(word)) return undefined;
  const isProperty =
    before === "." || before === "?." || next === ":" || isDefinition(tokens, place);
  return isProperty ? undefined : word;
}

/** `process(batch) {` or `function process(`: a name of our own. */
function isDefinition(tokens: readonly Token[], place: number): boolean {
  if (tokens[place - 1]?.text === "function") return true;
  if (tokens[place + 1]?.text !== "(") {
    // Shorthand property or parameter of a function that the file defines itself.
    const name = tokens[place]?.text;
    return tokens.some((token, at) => token.text === name && tokens[at - 1]?.text === "function");
  }
  let depth = 0;
  for (let at = place + 1; at < tokens.length; at += 1) {
    const text = tokens[at]?.text;
    if (text === "(") depth += 1;
    if (text === ")") depth -= 1;
    if (depth === 0) return tokens[at + 1]?.text === "{" || tokens[at + 1]?.text === ":";
  }
  return false;
}

test("the pure rooms know no clock, no chance, no timer, no disk, no network, no process", () => {
  const found = pureFiles.flatMap((file) =>
    worldIn(textOf(file), file).map((at) => `${file}:${at}`),
  );
  expect(found).toEqual([]);
});

const badSamples = [
  ["Date.now()", "const now = Date.now();"],
  ["new Date()", "const now = new Date();"],
  ["new Date without brackets", "const now = new Date;"],
  ["Math.random", "const dice = Math.random();"],
  ["a timer", "setTimeout(() => undefined, 1);"],
  ["setInterval", "setInterval(() => undefined, 1);"],
  ["setImmediate", "setImmediate(() => undefined);"],
  ["process", "const home = process.env.HOME;"],
  ["fetch", "void fetch('http://127.0.0.1');"],
  ["console", "console.log(1);"],
  ["performance", "const now = performance.now();"],
  ["node:fs", 'import { readFileSync } from "node:fs";'],
  ["node:net", 'import net from "node:net";'],
] as const;

test.each(badSamples)("%s is seen", (_name, source) => {
  expect(worldIn(source)).toHaveLength(1);
});

test("ciphers stand in one file of a standard, and nothing else does", () => {
  const source = 'import { createDecipheriv } from "node:crypto";';
  expect(worldIn(source, "protocols/codec/security.ts")).toEqual([]);
  expect(worldIn(source, "protocols/codec/field.ts")).toHaveLength(1);
  expect(worldIn('import "node:fs";', "protocols/codec/security.ts")).toHaveLength(1);
});

test("a date from an instant, names of our own, comments and texts are no world", () => {
  const source = `
    // Date.now() and process.exit()
    export function process(batch) { return new Date(batch.atMs).toISOString(); }
    export const engine = { process };
    const text = "setTimeout(fetch)"; room.clock.performance; const row = { console: 1 };
    interface Engine { process(batch: Batch): Report; fetch(id: string): void }`;
  expect(worldIn(source)).toEqual([]);
});

/** What the house's oxlint says of one file that stands at `path`. */
function lint(path: string, source: string): string {
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-lint-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  copyFileSync(join(rootFolder, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), source);
  const oxlint = join(rootFolder, "node_modules/.bin/oxlint");
  const { stdout } = spawnSync(oxlint, ["--deny-warnings"], { cwd: folder, encoding: "utf8" });
  return stdout;
}

/** What lint can see besides us; an instant-less `new Date` it cannot. */
const lintSamples = badSamples.filter(([name]) => !name.startsWith("new Date"));

test.each(lintSamples)("lint refuses %s in a pure room", (_name, source) => {
  expect(lint("src/rules/sample.ts", source)).toMatch(/no-restricted-(globals|properties|imports)/);
});

test("lint leaves a pure file alone, and a timer where timers belong", () => {
  const pure = "export const at = (atMs: number): string => new Date(atMs).toISOString();\n";
  expect(lint("src/rules/sample.ts", pure)).toContain("Found 0 warnings and 0 errors");
  const timer = "export const later = (run: () => void) => setTimeout(run, 1);\n";
  expect(lint("src/intake/sample.ts", timer)).toContain("Found 0 warnings and 0 errors");
});

/** Lines that read the environment. */
function environmentIn(source: string): readonly number[] {
  const tokens = tokensOf(source);
  return tokens.flatMap((token, place) => {
    const isRead = token.text === "process" && tokens[place + 2]?.text === "env";
    return isRead ? [token.line] : [];
  });
}

test("the environment is read in src/config only", () => {
  const readers = codeFiles.filter((file) => environmentIn(textOf(file)).length > 0);
  const strangers = readers.filter(
    (file) => file.startsWith("src/") && !file.startsWith("src/config/"),
  );
  expect(readers).not.toEqual([]);
  expect(strangers).toEqual([]);
  expect(environmentIn('a;\nconst b = process.env["HOME"];')).toEqual([2]);
});
