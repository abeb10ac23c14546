/**
 * Content with its cipher opened (security modes 5 and 15), and what may be believed of it. Two fillers prove
 * the key in modes without a MAC: one wrong key in 65 536 has them by chance, so the records must make sense too.
 */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault } from "#protocols/contract.ts";
import type { MbusAddress, MbusState } from "./header.ts";
import { isOfTheStandard, type MbusRecord, type RecordsRead } from "./records.ts";
import {
  beginsDeciphered,
  blockBytes,
  mode15Iv,
  mode5Iv,
  openCbc,
  type MbusKeys,
} from "./security.ts";

/** A frame's content, between the link layer's fields. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly end: number;
}

/** Content in plain, with how much of it came so. */
export interface Opened extends Content {
  /** Bytes from here on were not ciphered; `from` where none were. */
  readonly cipheredTo: number;
  /** A MAC over the whole content was right: then nothing else need prove it. */
  readonly isSigned: boolean;
}

/** Content that came in plain. */
export function inPlain(content: Content): Opened {
  return { ...content, cipheredTo: content.from, isSigned: false };
}

/** Mode 5: bits 7 to 4 of the configuration count the ciphered blocks; what follows them is plain. */
export function openMode5(
  content: Content,
  address: MbusAddress | null,
  { configuration, accessNumber }: MbusState,
  { key, iv }: MbusKeys,
): Result<Opened, DecodeFault> {
  const { bytes, from } = content;
  const sizeBytes = ((configuration >> 4) & 0x0f) * blockBytes;
  // Some receivers have the key themselves and hand on the telegram with its header unchanged.
  if (sizeBytes === 0 || (key === undefined && beginsDeciphered(bytes, from))) {
    return ok(inPlain(content));
  }
  const vector = iv ?? (address === null ? undefined : mode5Iv(address, accessNumber));
  if (vector === undefined) return fail({ kind: "keyMissing", keyName: "iv" });
  return opened(content, sizeBytes, openCbc({ bytes, from, sizeBytes }, key, vector));
}

/** The frame counter's record, plain, behind the ciphered part. */
const frameCounterHead = [0x04, 0xfd, 0x08];

/** Mode 15, DSMR P2: the low byte of the configuration counts the ciphered bytes. */
export function openMode15(
  content: Content,
  address: MbusAddress | null,
  { configuration }: MbusState,
  { key, iv }: MbusKeys,
): Result<Opened, DecodeFault> {
  const { bytes, from, end } = content;
  const sizeBytes = configuration & 0xff;
  if (sizeBytes === 0 || (key === undefined && beginsDeciphered(bytes, from))) {
    return ok(inPlain(content));
  }
  const counterAt = from + sizeBytes;
  const dataAt = counterAt + frameCounterHead.length;
  const hasCounter = frameCounterHead.every((byte, place) => bytes[counterAt + place] === byte);
  if (!hasCounter || dataAt + 4 > end) {
    return fail({ kind: "unexpectedValue", field: "mbus.frameCounter", atByte: counterAt });
  }
  const counter = bytes.subarray(dataAt, dataAt + 4);
  const vector = iv ?? (address === null ? undefined : mode15Iv(address, counter));
  if (vector === undefined) return fail({ kind: "keyMissing", keyName: "iv" });
  return opened(content, sizeBytes, openCbc({ bytes, from, sizeBytes }, key, vector));
}

function opened(
  content: Content,
  sizeBytes: number,
  read: Result<Uint8Array, DecodeFault>,
): Result<Opened, DecodeFault> {
  if (!read.ok) return read;
  const cipheredTo = content.from + sizeBytes;
  return ok({ ...content, bytes: read.value, cipheredTo, isSigned: false });
}

/** The mark on a record that nothing has proved to be the meter's: readings are not made of it. */
const unproved = "in plain";

/** A meter with a key is not believed in plain, unless its file says so: else anybody could speak for it. */
export function plainFault(content: Opened, keys: MbusKeys): DecodeFault | null {
  const isProved = content.isSigned || content.cipheredTo > content.from;
  const isBelieved = isProved || keys.key === undefined || keys.allowPlain === true;
  return isBelieved ? null : { kind: "notAuthentic" };
}

/** The records that may be believed; those behind the ciphered part of a meter with a key are marked. */
export function believed(
  content: Opened,
  keys: MbusKeys,
  { records, fault }: RecordsRead,
): Result<readonly MbusRecord[], DecodeFault> {
  const { from, cipheredTo, isSigned } = content;
  const isCiphered = cipheredTo > from;
  if (isSigned || !isCiphered) return ok(records);
  const inside = records.filter((record) => record.from < cipheredTo);
  const isBroken = fault !== null && "atByte" in fault && fault.atByte < cipheredTo;
  if (!makeSense(inside, isBroken)) return fail({ kind: "notAuthentic" });
  return ok(marked(content, keys, records));
}

/** The records as they are, those that nothing has proved to be the meter's with a mark. */
export function marked(
  { from, cipheredTo, isSigned }: Opened,
  { key, allowPlain }: MbusKeys,
  records: readonly MbusRecord[],
): readonly MbusRecord[] {
  if (isSigned || cipheredTo === from || key === undefined || allowPlain === true) return records;
  return records.map((record) => {
    if (record.from < cipheredTo) return record;
    return { ...record, modifiers: [...record.modifiers, unproved] };
  });
}

/** So many good records outweigh one that is odd: makers add codes of their own, and frames get cut. */
const goodPerOdd = 6;

/** Whether records can be what a meter says, and not what a wrong key makes of a cipher. */
export function makeSense(records: readonly MbusRecord[], isBroken = false): boolean {
  const standard = records.filter((record) => isOfTheStandard(record));
  const good = standard.filter(({ value }) => value !== null).length;
  const odd = records.length - standard.length + (isBroken ? 1 : 0);
  // Fillers to the end are as sure as it gets: a meter that only says that it is there.
  if (records.length === 0) return !isBroken;
  return good > 0 && good >= goodPerOdd * odd;
}
