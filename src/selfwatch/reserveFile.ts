/** The disk's reserve as a real file beside the ledger. */
import { randomBytes } from "node:crypto";
import { open, rm, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { ReserveFile } from "#ports/trouble.ts";

/** Its name says that it may be deleted in need; it is made again. */
const reserveFileName = "disk-reserve.bin";

const pieceBytes = 1024 * 1024;

/** Filled with noise: a file system that compresses, or keeps holes, would take no room for zeros. */
export function reserveFileIn(directory: string): ReserveFile {
  const path = join(directory, reserveFileName);

  async function release(): Promise<void> {
    await rm(path, { force: true });
  }

  async function write(bytes: number): Promise<void> {
    const noise = randomBytes(pieceBytes);
    const file = await open(path, "w", 0o600);
    try {
      for (let left = bytes; left > 0; left -= pieceBytes) {
        await file.writeFile(noise.subarray(0, Math.min(left, pieceBytes)));
      }
    } finally {
      await file.close();
    }
  }

  return {
    async measure() {
      try {
        const { bavail, bsize } = await statfs(directory);
        return { freeBytes: bavail * bsize, heldBytes: await sizeOf(path) };
      } catch {
        return null;
      }
    },
    async make(bytes) {
      try {
        await write(bytes);
        return true;
      } catch {
        await release();
        return false;
      }
    },
    release,
  };
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
