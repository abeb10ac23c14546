/** Copies a file, sealed or opened on its way, and tells the hash of what it wrote. Synchronous: in a worker. */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { looksSealed, plainBytes, sealShape, type FileSeal } from "#ports/fileSeal.ts";
import { BackupError } from "./backupError.ts";

export interface Copied {
  /** Of the file in the folder of backups. */
  readonly sha256: string;
  readonly bytes: number;
}

const pieceBytes = 64 * sealShape.blockBytes;

/** Into the folder of backups: sealed when there is a seal and it is not sealed already. */
export function copyIn(from: string, to: string, seal: FileSeal | null): Copied {
  const source = openSync(from, "r");
  const target = openSync(to, "wx", 0o600);
  const hash = createHash("sha256");
  try {
    let bytes = 0;
    const write = (piece: Uint8Array) => {
      hash.update(piece);
      writeAll(target, piece);
      bytes += piece.length;
    };
    if (seal === null || isSealed(source)) forEachPiece(source, pieceBytes, write);
    else sealInto(source, seal, write);
    fsyncSync(target);
    return { sha256: hash.digest("hex"), bytes };
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** Out of the folder of backups; opened when this backup sealed it. A wrong hash is an error, whatever was written. */
export function copyOut(from: string, to: string, sha256: string, seal: FileSeal | null): void {
  const source = openSync(from, "r");
  const target = openSync(to, "wx", 0o600);
  const hash = createHash("sha256");
  try {
    if (seal === null) {
      forEachPiece(source, pieceBytes, (piece) => {
        hash.update(piece);
        writeAll(target, piece);
      });
    } else openInto(source, seal, hash, (piece) => writeAll(target, piece));
    if (hash.digest("hex") !== sha256) throw new BackupError("BACKUP_DAMAGED", `${from} changed`);
    fsyncSync(target);
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** The hash of a file. */
export function hashOf(path: string): Copied {
  const source = openSync(path, "r");
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    forEachPiece(source, pieceBytes, (piece) => {
      hash.update(piece);
      bytes += piece.length;
    });
  } finally {
    closeSync(source);
  }
  return { sha256: hash.digest("hex"), bytes };
}

/** What was renamed or made in it is there after a power cut as well. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  fsyncSync(folder);
  closeSync(folder);
}

function isSealed(file: number): boolean {
  const head = Buffer.alloc(sealShape.headerBytes);
  return looksSealed(head.subarray(0, readSync(file, head, 0, head.length, 0)));
}

function sealInto(source: number, seal: FileSeal, write: (piece: Uint8Array) => void): void {
  const { blockBytes, sealedBlockBytes } = sealShape;
  const sealed = new Uint8Array(sealedBlockBytes);
  const sealer = seal.create();
  write(sealer.header);
  const totalBytes = fstatSync(source).size;
  const lastNo = Math.max(1, Math.ceil(totalBytes / blockBytes)) - 1;
  let blockNo = 0;
  forEachPiece(source, blockBytes, (piece) => {
    write(sealer.seal(blockNo, blockNo === lastNo, piece, sealed));
    blockNo += 1;
  });
  if (totalBytes === 0) write(sealer.seal(0, true, Buffer.alloc(0), sealed));
}

function openInto(
  source: number,
  seal: FileSeal,
  hash: Hash,
  write: (piece: Uint8Array) => void,
): void {
  const { headerBytes, blockBytes, sealedBlockBytes } = sealShape;
  const header = Buffer.alloc(headerBytes);
  readSync(source, header, 0, headerBytes, 0);
  hash.update(header);
  const opener = seal.open(header);
  if (opener === "notSealed") throw new BackupError("BACKUP_DAMAGED", "a sealed file has no seal");
  if (opener === "unknownKey") {
    throw new BackupError(
      "BACKUP_KEY",
      "the backup was sealed with a key that is not in the key file; give the one of then",
    );
  }
  const totalBytes = plainBytes(fstatSync(source).size);
  const lastNo = Math.max(1, Math.ceil(totalBytes / blockBytes)) - 1;
  let blockNo = 0;
  const take = (piece: Uint8Array) => {
    hash.update(piece);
    const plain = opener.open(blockNo, blockNo === lastNo, piece);
    if (plain === null) throw new BackupError("BACKUP_DAMAGED", `block ${blockNo} does not open`);
    write(plain);
    blockNo += 1;
  };
  forEachPiece(source, sealedBlockBytes, take, headerBytes);
}

function forEachPiece(
  file: number,
  sizeBytes: number,
  take: (piece: Uint8Array) => void,
  fromByte = 0,
): void {
  const buffer = Buffer.alloc(sizeBytes);
  for (let at = fromByte; ;) {
    let filled = 0;
    while (filled < sizeBytes) {
      const got = readSync(file, buffer, filled, sizeBytes - filled, at + filled);
      if (got === 0) break;
      filled += got;
    }
    if (filled > 0) take(buffer.subarray(0, filled));
    if (filled < sizeBytes) return;
    at += filled;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
}
