/**
 * Mode 2 of the oldest meters, withdrawn: the same fields, but the high byte first (CI 76 and 77). A copy of the
 * frame in today's order keeps every byte's place, so the same tables read it. EN 1434-3, clause on mode 2.
 */
import { filler, recordExtent, specialField } from "./records.ts";
import { variableField } from "./values.ts";

/** Sizes of the fields before the records, in wire order. */
export const longHeaderSizes = [4, 2, 1, 1, 1, 1, 2];
/** The field of medium and units has its low byte first in both modes. */
export const fixedDataSizes = [4, 1, 1, 1, 1, 4, 4];

/** The bytes with each of these fields turned round. */
export function fieldsTurned(
  bytes: Uint8Array,
  from: number,
  sizes: readonly number[],
): Uint8Array {
  const turned = new Uint8Array(bytes);
  let at = from;
  for (const sizeBytes of sizes) {
    turned.subarray(at, at + sizeBytes).reverse();
    at += sizeBytes;
  }
  return turned;
}

/** The bytes with the data of each record turned round. */
export function recordsTurned(bytes: Uint8Array, from: number, end: number): Uint8Array {
  const turned = new Uint8Array(bytes);
  let at = from;
  while (at < end) {
    const dif = bytes[at] ?? 0;
    if (dif === filler) {
      at += 1;
    } else if ((dif & specialField) === specialField) {
      return turned;
    } else {
      const extent = recordExtent(bytes, at, end);
      // What cannot be read stays as it is: the reader of the records says what is wrong with it.
      if (!extent.ok || extent.value.to === null) return turned;
      const { header, to } = extent.value;
      const dataAt = header.dataAt + (header.dataField === variableField ? 1 : 0);
      turned.subarray(dataAt, to).reverse();
      at = to;
    }
  }
  return turned;
}
