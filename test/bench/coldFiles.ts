/** Files that are to be read from the medium again: their pages are dropped from the page cache. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * With `dd`, for Node has no way to say it; false where there is none. Files in memory stay there. Pages that are not
 * written yet stay as well, which those of segments are not: they were synced.
 */
export function forgetFiles(folder: string): boolean {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.every(({ name }) => {
    const input = `if=${join(folder, name)}`;
    return spawnSync("dd", [input, "iflag=nocache", "count=0", "status=none"]).status === 0;
  });
}
