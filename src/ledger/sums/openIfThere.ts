import type { Disk, DiskFile } from "#ports/disk.ts";

/** null: there is no such file. */
export function openIfThere(disk: Disk, path: string): DiskFile | null {
  try {
    return disk.open(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw cause;
  }
}
