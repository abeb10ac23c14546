/** The real disk. */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import type { Disk, DiskFile } from "#ports/disk.ts";

export const nodeDisk: Disk = {
  create: (path) => fileOf(openSync(path, "w+")),
  open: (path) => fileOf(openSync(path, "r")),
  rename: renameSync,
  remove: (path) => rmSync(path),
  makeFolder: (path) => void mkdirSync(path, { recursive: true }),
  syncFolder(path) {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  },
  list: (path) =>
    readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort(),
};

function fileOf(descriptor: number): DiskFile {
  return {
    write(bytes) {
      let at = 0;
      while (at < bytes.length) at += writeSync(descriptor, bytes, at);
    },
    read(into, atByte) {
      let filled = 0;
      while (filled < into.length) {
        const part = { offset: filled, position: atByte + filled };
        const got = readSync(descriptor, into, part);
        if (got === 0) break;
        filled += got;
      }
      return filled;
    },
    sizeBytes: () => fstatSync(descriptor).size,
    sync: () => fsyncSync(descriptor),
    close: () => closeSync(descriptor),
  };
}
