/** A small file system of its own, for a disk that fills up. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireTool } from "./tool.ts";

const mebibyte = 1024 * 1024;

/** A mounted tmpfs, and a file in it that takes room from everybody else. */
export class SmallDisk {
  readonly folder: string;
  readonly #mount: string;
  readonly #unmount: string;
  #fillerBytes = 0;

  constructor(folder: string, mount: string, unmount: string) {
    this.folder = folder;
    this.#mount = mount;
    this.#unmount = unmount;
  }

  get dataDir(): string {
    return join(this.folder, "data");
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  get #filler(): string {
    return join(this.folder, "filler");
  }

  /** The filler takes exactly so much. */
  take(mebibytes: number): void {
    this.free();
    this.#fill(mebibytes * mebibyte);
  }

  /** Until no more than so much is free; true when it is, whatever others take meanwhile. */
  fillUpTo(freeBytesMax: number): void {
    for (let tries = 0; tries < 100 && this.freeBytes > freeBytesMax; tries += 1) {
      this.#fill(this.freeBytes - freeBytesMax);
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true });
    this.#fillerBytes = 0;
  }

  enlarge(mebibytes: number): void {
    execFileSync(this.#mount, ["-o", `remount,size=${mebibytes}m`, this.folder]);
  }

  remove(): void {
    execFileSync(this.#unmount, [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #fill(bytes: number): void {
    const file = openSync(this.#filler, "a");
    try {
      let piece = Math.min(mebibyte, bytes);
      for (let left = bytes; left > 0 && piece >= 1;) {
        try {
          const written = writeSync(file, Buffer.alloc(Math.min(piece, left), 1));
          left -= written;
          this.#fillerBytes += written;
        } catch (error) {
          if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
          ftruncateSync(file, this.#fillerBytes);
          piece = Math.floor(piece / 2);
        }
      }
    } finally {
      closeSync(file);
    }
  }
}

/** null, and said so, without the right to mount one; under CI=true that is a failure. */
export function smallDisk(mebibytes: number): SmallDisk | null {
  const mount = requireTool("mount", "mount");
  const unmount = requireTool("umount", "mount");
  if (mount === null || unmount === null) return null;
  const folder = mkdtempSync(join(tmpdir(), "mercaptan-disk-"));
  try {
    const options = ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", folder];
    execFileSync(mount, options, { stdio: "pipe" });
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true });
    if (process.env["CI"] === "true") throw cause;
    console.warn("skipped: no right to mount a file system");
    return null;
  }
  return new SmallDisk(folder, mount, unmount);
}
