/** Answers that come as trees: value by value, with the way to each. */
import { corpusRows, type CorpusRow } from "./corpusRows.ts";

/** A row with what ciphered frames and telegrams need besides. */
export interface Row extends CorpusRow {
  readonly key?: string | null;
  readonly authKey?: string | null;
  readonly systemTitle?: string | null;
  readonly framing?: string;
  readonly crc?: { readonly present: boolean; readonly valid?: boolean };
}

/** The rows of a file; none where nobody has it. */
export function rowsOf(name: string): readonly Row[] {
  return corpusRows(name) ?? [];
}

/** One value of a row, with the way to it. */
export type Leaf = readonly [path: string, value: unknown];

/** Every value of a tree with its path in dots. */
export function leavesOf(tree: unknown, way = ""): readonly Leaf[] {
  if (typeof tree !== "object" || tree === null) return [[way, tree]];
  return Object.entries(tree).flatMap(([key, value]) => {
    return leavesOf(value, way === "" ? key : `${way}.${key}`);
  });
}

const decimal = /^-?\d+(?:\.\d+)?$/;

/** The same value: texts alike, numbers equal however many zeros they carry, nothing is nothing. */
export function isSame(told: unknown, wanted: unknown): boolean {
  const [a, b] = [told, wanted].map(textOf);
  if (a === undefined || b === undefined) return a === b;
  return a === b || (decimal.test(a) && decimal.test(b) && Number(a) === Number(b));
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}
