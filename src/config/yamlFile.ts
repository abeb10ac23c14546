/** A settings file that still knows at which line and column everything stands. */
import { isMap, isScalar, LineCounter, parseDocument, type Node, type Pair } from "yaml";
import type { Problem } from "./configError.ts";

export interface SettingsFile {
  readonly values: unknown;
  /** `mercaptan.yaml:4:5` of the key at this path, or of the nearest group above it that stands in the file. */
  whereIs(path: readonly PropertyKey[]): string;
  has(path: readonly PropertyKey[]): boolean;
}

/** More text than this is no settings file. */
export const settingsFileCharsMax = 1_000_000;

/** Reads YAML; what is not YAML is returned as problems. */
export function parseSettingsFile(
  name: string,
  text: string,
): { readonly file: SettingsFile } | { readonly problems: readonly Problem[] } {
  if (text.length > settingsFileCharsMax) {
    return {
      problems: [{ where: name, message: `longer than ${settingsFileCharsMax} characters` }],
    };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const troubles = [...document.errors, ...document.warnings];
  if (troubles.length > 0) {
    return { problems: troubles.map((t) => ({ where: place(t.pos[0]), message: t.message })) };
  }
  const trace = (path: readonly PropertyKey[]): Pair[] => pairsAlong(document.contents, path);
  const keyPath = (path: readonly PropertyKey[]): readonly PropertyKey[] =>
    path.filter((step) => typeof step === "string");
  return {
    file: {
      values: document.toJS() ?? {},
      whereIs: (path) => place(startOf(trace(keyPath(path)).at(-1)?.key)),
      has: (path) => trace(keyPath(path)).length === keyPath(path).length,
    },
  };
}

/** The pairs from the root down to the path, as far as they exist. */
function pairsAlong(root: Node | null, path: readonly PropertyKey[]): Pair[] {
  const pairs: Pair[] = [];
  let node: unknown = root;
  for (const step of path) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
    if (pair === undefined) break;
    pairs.push(pair);
    node = pair.value;
  }
  return pairs;
}

function startOf(key: unknown): number {
  return isScalar(key) ? (key.range?.[0] ?? 0) : 0;
}
