/** A short name for some bytes, to know them again; not a defence against anybody. */

const fnvPrime = 0x01000193;

/** Two 32-bit FNV-1a sums from different starts, and the length. */
export function fingerprint(bytes: Uint8Array): string {
  let one = 0x811c9dc5;
  let other = 0x2bd1e995;
  for (const byte of bytes) {
    one = Math.imul(one ^ byte, fnvPrime);
    other = Math.imul(other ^ byte, fnvPrime) + 1;
  }
  return `${(one >>> 0).toString(36)}.${(other >>> 0).toString(36)}.${bytes.length.toString(36)}`;
}
