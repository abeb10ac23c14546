/** What lies in the store's folder besides the files that count: removed where it was replaced, else moved aside. */
import { join } from "node:path";
import type { Disk } from "#ports/disk.ts";
import type { Manifest } from "./manifest.ts";
import { partSuffix } from "./segmentWriter.ts";
import { damagedReason, isRemake, type Work } from "./work.ts";

/** What a crash left. Returns the names of files that have no place in the list; they are in the folder `unlisted`. */
export function tidyFolder(disk: Disk, folder: string, manifest: Manifest): readonly string[] {
  const listed = new Set(manifest.files().map(({ name }) => name));
  const replaced = new Map(manifest.replaced().map(({ name, reason }) => [name, reason]));
  const unlisted: string[] = [];
  for (const name of disk.list(folder)) {
    if (listed.has(name)) continue;
    if (replaced.get(name) === damagedReason) putAside(disk, folder, name, "damaged");
    else if (name.endsWith(partSuffix) || replaced.has(name)) disk.remove(join(folder, name));
    else unlisted.push(name);
  }
  for (const name of unlisted) putAside(disk, folder, name, "unlisted");
  return unlisted;
}

/** What replaced it has been read back in full and is listed. What a crash leaves goes at the next start. */
export function clearAway(disk: Disk, folder: string, work: Work): void {
  const former = work.kind === "rollUp" && work.former !== null ? [work.former] : [];
  const retired = work.kind === "retire" ? [...work.inputs, ...work.rollUps] : former;
  const replaced = work.kind === "merge" ? work.inputs : retired;
  for (const { name } of replaced) {
    if (!isRemake(work)) disk.remove(join(folder, name));
    // It may be the damage that the file is not there.
    else if (disk.list(folder).includes(name)) putAside(disk, folder, name, "damaged");
  }
}

function putAside(disk: Disk, folder: string, name: string, into: string): void {
  const aside = join(folder, into);
  disk.makeFolder(aside);
  const taken = new Set(disk.list(aside));
  let free = name;
  while (taken.has(free)) free += "+";
  disk.rename(join(folder, name), join(aside, free));
}
