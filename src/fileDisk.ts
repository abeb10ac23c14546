/** The disk of the reading store, with the keys of the settings between. */
import type { Disk } from "#ports/disk.ts";
import { nodeDisk } from "#readings/nodeDisk.ts";
import { sealedDisk } from "#readings/sealedDisk.ts";
import { fileSeal } from "#vault/fileSeal.ts";
import { systemRng } from "./systemRng.ts";

/** Keys of 32 bytes, the current one first; null: new files are plain, and a sealed one cannot be read. */
export type FileKeys = readonly Uint8Array[] | null;

export function fileDisk(keys: FileKeys): Disk {
  return sealedDisk(nodeDisk, keys === null ? null : fileSeal(keys, systemRng));
}
