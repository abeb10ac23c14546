/** One telegram of wired M-Bus: link frame, header and records, as the meter said them. */
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { fixedData, fixedMedium, fixedRecords } from "./fixed.ts";
import { longHeader, shortHeader, type MbusAddress, type MbusState } from "./header.ts";
import { decodeLinkFrame, explainTail, isFromMaster, type LinkFrame } from "./link.ts";
import { hexByte } from "./modifiers.ts";
import { readRecords, type MbusRecord } from "./records.ts";
import {
  beginsDeciphered,
  blockBytes,
  mode15Iv,
  mode5Iv,
  openCbc,
  type MbusKeys,
} from "./security.ts";

/** What one or more telegrams of a meter say. */
export interface MbusTelegram {
  /** null where the frame has no header; then only the link layer knows who spoke. */
  readonly address: MbusAddress | null;
  readonly state: MbusState | null;
  readonly records: readonly MbusRecord[];
  readonly moreFollows: boolean;
}

/** A frame's content, between the link layer's fields. */
export interface Content {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly end: number;
}

type LongFrame = Extract<LinkFrame, { kind: "long" }>;
type Read = Result<MbusTelegram, DecodeFault>;

/** Control information of what meters send over wire. */
const longHeaderData = 0x72;
const shortHeaderData = 0x7a;
const noHeaderData = 0x78;
const fixedStructure = 0x73;
const applicationError = 0x70;

const applicationErrors = [
  "unspecified error",
  "CI field not implemented",
  "buffer too long, truncated",
  "too many records",
  "premature end of record",
  "more than 10 DIFEs",
  "more than 10 VIFEs",
  "reserved",
  "application too busy",
  "too many readouts",
];

/** More than any meter's readout: about thirty full frames. */
const readoutBytesMax = 8 * 1024;

/** Every telegram in the bytes, joined: a readout can take several frames, each with its own header. */
export function decodeMbusTelegram(
  bytes: Uint8Array,
  keys: MbusKeys,
  trace: FieldTrace[] | null,
): Read {
  if (bytes.length > readoutBytesMax)
    return fail({ kind: "tooLarge", limitBytes: readoutBytesMax });
  const telegrams: MbusTelegram[] = [];
  for (let at = 0; at < bytes.length || at === 0;) {
    const link = decodeLinkFrame(bytes, at, trace);
    if (!link.ok) return link;
    const frame = link.value;
    if (frame.kind === "short") return fail({ kind: "unsupported", what: "request of a master" });
    if (frame.kind === "long") {
      const telegram = readLongFrame(bytes, frame, keys, trace);
      if (!telegram.ok) return telegram;
      telegrams.push(telegram.value);
    }
    if (trace !== null) explainTail(frame, bytes, trace);
    at = frame.end;
  }
  return joined(telegrams);
}

/** The telegrams of one readout as one. Those of two meters are not joined. */
function joined(telegrams: readonly MbusTelegram[]): Read {
  const [first] = telegrams;
  if (first === undefined) return fail({ kind: "unsupported", what: "acknowledgement alone" });
  const isOneMeter = telegrams.every(({ address }) => {
    const isSameNumber = address?.identification === first.address?.identification;
    return isSameNumber && address?.manufacturer === first.address?.manufacturer;
  });
  if (!isOneMeter) return fail({ kind: "unsupported", what: "telegrams of several meters" });
  const records = telegrams.flatMap((telegram) => telegram.records);
  return ok({ ...first, records, moreFollows: telegrams.at(-1)?.moreFollows ?? false });
}

function readLongFrame(
  bytes: Uint8Array,
  frame: LongFrame,
  keys: MbusKeys,
  trace: FieldTrace[] | null,
): Read {
  const ci = frame.controlInformation;
  if (isFromMaster(frame.control)) {
    return fail({ kind: "unsupported", what: `request of a master, CI ${hexByte(ci)}` });
  }
  const content = {
    bytes: bytes.subarray(0, frame.contentEnd),
    from: frame.contentAt,
    end: frame.contentEnd,
  };
  switch (ci) {
    case longHeaderData: {
      const header = longHeader.decode(content.bytes, content.from, trace);
      if (!header.ok) return header;
      const from = content.from + longHeader.sizeBytes;
      return readSecured({ ...content, from }, header.value, header.value, keys, trace);
    }
    case shortHeaderData: {
      const header = shortHeader.decode(content.bytes, content.from, trace);
      if (!header.ok) return header;
      const from = content.from + shortHeader.sizeBytes;
      return readSecured({ ...content, from }, null, header.value, keys, trace);
    }
    case noHeaderData:
      return readPlain(content, null, null, trace);
    case fixedStructure:
      return readFixed(content, trace);
    case applicationError:
      return fail({ kind: "unsupported", what: `application error: ${errorText(content)}` });
    default:
      return fail({ kind: "unsupported", what: `CI ${hexByte(ci)}` });
  }
}

