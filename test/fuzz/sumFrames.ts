/** Frames from 68 to 16 whose lengths and sums are right and whose content is anything: CJ/T 188, CAT-1, M-Bus. */
import { closeCbc } from "#protocols/mbus/security.ts";
import type { Chance } from "../support/random.ts";
import { anyByte, anyBytes, digits, joined, sum8 } from "./bytes.ts";

const close = (frame: Uint8Array, sumFrom = 0): Uint8Array =>
  joined(frame, [sum8(frame, sumFrom), 0x16]);

const meterTypes = [0x10, 0x11, 0x20, 0x30, 0x30, 0x40, 0xaa];
const answers = [0x81, 0x81, 0x81, 0x83, 0x84, 0x89, 0x96, 0xaa, 0xc1, 0xc4, 0x01, 0x04];
const identifiers = [
  0x901f, 0x1f90, 0x911f, 0x907f, 0x9097, 0xa017, 0x17a0, 0x810a, 0x0a81, 0xd120, 0xd210, 0xd301,
];
/** Lengths of DATA that the tables know, so that many frames come through them. */
const dataLengths = [3, 4, 5, 8, 9, 10, 22, 26, 46, 49, 172];
const volumeUnits = [0x2c, 0x2b, 0x29, 0x2a, 0x2d, 0x2e, 0x35];

/** 68 T A0..A6 C L | DI SER payload | CS 16 */
export function cjt188Frame(chance: Chance): Uint8Array {
  const identifier = chance.once(5) ? chance.whole(0, 0xffff) : (chance.any(identifiers) ?? 0);
  const length = chance.once(4) ? chance.whole(0, 200) : (chance.any(dataLengths) ?? 22);
  const payload = chance.once(2) ? digits(chance, 200) : anyBytes(chance, 200);
  for (const at of [4, 9]) payload[at] = chance.any(volumeUnits) ?? 0x2c;
  const content = joined([identifier >> 8, identifier & 0xff, anyByte(chance)], payload);
  const head = [
    0x68,
    chance.any(meterTypes) ?? 0x30,
    ...digits(chance, 7),
    chance.any(answers) ?? 0x81,
    length,
  ];
  const wake = new Uint8Array(chance.once(3) ? chance.whole(1, 4) : 0).fill(0xfe);
  return joined(wake, close(joined(head, content.subarray(0, length))));
}

const cat1Controls = [0x97, 0x97, 0x97, 0x81, 0x84, 0x84, 0x17, 0x01, 0x04];
const cat1Greeting = [0xa3, 0x45, 0xa3, 0xc5, 0x00, 0x00];

/** 68 T A0..A6 dev C | instruction kind m | data | CS 16 */
export function cat1Frame(chance: Chance): Uint8Array {
  const length = chance.once(3) ? chance.whole(0, 120) : (chance.any([70, 62, 17, 3, 9, 11]) ?? 70);
  const content = chance.once(2) ? digits(chance, length) : anyBytes(chance, length);
  if (length > 0) content[0] = chance.once(2) ? 0x03 : anyByte(chance);
  const control = chance.any(cat1Controls) ?? 0x97;
  const head = [
    0x68,
    chance.any(meterTypes) ?? 0x30,
    ...digits(chance, 7),
    chance.once(4) ? 1 : 3,
    control,
    ...anyBytes(chance, 4),
    length,
  ];
  const frame = close(joined(head, content));
  return chance.once(5) ? joined(cat1Greeting, frame) : frame;
}

const dataBytesOf = [0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0];
const likelyVifs = [
  0x13, 0x14, 0x16, 0x10, 0x6c, 0x6d, 0x3b, 0x5a, 0x78, 0x93, 0x94, 0xfd, 0xfb, 0xfc,
];

