/** The repository's files as the tidy tests see them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const rootFolder = join(import.meta.dirname, "../..");

const notOurs = new Set(["node_modules", ".git", "data", "coverage", ".bench"]);

function walk(folder: string): readonly string[] {
  return readdirSync(join(rootFolder, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (notOurs.has(entry.name)) return [];
    return entry.isDirectory() ? walk(path) : [path];
  });
}

/** Every file of ours, as a path from the root with forward slashes. */
export const allFiles: readonly string[] = walk("");

/** Code outside the tests. */
export const codeFiles: readonly string[] = allFiles.filter((file) =>
  /^(src|protocols|simulators|grafana)\/.*\.ts$/.test(file),
);

export function textOf(file: string): string {
  return readFileSync(join(rootFolder, file), "utf8");
}
