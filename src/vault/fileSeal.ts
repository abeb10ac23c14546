/**
 * Files sealed by AES-256-GCM. Every file has a key of its own, derived from the ring's by HKDF-SHA256 with the file's
 * random id, so a block's number is a nonce that never comes twice under one key.
 *
 *     header = "MERCSEAL" 8 | version u32 = 1 | block bytes u32 | key id 8 | file id 16
 *     block  = ciphertext | tag 16       nonce: block number u32, zeros 8; bound to: header, block number, last or not
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import { invariant } from "#domain/invariant.ts";
import {
  looksSealed,
  sealShape,
  type BlockOpener,
  type BlockSealer,
  type FileSeal,
} from "#ports/fileSeal.ts";
import type { Rng } from "#ports/rng.ts";

const cipher = "aes-256-gcm";
const version = 1;
const keyIdBytes = 8;
const fileIdBytes = 16;
const { headerBytes, blockBytes, tagBytes } = sealShape;
const keyIdAt = 16;
const fileIdAt = keyIdAt + keyIdBytes;
/** A nonce counts blocks in 32 bits: 64 TiB a file. */
const blocksMax = 2 ** 32;

/** Tells the keys of a ring apart; says nothing about the key. */
function fileKeyId(key: Uint8Array): Uint8Array {
  return createHash("sha256").update("mercaptan file key\0").update(key).digest().subarray(0, 8);
}

/** Seals with the first key of the ring and opens with any. */
export function fileSeal(ring: readonly Uint8Array[], rng: Rng): FileSeal {
  const [current] = ring;
  invariant(current !== undefined, "a ring holds at least one key");
  const byId = new Map(ring.map((key) => [Buffer.from(fileKeyId(key)).toString("hex"), key]));
  return {
    create() {
      const header = headerOf(fileKeyId(current), rng.bytes(fileIdBytes));
      return blockSealer(keyOfFile(current, header), header);
    },
    open(header) {
      const view = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
      if (header.length < headerBytes || !looksSealed(header)) return "notSealed";
      if (view.readUInt32LE(8) !== version || view.readUInt32LE(12) !== blockBytes) {
        return "notSealed";
      }
      const found = byId.get(view.subarray(keyIdAt, fileIdAt).toString("hex"));
      if (found === undefined) return "unknownKey";
      return blockOpener(keyOfFile(found, header), header);
    },
  };
}

function headerOf(keyId: Uint8Array, fileId: Uint8Array): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.write("MERCSEAL", 0, "latin1");
  header.writeUInt32LE(version, 8);
  header.writeUInt32LE(blockBytes, 12);
  header.set(keyId, keyIdAt);
  header.set(fileId, fileIdAt);
  return header;
}

/** As an object: given bytes, every block's cipher makes one of them, which takes longer than to seal the block. */
function keyOfFile(key: Uint8Array, header: Uint8Array): KeyObject {
  const fileId = header.subarray(fileIdAt, headerBytes);
  return createSecretKey(Buffer.from(hkdfSync("sha256", key, fileId, "mercaptan sealed file", 32)));
}

function nonceOf(blockNo: number): Uint8Array {
  invariant(blockNo >= 0 && blockNo < blocksMax, "a block's number fits its nonce");
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32LE(blockNo, 0);
  return nonce;
}

function boundTo(header: Uint8Array, blockNo: number, isLast: boolean): Uint8Array {
  const bound = Buffer.alloc(headerBytes + 5);
  bound.set(header);
  bound.writeUInt32LE(blockNo, headerBytes);
  bound[headerBytes + 4] = isLast ? 1 : 0;
  return bound;
}

/** A cipher that counts gives as many bytes as it takes, so nothing is left for its end. */
function blockSealer(key: KeyObject, header: Uint8Array): BlockSealer {
  return {
    header,
    seal(blockNo, isLast, plain, into) {
      const sealing = createCipheriv(cipher, key, nonceOf(blockNo));
      sealing.setAAD(boundTo(header, blockNo, isLast));
      into.set(sealing.update(plain));
      sealing.final();
      into.set(sealing.getAuthTag(), plain.length);
      return into.subarray(0, plain.length + tagBytes);
    },
  };
}

/** node:crypto says by a throw that a tag is wrong; here it is an answer. */
function blockOpener(key: KeyObject, header: Uint8Array): BlockOpener {
  return {
    open(blockNo, isLast, sealed) {
      if (sealed.length < tagBytes) return null;
      const opening = createDecipheriv(cipher, key, nonceOf(blockNo));
      opening.setAAD(boundTo(header, blockNo, isLast));
      opening.setAuthTag(sealed.subarray(-tagBytes));
      try {
        const plain = opening.update(sealed.subarray(0, -tagBytes));
        opening.final();
        return plain;
      } catch {
        return null;
      }
    },
  };
}
