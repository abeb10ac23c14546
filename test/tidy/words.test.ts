/** The vocabulary: one thing, one word (docs/GLOSSARY.md). */
import { expect, test } from "vitest";
import { codeFiles, textOf } from "./repository.ts";
import { tokensOf } from "./tokens.ts";
import { justified, refusedWords } from "./words.ts";

const refused = new Set(refusedWords);
const ours = codeFiles.filter((file) => file.startsWith("src/"));

/** `alarmToLive`, `alarm.raised`, `LiveHub` → words in lower case. */
function wordsIn(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase());
}

function isRefused(name: string): boolean {
  return wordsIn(name).some((word) => refused.has(word)) && justified[name] === undefined;
}

/** Names of exported types and classes. */
function exportedTypes(source: string): readonly string[] {
  const tokens = tokensOf(source);
  return tokens.flatMap(({ text }, place) => {
    const before = [tokens[place - 2]?.text, tokens[place - 1]?.text];
    const isType = /^(interface|type|class)$/.test(before[1] ?? "") && before[0] === "export";
    return isType ? [text] : [];
  });
}

/** Keys of object literals and object types. */
function keys(source: string): readonly string[] {
  const tokens = tokensOf(source);
  return tokens.flatMap(({ kind, text }, place) => {
    const isName = kind === "word" || kind === "text";
    const after = [tokens[place + 1]?.text, tokens[place + 2]?.text];
    const isKey = after[0] === ":" || (after[0] === "?" && after[1] === ":");
    return isName && isKey ? [text] : [];
  });
}

/** Texts that look like `alarm.raised`. */
function eventKinds(source: string): readonly string[] {
  const texts = tokensOf(source).filter(({ kind }) => kind === "text");
  return texts.map(({ text }) => text).filter((text) => /^[a-z]+\.[a-zA-Z]+$/.test(text));
}

function namesIn(files: readonly string[], read: (source: string) => readonly string[]) {
  return [...new Set(files.flatMap((file) => read(textOf(file))))];
}

const publicShapes = ours.filter(
  (file) => file.startsWith("src/api/json/") || file === "src/domain/publicJson.ts",
);
const eventTables = ["src/domain/event.ts", "src/ports/observer.ts"];

test.each([
  ["exported types", namesIn(ours, exportedTypes)],
  ["fields of the API", namesIn(publicShapes, keys)],
  ["events", namesIn(eventTables, eventKinds)],
])("%s use our words", (_what, names) => {
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter(isRefused)).toEqual([]);
});

test("every exception is still in use", () => {
  const inUse = new Set([
    ...namesIn(ours, exportedTypes),
    ...namesIn(publicShapes, keys),
    ...namesIn(eventTables, eventKinds),
  ]);
  expect(Object.keys(justified).filter((name) => !inUse.has(name))).toEqual([]);
});

test("a foreign word is seen, part of a word is not", () => {
  const source = `export interface DeviceAlert {} export type Updated = 1; // export type Sensor
    const shape = { usageM3: 1, "deltaMl": 2, datedAt: 3, optional?: 4 }; note("meter.resolved");`;
  expect(exportedTypes(source).filter(isRefused)).toEqual(["DeviceAlert"]);
  expect(keys(source).filter(isRefused)).toEqual(["usageM3", "deltaMl"]);
  expect(eventKinds(source).filter(isRefused)).toEqual(["meter.resolved"]);
});
