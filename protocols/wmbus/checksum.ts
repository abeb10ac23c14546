/** The checksum of radio frames, of extended link layers and of compact frames. EN 13757-4. */

/** x16 + x13 + x12 + x11 + x10 + x8 + x6 + x5 + x2 + 1, without its first term. */
export const polynomial = 0x3d65;

const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let rest = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) {
    rest = (rest & 0x8000) === 0 ? rest << 1 : (rest << 1) ^ polynomial;
  }
  return rest & 0xffff;
});

/** The checksum of the bytes `from` up to but not including `to`. */
export function crc16(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  for (let at = from; at < to; at += 1) {
    sum = ((sum << 8) & 0xffff) ^ (table[(sum >> 8) ^ (bytes[at] ?? 0)] ?? 0);
  }
  return sum ^ 0xffff;
}
