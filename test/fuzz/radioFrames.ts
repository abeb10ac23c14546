/** Radio frames with the block checksums of their kind right, around anything. */
import { crc16 } from "#protocols/wmbus/checksum.ts";
import { decodeFrame, encodeFrameA } from "#protocols/wmbus/link.ts";
import type { Chance } from "../support/random.ts";
import { anyByte, anyBytes, digits, joined, mutated } from "./bytes.ts";
import { mbusContent } from "./sumFrames.ts";

const controls = [0x44, 0x44, 0x44, 0x46, 0x08, 0x47, 0x48];

/** C, who sends, and from the first CI on; sometimes an extended link layer or an AFL before the content. */
export function radioFrame(chance: Chance, key: Uint8Array | undefined): Uint8Array {
  const head = joined([chance.any(controls) ?? 0x44, 0x93, 0x15], digits(chance, 4), [0x33, 0x03]);
  const before = layerBefore(chance);
  const body = joined(head, before, mbusContent(chance, key)).subarray(0, 240);
  return framed(chance, body);
}

function layerBefore(chance: Chance): Uint8Array {
  switch (chance.whole(0, 7)) {
    case 0:
      return joined([0x8c], anyBytes(chance, 2));
    case 1:
      return joined([0x8d], anyBytes(chance, 8));
    case 2:
      return joined([0x8e], anyBytes(chance, 10));
    case 3:
      return joined([0x90], anyBytes(chance, chance.whole(3, 20)));
    case 4:
      return joined([0x79], anyBytes(chance, 4));
    default:
      return new Uint8Array();
  }
}

/** As kind A, as kind B of one block, or without checksums. */
function framed(chance: Chance, body: Uint8Array): Uint8Array {
  const kind = chance.whole(0, 2);
  if (kind === 0) return encodeFrameA(body);
  if (kind === 1 || body.length > 120) return joined([body.length], body);
  const bytes = joined([body.length + 2], body);
  const sum = crc16(bytes, 0, bytes.length);
  return joined(bytes, [sum >> 8, sum & 0xff]);
}

/** A frame taken out of its checksums, changed, and framed again. */
export function changedRadio(chance: Chance, bytes: Uint8Array): Uint8Array {
  const frame = decodeFrame(bytes);
  if (!frame.ok) return mutated(chance, bytes);
  const body = mutated(chance, frame.value.bytes.subarray(1)).subarray(0, 240);
  return body.length < 10 ? joined([body.length], body, [anyByte(chance)]) : framed(chance, body);
}
