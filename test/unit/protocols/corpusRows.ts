/** Rows of frames with known answers, where a directory of them is at hand: MERCAPTAN_CORPORA. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

export interface CorpusRow {
  readonly id: string;
  readonly protocol: string;
  readonly hex: string;
  readonly kind?: string;
  readonly expected: Readonly<Record<string, unknown>>;
  readonly encodeVector?: boolean;
}

const root = path.resolve(import.meta.dirname, "../../..");
const directory = path.resolve(root, process.env["MERCAPTAN_CORPORA"] ?? "../shared/corpora");

/** The rows of a file; undefined, said aloud, where it is not. */
export function corpusRows(name: string): readonly CorpusRow[] | undefined {
  const file = path.join(directory, name);
  if (!existsSync(file)) {
    console.warn(`SKIPPED: no frames with known answers at ${file}`);
    return undefined;
  }
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as CorpusRow);
}

/** What is told otherwise than expected; strict, and a fact that is not told is a difference. */
export function differencesOf(
  told: Readonly<Record<string, unknown>> | undefined,
  expected: Readonly<Record<string, unknown>>,
): readonly string[] {
  if (told === undefined) return ["refused"];
  return Object.entries(expected).flatMap(([name, wanted]) => {
    const [is, should] = [told[name], wanted].map((value) => JSON.stringify(sorted(value)));
    return is === should ? [] : [`${name} is ${is}, not ${should}`];
  });
}

/** Keys in one order, so that equal objects print alike. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => a.localeCompare(b));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