function errorText({ bytes, from }: Content): string {
  const number = bytes[from] ?? 0;
  return applicationErrors[number] ?? `number ${number}`;
}

function readFixed({ bytes, from, end }: Content, trace: FieldTrace[] | null): Read {
  if (end - from !== fixedData.sizeBytes) {
    return fail({ kind: "wrongLength", field: fixedData.name, atByte: from });
  }
  const read = fixedData.decode(bytes, from, trace);
  if (!read.ok) return read;
  const { identification, accessNumber, status } = read.value;
  // This structure has no manufacturer and no version, and its two low status bits mean something else.
  const address = { identification, manufacturer: 0, version: 0, medium: fixedMedium(read.value) };
  const state = { accessNumber, status: status & 0xfc, configuration: 0 };
  return ok({ address, state, records: fixedRecords(read.value, from), moreFollows: false });
}

/** Records as they stand. A record that the end cuts off means that nothing of the frame is certain. */
function readPlain(
  { bytes, from, end }: Content,
  address: MbusAddress | null,
  state: MbusState | null,
  trace: FieldTrace[] | null,
): Read {
  const { records, moreFollows, fault } = readRecords(bytes, from, end, trace);
  return fault === null ? ok({ address, state, records, moreFollows }) : fail(fault);
}

const modeMask = 0x1f;
/** Modes with ciphered data that are not read here. Other numbers are words of meters older than modes. */
const unreadModes: ReadonlySet<number> = new Set([2, 3, 4, 7, 8, 9, 10, 13]);

/** The security mode of a configuration word. */
export function securityMode(configuration: number): number {
  return (configuration >> 8) & modeMask;
}

function readSecured(
  content: Content,
  address: MbusAddress | null,
  state: MbusState,
  keys: MbusKeys,
  trace: FieldTrace[] | null,
): Read {
  const mode = securityMode(state.configuration);
  if (unreadModes.has(mode)) {
    return fail({ kind: "unsupported", what: `security mode ${mode}` });
  }
  if (mode !== 5 && mode !== 15) return readPlain(content, address, state, trace);
  const opened =
    mode === 5
      ? openMode5(content, address, state, keys)
      : openMode15(content, address, state, keys);
  return opened.ok ? readPlain({ ...content, bytes: opened.value }, address, state, trace) : opened;
}

/** Mode 5: bits 7 to 4 of the configuration count the ciphered blocks; what follows them is plain. */
export function openMode5(
  { bytes, from }: Content,
  address: MbusAddress | null,
  { configuration, accessNumber }: MbusState,
  { key, iv }: MbusKeys,
): Result<Uint8Array, DecodeFault> {
  const sizeBytes = ((configuration >> 4) & 0x0f) * blockBytes;
  // Some receivers have the key themselves and hand on the telegram with its header unchanged.
  if (sizeBytes === 0 || (key === undefined && beginsDeciphered(bytes, from))) return ok(bytes);
  const vector = iv ?? (address === null ? undefined : mode5Iv(address, accessNumber));
  if (vector === undefined) return fail({ kind: "keyMissing", keyName: "iv" });
  return openCbc({ bytes, from, sizeBytes }, key, vector);
}

/** The frame counter's record, plain, behind the ciphered part. */
const frameCounterHead = [0x04, 0xfd, 0x08];

/** Mode 15, DSMR P2: the low byte of the configuration counts the ciphered bytes. */
export function openMode15(
  { bytes, from, end }: Content,
  address: MbusAddress | null,
  { configuration }: MbusState,
  { key, iv }: MbusKeys,
): Result<Uint8Array, DecodeFault> {
  const sizeBytes = configuration & 0xff;
  if (sizeBytes === 0 || (key === undefined && beginsDeciphered(bytes, from))) return ok(bytes);
  const counterAt = from + sizeBytes;
  const dataAt = counterAt + frameCounterHead.length;
  const hasCounter = frameCounterHead.every((byte, place) => bytes[counterAt + place] === byte);
  if (!hasCounter || dataAt + 4 > end) {
    return fail({ kind: "unexpectedValue", field: "mbus.frameCounter", atByte: counterAt });
  }
  const counter = bytes.subarray(dataAt, dataAt + 4);
  const vector = iv ?? (address === null ? undefined : mode15Iv(address, counter));
  if (vector === undefined) return fail({ kind: "keyMissing", keyName: "iv" });
  return openCbc({ bytes, from, sizeBytes }, key, vector);
}
