/**
 * Memory that is used again from one flush to the next: to make it anew, page by page, takes as long as what is written
 * into it, and to give it back makes the garbage collector look at everything else.
 */

/** What is kept between two flushes; where one takes more, the rest is its own. */
const roomBytesMax = 128 * 1024 * 1024;

/** One flush at a time. */
export class CodeRoom {
  #kept = new ArrayBuffer(0);
  #usedBytes = 0;

  /** A new flush begins: what the one before was given is no longer its. */
  clear(): void {
    if (this.#usedBytes > this.#kept.byteLength) {
      this.#kept = new ArrayBuffer(Math.min(roomBytesMax, this.#usedBytes));
    }
    this.#usedBytes = 0;
  }

  /** Numbers of any value. */
  codes(count: number): Uint32Array {
    const at = this.#usedBytes;
    const isKept = at + count * 4 <= this.#kept.byteLength;
    this.#usedBytes += count * 4;
    return isKept ? new Uint32Array(this.#kept, at, count) : new Uint32Array(count);
  }
}
