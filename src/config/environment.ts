/** The only place that looks at the process: its environment and its files. */
import { readdirSync, readFileSync } from "node:fs";

export type Environment = Readonly<Record<string, string | undefined>>;
/** Text of a file; undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

export function processEnvironment(): Environment {
  return process.env;
}

export const readTextFile: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw cause;
  }
};

/** The file's text, or why it cannot be read. */
export function tryRead(
  path: string,
  readFile: ReadText,
): { readonly text: string | undefined } | { readonly failure: string } {
  try {
    return { text: readFile(path) };
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    return { failure: `${path} cannot be read (${code})` };
  }
}

/** The names in a folder. */
export function readFolder(folder: string): readonly string[] {
  return readdirSync(folder);
}