/** A coded value: DIF, DIFEs, VIF, VIFEs, and as many bytes as the DIF says. */
function mbusRecord(chance: Chance): Uint8Array {
  const field = chance.whole(0, 15);
  const extensions = chance.once(4) ? chance.whole(1, 4) : 0;
  const dif = field | (chance.whole(0, 7) << 4) | (extensions > 0 ? 0x80 : 0);
  const difes = Array.from({ length: extensions }, (_, index) => {
    return (anyByte(chance) & 0x7f) | (index + 1 < extensions ? 0x80 : 0);
  });
  const vif = chance.once(4) ? anyByte(chance) : (chance.any(likelyVifs) ?? 0x13);
  const vifes = (vif & 0x80) === 0 ? [] : [anyByte(chance) & (chance.once(4) ? 0xff : 0x7f)];
  const length = field === 0x0d ? chance.whole(0, 40) : (dataBytesOf[field] ?? 0);
  const isDigits = field >= 0x09 && field <= 0x0e && !chance.once(4);
  const content = isDigits ? digits(chance, length) : anyBytes(chance, length);
  const variable = field === 0x0d ? [chance.once(2) ? length : anyByte(chance)] : [];
  return joined([dif, ...difes, vif, ...vifes, ...variable], content);
}

function mbusRecords(chance: Chance): Uint8Array {
  return joined(...Array.from({ length: chance.whole(0, 8) }, () => mbusRecord(chance)));
}

const idOf = (chance: Chance): Uint8Array => joined(digits(chance, 4), [0x93, 0x15, 0x33, 0x03]);

/** Records behind a header, in plain or in mode 5 under the key; the bytes from CI on. */
export function mbusContent(chance: Chance, key: Uint8Array | undefined): Uint8Array {
  const records = mbusRecords(chance);
  const kind = chance.any([0x72, 0x72, 0x7a, 0x78, 0x73, 0x70, 0x71, 0x74, 0x76]) ?? 0x72;
  if (kind === 0x78) return joined([kind], records);
  if (kind === 0x73) return joined([kind], anyBytes(chance, chance.once(3) ? 15 : 16));
  if (kind < 0x72) return joined([kind], anyBytes(chance, chance.whole(0, 20)));
  const access = anyByte(chance);
  const id = idOf(chance);
  const isCiphered = key?.length === 16 && kind === 0x72 && chance.once(2);
  const status = anyByte(chance);
  const address = kind === 0x72 || kind === 0x74 || kind === 0x76 ? id : new Uint8Array();
  if (!isCiphered) {
    const word = chance.once(4) ? [anyByte(chance), anyByte(chance)] : [0, 0];
    return joined([kind], address, [access, status, ...word], records);
  }
  const blocks = Math.min(15, Math.max(1, Math.ceil((records.length + 2) / 16)));
  const plain = new Uint8Array(16 * blocks).fill(0x2f);
  plain.set(records.subarray(0, plain.length - 2), 2);
  const link = joined(id.subarray(4, 6), id.subarray(0, 4), id.subarray(6));
  const vector = joined(link, new Uint8Array(8).fill(access));
  const word = [(blocks << 4) & 0xff, 0x05];
  return joined([kind], address, [access, status, ...word], closeCbc(key ?? plain, vector, plain));
}

/** 68 L L 68 | C A content | CS 16 */
export function mbusFrame(chance: Chance, key: Uint8Array | undefined): Uint8Array {
  const control = chance.any([0x08, 0x08, 0x18, 0x28, 0x53]) ?? 0x08;
  const body = joined([control, anyByte(chance)], mbusContent(chance, key)).subarray(0, 255);
  const head = [0x68, body.length, body.length, 0x68];
  const frame = close(joined(head, body), head.length);
  return chance.once(10) ? joined(frame, mbusFrame(chance, key)) : frame;
}

/** A changed frame with its length and its sum put right again, so that the change is looked at. */
export function mended68(bytes: Uint8Array): Uint8Array {
  const frame = bytes.slice();
  const at = Math.max(0, frame.indexOf(0x68));
  const length = frame.length - at;
  if (length < 13) return frame;
  const isMbus = frame[at + 3] === 0x68;
  if (isMbus) {
    frame[at + 1] = length - 6;
    frame[at + 2] = length - 6;
  } else if (frame[at + 9] === 0x03 && length >= 18) {
    frame[at + 15] = length - 18;
  } else {
    frame[at + 10] = length - 13;
  }
  frame[frame.length - 2] = sum8(frame, at + (isMbus ? 4 : 0), frame.length - 2);
  frame[frame.length - 1] = 0x16;
  return frame;
}
