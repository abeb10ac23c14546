/**
 * zstd by coders that are kept. For each call `node:zlib` makes one anew, which takes longer than the few kilobytes of
 * a frame do: two thirds of the time, and most of it once more for the garbage. A kept one gives the same bytes.
 *
 * Node has no public way to code twice with the same coder at once, so this asks the handle that its own calls use.
 * Where that is not as it is known, or anything is but perfect, the coder is dropped and the public call has the say.
 */
import {
  constants,
  createZstdCompress,
  createZstdDecompress,
  zstdCompressSync,
  zstdDecompressSync,
} from "node:zlib";

/** No frame is larger when it is uncompressed; a larger one is refused while it is being uncompressed. */
export const frameBytesMax = 16 * 1024 * 1024;

/** The least that zlib takes. */
const chunkSizeMin = 64;
const firstRoomBytes = 64 * 1024;

interface Handle {
  onerror: (...args: readonly unknown[]) => void;
  writeSync(
    flush: number,
    from: Uint8Array,
    fromAt: number,
    fromBytes: number,
    into: Uint8Array,
    intoAt: number,
    intoBytes: number,
  ): void;
}

class KeptCoder {
  /** Room for what comes out; valid until the next call. */
  room = new Uint8Array(firstRoomBytes);
  readonly #make: () => object;
  #handle: Handle | undefined;
  /** Bytes of room and of input that were left by the last call. */
  #left: Uint32Array | undefined;
  #isUsable = true;
  #hasFailed = false;

  constructor(make: () => object) {
    this.#make = make;
  }

  /** A whole frame into the room; how many bytes it took, undefined: not by this coder. */
  code(bytes: Uint8Array): number | undefined {
    if (this.#handle === undefined) this.#open();
    if (this.#handle === undefined) return undefined;
    this.#hasFailed = false;
    const { room } = this;
    this.#handle.writeSync(constants.ZSTD_e_end, bytes, 0, bytes.length, room, 0, room.length);
    const [roomLeft = 0, bytesLeft = 1] = this.#left ?? [];
    if (!this.#hasFailed && bytesLeft === 0 && roomLeft > 0) return room.length - roomLeft;
    // In the midst of a frame it is of no use for another one.
    this.#handle = undefined;
    const isFull = !this.#hasFailed && roomLeft === 0;
    if (isFull && room.length < frameBytesMax) this.room = new Uint8Array(room.length * 2);
    return undefined;
  }

  reserve(bytes: number): void {
    if (this.room.length < bytes) this.room = new Uint8Array(bytes);
  }

  #open(): void {
    if (!this.#isUsable) return;
    const made = this.#make();
    const handle: unknown = "_handle" in made ? made._handle : undefined;
    const left: unknown = "_writeState" in made ? made._writeState : undefined;
    this.#isUsable = isHandle(handle) && left instanceof Uint32Array;
    if (!isHandle(handle) || !(left instanceof Uint32Array)) return;
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- no event target
    handle.onerror = () => {
      this.#hasFailed = true;
    };
    this.#handle = handle;
    this.#left = left;
  }
}

function isHandle(value: unknown): value is Handle {
  return typeof value === "object" && value !== null && "writeSync" in value && "onerror" in value;
}

/** By level. */
const compressors = new Map<number, KeptCoder>();
const decompressor = new KeptCoder(() => createZstdDecompress());

/** One zstd frame. */
export function compress(bytes: Uint8Array, level: number): Uint8Array<ArrayBuffer> {
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  let coder = compressors.get(level);
  if (coder === undefined) {
    coder = new KeptCoder(() => createZstdCompress({ params }));
    compressors.set(level, coder);
  }
  // More than the most that zstd makes of so many bytes, so that it is done with them in one call.
  coder.reserve(bytes.length + (bytes.length >> 7) + firstRoomBytes);
  const length = coder.code(bytes);
  if (length !== undefined) return coder.room.slice(0, length);
  // Told its size, the coder makes no room for megabytes, and none is made for its answer.
  const chunkSize = Math.max(chunkSizeMin, bytes.length);
  return zstdCompressSync(bytes, { params, pledgedSrcSize: bytes.length, chunkSize });
}

/** The bytes of one zstd frame, at most `frameBytesMax`, until the next call; throws where there is none. */
export function uncompressed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = decompressor.code(bytes);
  if (length !== undefined) return decompressor.room.subarray(0, length);
  return zstdDecompressSync(bytes, { maxOutputLength: frameBytesMax });
}
