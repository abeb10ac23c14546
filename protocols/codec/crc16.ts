/** The 16-bit checksums whose bits run from the low end: a table for each polynomial, one loop. */

/** How a checksum of this family begins and ends. */
export interface Crc16 {
  /** The checksum of the bytes `from` up to but not including `to`. */
  (bytes: Uint8Array, from: number, to: number): number;
}

/** CRC-16/ARC: x16 + x15 + x2 + 1. DSMR P1 telegrams. */
export const crc16Arc: Crc16 = crc16(0xa001, 0, 0);

/** CRC-16/X.25: x16 + x12 + x5 + 1, inverted at both ends. HDLC frames, ISO/IEC 13239. */
export const crc16X25: Crc16 = crc16(0x8408, 0xffff, 0xffff);

function crc16(reflectedPolynomial: number, start: number, inverted: number): Crc16 {
  const table = Uint16Array.from({ length: 256 }, (_, byte) => {
    let rest = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      rest = (rest & 1) === 0 ? rest >> 1 : (rest >> 1) ^ reflectedPolynomial;
    }
    return rest;
  });
  return (bytes, from, to) => {
    let sum = start;
    for (let at = from; at < to; at += 1) {
      sum = (sum >> 8) ^ (table[(sum ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
    }
    return sum ^ inverted;
  };
}
