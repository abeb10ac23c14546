/**
 * A frame of kind B with one wrong bit has the length of a frame without checksums. Before bytes are taken for
 * the latter, this asks whether one bit would make them the former. It repairs nothing that is used.
 */
import { crc16, polynomial } from "./checksum.ts";

const topBit = 0x8000;

/** The block with the one bit changed that makes its checksum right; undefined: there is no such bit. */
export function withOneBitRight(block: Uint8Array): Uint8Array | undefined {
  const dataBytes = block.length - 2;
  const received = (block[dataBytes] ?? 0) * 256 + (block[dataBytes + 1] ?? 0);
  const difference = crc16(block, 0, dataBytes) ^ received;
  // A wrong bit changes the checksum by its own power of x, whatever the other bits are; the checksum's own come first.
  let power = 1;
  for (let bit = 0; bit < 8 * block.length; bit += 1) {
    if (power === difference) {
      const right = Uint8Array.from(block);
      const at = block.length - 1 - (bit >> 3);
      right[at] = (right[at] ?? 0) ^ (1 << (bit & 7));
      return right;
    }
    power = (power & topBit) === 0 ? power << 1 : ((power << 1) & 0xffff) ^ polynomial;
  }
  return undefined;
}
