/** Removes the oldest backups, and what no backup needs any more. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { objectPath, readableManifests } from "./backupManifest.ts";

/** How many backups were removed. Where one cannot be read nobody knows what it needs: then no object goes. */
export function pruneBackups(folder: string, keep: number): number {
  const { readable, unreadable } = readableManifests(folder);
  const removed = readable.slice(0, Math.max(0, readable.length - keep));
  // The manifest first: an object without a manifest is dead weight, a manifest without its object a lie.
  for (const { name } of removed) rmSync(join(folder, name));
  if (unreadable.length > 0) return removed.length;
  const kept = readable.slice(removed.length);
  const needed = new Set(kept.flatMap(({ manifest }) => manifest.files.map((f) => f.sha256)));
  for (const prefix of readdirSync(join(folder, "objects"))) {
    for (const sha256 of readdirSync(join(folder, "objects", prefix))) {
      if (!needed.has(sha256)) rmSync(objectPath(folder, sha256));
    }
  }
  return removed.length;
}
