/** Files at rest under a key: whole files block by block, so that any part can be read without the rest. */

/** Seals the blocks of one new file, in order. */
export interface BlockSealer {
  /** Stands in front of the first block. */
  readonly header: Uint8Array;
  /**
   * Into the caller's room, of which the filled part comes back. The last block says that it is, so that a file that
   * was cut short is noticed.
   */
  seal(blockNo: number, isLast: boolean, plain: Uint8Array, into: Uint8Array): Uint8Array;
}

/** Opens the blocks of one file, in any order. */
export interface BlockOpener {
  /** null: the block is not as it was sealed, or not in its place. */
  open(blockNo: number, isLast: boolean, sealed: Uint8Array): Uint8Array | null;
}

export type SealFault = "notSealed" | "unknownKey";

export interface FileSeal {
  /** Of a new file. */
  create(): BlockSealer;
  /** By the file's header: `sealShape.headerBytes` from its beginning. */
  open(header: Uint8Array): BlockOpener | SealFault;
}

/** Where what lies in a sealed file. */
export const sealShape = Object.freeze({
  headerBytes: 40,
  /** Plain bytes of a block; the last one may have fewer, down to none in an empty file. */
  blockBytes: 16 * 1024,
  tagBytes: 16,
  /** Of a full block. */
  sealedBlockBytes: 16 * 1024 + 16,
});

const magic = "MERCSEAL";

/** Whether a file with these first bytes is sealed; says nothing of the key. */
export function looksSealed(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, magic.length)).toString("latin1") === magic;
}

/** Plain bytes of a sealed file of so many; negative or not whole blocks: it was cut. */
export function plainBytes(fileBytes: number): number {
  const { headerBytes, sealedBlockBytes, tagBytes } = sealShape;
  const body = fileBytes - headerBytes;
  return body - Math.max(1, Math.ceil(body / sealedBlockBytes)) * tagBytes;
}
