/** A cursor in a small file. Losing it costs time, not data: what is written again is the same point again. */
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { CursorStore } from "#ports/cursor.ts";

/**
 * The cursor belongs to one target: a file of another target, or a damaged one, counts from the start.
 */
export function fileCursor(path: string, target: string): CursorStore {
  return {
    async load() {
      const text = await readFile(path, "utf8").catch((cause: unknown) => {
        if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
        throw cause;
      });
      return seqIn(text, target);
    },
    async store(seq) {
      const draft = `${path}.tmp`;
      const file = await open(draft, "w");
      try {
        await file.writeFile(`${JSON.stringify({ target, seq })}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path);
      await syncFolder(dirname(path));
    },
  };
}

function seqIn(text: string, target: string): number {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 0;
  }
  if (typeof value !== "object" || value === null) return 0;
  if (!("seq" in value) || !("target" in value) || value.target !== target) return 0;
  return Number.isSafeInteger(value.seq) ? Math.max(Number(value.seq), 0) : 0;
}

/** A rename is only durable when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
