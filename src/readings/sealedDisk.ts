/**
 * The disk with every new file sealed under a key. Files are read as if nothing were between: a part of one costs the
 * blocks in which it lies. A block that does not open reads as zeros, which no checksum of a segment fits; so it is
 * told as damage, and the rest is served. A file that was written before there was a key is read as it is.
 */
import { invariant } from "#domain/invariant.ts";
import type { Disk, DiskFile } from "#ports/disk.ts";
import {
  looksSealed,
  plainBytes,
  sealShape,
  type BlockOpener,
  type BlockSealer,
  type FileSeal,
} from "#ports/fileSeal.ts";
import { ReadingStoreError } from "./readingStoreError.ts";

const { headerBytes, blockBytes, tagBytes, sealedBlockBytes } = sealShape;
/** Sealed one after the other and written at once: alone among other work, a block takes twice as long. */
const blocksAtOnce = 8;

/** Without a seal new files are plain, and a sealed one cannot be opened. */
export function sealedDisk(disk: Disk, seal: FileSeal | null): Disk {
  return {
    ...disk,
    create(path) {
      const file = disk.create(path);
      return seal === null ? file : writing(file, seal.create());
    },
    open(path) {
      const file = disk.open(path);
      const header = new Uint8Array(headerBytes);
      const isSealed = looksSealed(header.subarray(0, file.read(header, 0)));
      if (!isSealed) return file;
      const opener = seal?.open(header) ?? "unknownKey";
      if (typeof opener !== "string") return reading(file, opener);
      file.close();
      const why = seal === null ? "no key is configured" : "its key is not in the key file";
      throw new ReadingStoreError("READINGS_KEY", `${path} is sealed, and ${why}`);
    },
  };
}

/** The last block is known with `sync` only; nothing may follow it. */
function writing(file: DiskFile, sealer: BlockSealer): DiskFile {
  const room = new Uint8Array(blocksAtOnce * blockBytes);
  const sealed = new Uint8Array(blocksAtOnce * sealedBlockBytes);
  let filled = 0;
  let blockNo = 0;
  let totalBytes = 0;
  let isComplete = false;
  file.write(sealer.header);

  function put(isEnd: boolean): void {
    let from = 0;
    let sealedBytes = 0;
    do {
      const end = Math.min(filled, from + blockBytes);
      const isLast = isEnd && end === filled;
      const into = sealed.subarray(sealedBytes);
      sealedBytes += sealer.seal(blockNo, isLast, room.subarray(from, end), into).length;
      blockNo += 1;
      from = end;
    } while (from < filled);
    file.write(sealed.subarray(0, sealedBytes));
    filled = 0;
  }

  return {
    write(bytes) {
      invariant(!isComplete, "a sealed file is written once, and nothing after its sync");
      totalBytes += bytes.length;
      for (let at = 0; at < bytes.length;) {
        if (filled === room.length) put(false);
        const part = Math.min(room.length - filled, bytes.length - at);
        room.set(bytes.subarray(at, at + part), filled);
        filled += part;
        at += part;
      }
    },
    read() {
      throw new ReadingStoreError("READINGS_UNUSABLE", "a file that is being sealed is not read");
    },
    sizeBytes: () => totalBytes,
    sync() {
      if (!isComplete) put(true);
      isComplete = true;
      file.sync();
    },
    close: () => file.close(),
  };
}

function reading(file: DiskFile, opener: BlockOpener): DiskFile {
  const fileBytes = file.sizeBytes();
  const totalBytes = Math.max(0, plainBytes(fileBytes));
  const lastNo = Math.max(1, Math.ceil(totalBytes / blockBytes)) - 1;
  const sealed = new Uint8Array(sealedBlockBytes);
  /** Reads come in order, many within one block. */
  let kept: { readonly no: number; readonly plain: Uint8Array } | null = null;

  function blockOf(no: number): Uint8Array {
    if (kept?.no === no) return kept.plain;
    const got = file.read(sealed, headerBytes + no * sealedBlockBytes);
    const bytes = sealed.subarray(0, got);
    const isLast = no === lastNo;
    // Of a file that was cut, the block that is now the last one was none; the segment's own end is missing then.
    const plain = opener.open(no, isLast, bytes) ?? opener.open(no, !isLast, bytes);
    kept = { no, plain: plain ?? new Uint8Array(Math.max(0, got - tagBytes)) };
    return kept.plain;
  }

  return {
    write() {
      throw new ReadingStoreError("READINGS_UNUSABLE", "a sealed file is never changed");
    },
    read(into, atByte) {
      const end = Math.min(totalBytes, atByte + into.length);
      for (let at = atByte; at < end;) {
        const no = Math.floor(at / blockBytes);
        const part = blockOf(no).subarray(at - no * blockBytes, end - no * blockBytes);
        if (part.length === 0) return at - atByte;
        into.set(part, at - atByte);
        at += part.length;
      }
      return Math.max(0, end - atByte);
    },
    sizeBytes: () => totalBytes,
    sync: () => file.sync(),
    close: () => file.close(),
  };
}
