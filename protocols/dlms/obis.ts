/** Logical names: six numbers that say what a value is. */

/** Bytes of a logical name. */
export const obisBytes = 6;
/** The last number of present values; smaller ones are of billing periods. */
const present = 0xff;

/** As people write it: 7-0:3.0.0.255. */
export function obisOf(bytes: Uint8Array): string {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  return `${a}-${b}:${c}.${d}.${e}.${f}`;
}

/** Whether six bytes of a list are a name rather than a value: a present one. */
export function isObis(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === obisBytes && value[5] === present;
}
