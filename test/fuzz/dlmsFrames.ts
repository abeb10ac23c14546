/** DLMS pushes whose frames, lengths and tags are right, around data of any shape. */
import { createCipheriv } from "node:crypto";
import { crc16X25 } from "#protocols/codec/crc16.ts";
import type { Chance } from "../support/random.ts";
import { anyByte, anyBytes, joined } from "./bytes.ts";

const sizes: Readonly<Record<number, number>> = {
  0x00: 0,
  0x03: 1,
  0x05: 4,
  0x06: 4,
  0x0d: 1,
  0x0f: 1,
  0x10: 2,
  0x11: 1,
  0x12: 2,
  0x14: 8,
  0x15: 8,
  0x16: 1,
  0x17: 4,
  0x18: 8,
  0x19: 12,
  0x1a: 5,
  0x1b: 4,
};
const fixedTags = Object.keys(sizes).map(Number);
const gasCodes = [
  [7, 0, 3, 0, 0, 255],
  [7, 0, 13, 2, 0, 255],
  [7, 0, 43, 0, 0, 255],
  [7, 0, 41, 0, 0, 255],
  [7, 0, 0, 0, 0, 255],
  [0, 1, 24, 2, 1, 255],
  [0, 1, 24, 1, 0, 255],
  [0, 0, 96, 3, 10, 255],
  [0, 0, 1, 0, 0, 255],
];

/** One value in A-XDR; lists end somewhere. */
function anyData(chance: Chance, depth: number): Uint8Array {
  const kind = chance.whole(0, depth > 4 ? 2 : 5);
  if (kind <= 1) {
    const tag = chance.any(fixedTags) ?? 0;
    return joined([tag], anyBytes(chance, sizes[tag] ?? 0));
  }
  if (kind === 2) {
    const text = anyBytes(chance, chance.whole(0, 16));
    return joined([chance.any([0x09, 0x0a, 0x0c, 0x04]) ?? 0x09, text.length], text);
  }
  if (kind === 3) return gasRegister(chance);
  const items = Array.from({ length: chance.whole(0, 5) }, () => anyData(chance, depth + 1));
  return joined([kind === 4 ? 0x01 : 0x02, items.length], ...items);
}

/** A register as pushes have it: its code, a number, scaler and unit. */
function gasRegister(chance: Chance): Uint8Array {
  const code = chance.any(gasCodes) ?? [0, 0, 0, 0, 0, 0];
  const scaler = chance.once(2) ? 0xfd : anyByte(chance);
  const unit = chance.once(2) ? 0x0d : anyByte(chance);
  const scaled = [0x02, 0x02, 0x0f, scaler, 0x16, unit];
  const value = joined([0x06], anyBytes(chance, 4));
  return joined([0x02, 0x03, 0x09, 0x06], code, value, scaled);
}

function pushApdu(chance: Chance): Uint8Array {
  const date = chance.once(2) ? [0x00] : joined([0x0c], anyBytes(chance, 12));
  return joined([0x0f], anyBytes(chance, 4), date, anyData(chance, 0));
}

/** general-glo-ciphering under these keys, its tag right. */
export function ciphered(
  chance: Chance,
  plain: Uint8Array,
  key: Uint8Array,
  authKey: Uint8Array,
): Uint8Array {
  const title = Buffer.from("MCP00042");
  const counter = anyBytes(chance, 4);
  const cipher = createCipheriv("aes-128-gcm", key, joined(title, counter), { authTagLength: 12 });
  cipher.setAAD(joined([0x30], authKey));
  const text = joined(cipher.update(plain), cipher.final());
  const length = 5 + text.length + 12;
  const lengthBytes = [0x82, length >> 8, length & 0xff];
  return joined([0xdb, 8], title, lengthBytes, [0x30], counter, text, cipher.getAuthTag());
}

/** A push, plain or ciphered, in HDLC, the wrapper, or bare. */
export function dlmsPayload(
  chance: Chance,
  key: Uint8Array | undefined,
  authKey: Uint8Array | undefined,
): Uint8Array {
  const plain = pushApdu(chance);
  const hasKeys = key !== undefined && authKey !== undefined;
  const apdu = hasKeys ? ciphered(chance, plain, key, authKey) : plain;
  const kind = chance.whole(0, 2);
  if (kind === 0) return apdu;
  if (kind === 1)
    return joined([0, 1, 0, 1, 0, 0x66], [apdu.length >> 8, apdu.length & 0xff], apdu);
  return hdlc(joined([0xe6, 0xe7, 0x00], apdu));
}

const overhead = 9;

/** One frame, or segments where the information is too long for one. */
function hdlc(information: Uint8Array): Uint8Array {
  const most = 2_000;
  if (information.length > most) {
    return joined(frameOf(information.subarray(0, most), true), hdlc(information.subarray(most)));
  }
  return frameOf(information, false);
}

function frameOf(information: Uint8Array, isSegmented: boolean): Uint8Array {
  const length = information.length + overhead;
  const format = [0xa0 | (isSegmented ? 0x08 : 0) | (length >> 8), length & 0xff];
  const head = joined([0x7e], format, [0x2b, 0x21, 0x13]);
  const headed = joined(head, low(crc16X25(head, 1, head.length)), information);
  return joined(headed, low(crc16X25(headed, 1, headed.length)), [0x7e]);
}

const low = (sum: number): readonly number[] => [sum & 0xff, sum >> 8];

/** A changed frame of HDLC with its length and checksums put right. */
export function mendedHdlc(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== 0x7e || bytes.length < 14) return bytes;
  return frameOf(bytes.subarray(8, bytes.length - 3), false);
}
