/** Pages of the ledger's main file, read for their sums. */
import type { DiskFile } from "#ports/disk.ts";
import { pageBytes, pageSum } from "./walFile.ts";

/** Neighbours are read at once: most pages of a checkpoint are, and all of a file. More would not stay in the cache. */
const pagesAtOnce = 64;

/** The sum of each page as it lies there; the numbers are in order. What the file is too short for is zeros. */
export function pageSums(file: DiskFile, pages: ArrayLike<number>): Uint32Array {
  const sums = new Uint32Array(pages.length);
  const room = new Uint8Array(Math.min(pages.length, pagesAtOnce) * pageBytes);
  for (let place = 0; place < pages.length;) {
    const first = pages[place] ?? 0;
    let count = 1;
    while (count < pagesAtOnce && pages[place + count] === first + count) count += 1;
    const part = room.subarray(0, count * pageBytes);
    part.fill(0, file.read(part, (first - 1) * pageBytes));
    for (let at = 0; at < count; at += 1) {
      const page = part.subarray(at * pageBytes, (at + 1) * pageBytes);
      sums[place + at] = pageSum(first + at, page);
    }
    place += count;
  }
  return sums;
}
