/** Every byte of the files that count, one file after the other, beside a writer that may replace them meanwhile. */
import { join } from "node:path";
import type { Disk } from "#ports/disk.ts";
import type { DamagedPlace } from "#ports/readingStore.ts";
import type { Manifest, ManifestFile } from "./manifest.ts";
import { openSegment } from "./segmentFiles.ts";
import { verifyFiles } from "./verifyStore.ts";

/** More damaged places of one file say nothing new, and the store names so many in all. */
const placesOfFileMax = 100;

export interface WalkParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly manifest: Manifest;
  /** Between two chunks. */
  readonly rest: () => void;
  /** Damaged places of one file that counts. */
  readonly onDamage: (places: readonly DamagedPlace[]) => void;
}

/** Returns how many files were read; one is open at a time. Roll-ups come first: they can be made again. */
export function walkFiles(parts: WalkParts): number {
  const { manifest, onDamage } = parts;
  let walked = 0;
  const files = manifest.files().toSorted((one, other) => turnOf(one) - turnOf(other));
  for (const file of files) {
    const places = faultsOf(parts, file);
    walked += 1;
    if (places.length === 0) continue;
    // What was replaced since the list was read is gone, or put aside for the very damage.
    if (manifest.files().some(({ no }) => no === file.no)) {
      onDamage(places.slice(0, placesOfFileMax));
    }
  }
  return walked;
}

function turnOf({ kind }: ManifestFile): number {
  return kind === "rollup" ? 0 : 1;
}

function faultsOf({ disk, folder, rest }: WalkParts, file: ManifestFile): readonly DamagedPlace[] {
  const { reader, damage } = openSegment(disk, folder, file);
  if (reader === undefined) return damage;
  try {
    return verifyFiles([{ file, reader }], rest);
  } catch (cause) {
    // A place that the disk does not give back is no better than one with other bytes.
    const what = cause instanceof Error ? cause.message : String(cause);
    return [{ file: join(folder, file.name), chunk: null, fault: { kind: "missing", what } }];
  } finally {
    reader.close();
  }
}
