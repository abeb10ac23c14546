/** The real disk under the ledger. */
import { statfs } from "node:fs/promises";
import type { FreeSpace } from "#ports/trouble.ts";

/** As `df` counts: blocks that only the superuser may take are neither free nor ours. */
export function freeSpaceOf(directory: string): FreeSpace {
  return {
    async freeShare() {
      const { blocks, bfree, bavail } = await statfs(directory);
      const ours = blocks - bfree + bavail;
      return ours === 0 ? 1 : bavail / ours;
    },
  };
}
