/** One telegram of wired M-Bus: link frame, header and records, as the meter said them. */
import { unreachable } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { ValuesOfLayout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { alarmRecord } from "./alarm.ts";
import { fieldsTurned, fixedDataSizes, longHeaderSizes, recordsTurned } from "./byteOrder.ts";
import { fixedData, fixedMedium, fixedRecords } from "./fixed.ts";
import {
  longHeader,
  printMbusAddress,
  shortHeader,
  type MbusAddress,
  type MbusState,
} from "./header.ts";
import { decodeLinkFrame, explainTail, isFromMaster, type LinkFrame } from "./link.ts";
import { hexByte } from "./modifiers.ts";
import { readRecords, type MbusRecord } from "./records.ts";
import {
  believed,
  inPlain,
  makeSense,
  openMode15,
  openMode5,
  plainFault,
  type Content,
  type Opened,
} from "./opened.ts";
import type { MbusKeys } from "./security.ts";
import { withHeard, type StatusRules } from "./status.ts";

/** What one or more telegrams of a meter say. */
export interface MbusTelegram {
  /** null where the frame has no header; then only the link layer knows who spoke. */
  readonly address: MbusAddress | null;
  readonly state: MbusState | null;
  readonly records: readonly MbusRecord[];
  readonly moreFollows: boolean;
}

/** What is on file of a meter that decides what a telegram says. */
export interface MbusFile extends MbusKeys, StatusRules {}

type LongFrame = Extract<LinkFrame, { kind: "long" }>;
type Read = Result<MbusTelegram, DecodeFault>;

/** What a CI announces: the header, what follows it, and whether the high byte comes first (mode 2). */
interface Announced {
  readonly header: HeaderKind;
  readonly content: "records" | "fixed" | "alarm" | "error";
  readonly isHighFirst?: boolean;
}

const announced: Readonly<Record<number, Announced>> = {
  0x72: { header: "long", content: "records" },
  0x76: { header: "long", content: "records", isHighFirst: true },
  0x7a: { header: "short", content: "records" },
  0x78: { header: "none", content: "records" },
  0x73: { header: "none", content: "fixed" },
  0x77: { header: "none", content: "fixed", isHighFirst: true },
  0x6e: { header: "short", content: "error" },
  0x6f: { header: "long", content: "error" },
  0x70: { header: "none", content: "error" },
  0x74: { header: "short", content: "alarm" },
  0x75: { header: "long", content: "alarm" },
  0x71: { header: "none", content: "alarm" },
};

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
  keys: MbusFile,
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

/** The address in clear of the first telegram in the bytes; null: none is there, or the bytes are not whole. */
export function mbusAddressOf(bytes: Uint8Array): string | null {
  for (let at = 0; at < bytes.length;) {
    const link = decodeLinkFrame(bytes, at, null);
    if (!link.ok) return null;
    const frame = link.value;
    if (frame.kind === "long") {
      const address = addressIn(bytes, frame);
      return address === null ? null : printMbusAddress(address);
    }
    at = frame.end;
  }
  return null;
}

function addressIn(bytes: Uint8Array, frame: LongFrame): MbusAddress | null {
  const kind = announced[frame.controlInformation];
  if (isFromMaster(frame.control) || kind === undefined) return null;
  const content = contentOf(bytes, frame, kind);
  if (kind.content === "fixed") {
    const read = fixedData.decode(content.bytes, content.from, null);
    return read.ok ? fixedAddress(read.value) : null;
  }
  const read = readHeaderOf(kind.header, content, null);
  return read.ok ? read.value.address : null;
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
  keys: MbusFile,
  trace: FieldTrace[] | null,
): Read {
  const ci = frame.controlInformation;
  if (isFromMaster(frame.control)) {
    return fail({ kind: "unsupported", what: `request of a master, CI ${hexByte(ci)}` });
  }
  const kind = announced[ci];
  if (kind === undefined) return fail({ kind: "unsupported", what: `CI ${hexByte(ci)}` });
  const content = contentOf(bytes, frame, kind);
  if (kind.content === "fixed") return readFixed(content, keys, trace);
  const header = readHeaderOf(kind.header, content, trace);
  if (!header.ok) return header;
  const { rest, ...who } = header.value;
  const read = readKind(kind, inOrder(rest, kind), who, keys, trace);
  return read.ok ? read : fail(withHeard(read.fault, { ...who, records: [] }, keys));
}

function readKind(
  { content: kind }: Announced,
  content: Content,
  who: Who,
  keys: MbusFile,
  trace: FieldTrace[] | null,
): Read {
  switch (kind) {
    case "records":
      return readSecured(content, who, keys, trace);
    case "alarm":
      return readAlarm(content, who, keys, trace);
    case "error":
    case "fixed":
      return fail({ kind: "unsupported", what: applicationErrorText(content) });
    default:
      return unreachable(kind);
  }
}

/** The content of a frame, with the fields before its records in today's order. */
function contentOf(bytes: Uint8Array, frame: LongFrame, kind: Announced): Content {
  const { contentAt: from, contentEnd: end } = frame;
  const sizes = kind.content === "fixed" ? fixedDataSizes : longHeaderSizes;
  const own = bytes.subarray(0, end);
  return { bytes: kind.isHighFirst === true ? fieldsTurned(own, from, sizes) : own, from, end };
}

function inOrder(content: Content, kind: Announced): Content {
  const { bytes, from, end } = content;
  return kind.isHighFirst === true
    ? { ...content, bytes: recordsTurned(bytes, from, end) }
    : content;
}

/** What stands before the records. */
type HeaderKind = "short" | "long" | "none";

/** Who speaks and how it is, as far as a header says so. */
interface Who {
  readonly address: MbusAddress | null;
  readonly state: MbusState | null;
}

interface Headed extends Who {
  readonly rest: Content;
}

/** A header, and the content behind it. */
export function readHeaderOf(
  kind: HeaderKind,
  content: Content,
  trace: FieldTrace[] | null,
): Result<Headed, DecodeFault> {
  const { bytes, from } = content;
  if (kind === "none") return ok({ address: null, state: null, rest: content });
  const part = kind === "long" ? longHeader : shortHeader;
  const rest = { ...content, from: from + part.sizeBytes };
  if (kind === "short") {
    const read = shortHeader.decode(bytes, from, trace);
    return read.ok ? ok({ address: null, state: read.value, rest }) : read;
  }
  const read = longHeader.decode(bytes, from, trace);
  if (!read.ok) return read;
  const { accessNumber, status, configuration, ...address } = read.value;
  return ok({ address, state: { accessNumber, status, configuration }, rest });
}

/** An alarm says one byte, which only its maker can read. */
function readAlarm(
  content: Content,
  { address, state }: Who,
  keys: MbusFile,
  trace: FieldTrace[] | null,
): Read {
  const { bytes, from, end } = content;
  if (end - from !== 1) return fail({ kind: "wrongLength", field: "mbus.alarm", atByte: from });
  const telegram = { address, state, records: [alarmRecord(bytes, from, trace)] };
  const fault = plainFault(inPlain(content), keys);
  if (fault !== null) return fail(withHeard(fault, telegram, keys));
  return ok({ ...telegram, moreFollows: false });
}

/** Why the meter did not do what it was asked. */
export function applicationErrorText({ bytes, from, end }: Content): string {
  const number = from < end ? (bytes[from] ?? 0) : 0;
  return `application error: ${applicationErrors[number] ?? `number ${number}`}`;
}

function readFixed(
  { bytes, from, end }: Content,
  keys: MbusFile,
  trace: FieldTrace[] | null,
): Read {
  if (end - from !== fixedData.sizeBytes) {
    return fail({ kind: "wrongLength", field: fixedData.name, atByte: from });
  }
  const read = fixedData.decode(bytes, from, trace);
  if (!read.ok) return read;
  const { accessNumber, status } = read.value;
  // The two low bits of this status say how the registers are written.
  const state = { accessNumber, status: status & 0xfc, configuration: 0 };
  const telegram = {
    address: fixedAddress(read.value),
    state,
    records: fixedRecords(read.value, from),
  };
  const fault = plainFault(inPlain({ bytes, from, end }), keys);
  return fault === null
    ? ok({ ...telegram, moreFollows: false })
    : fail(withHeard(fault, telegram, keys));
}

/** The fixed structure has no manufacturer and no version. */
function fixedAddress(values: ValuesOfLayout<typeof fixedData>): MbusAddress {
  const { identification } = values;
  return { identification, manufacturer: 0, version: 0, medium: fixedMedium(values) };
}

/** Records as they stand. A record that the end cuts off means that nothing of the frame is certain. */
function readOpened(
  content: Opened,
  { address, state }: Who,
  keys: MbusFile,
  trace: FieldTrace[] | null,
): Read {
  const { bytes, from, end } = content;
  const read = readRecords(bytes, from, end, trace);
  const plain = plainFault(content, keys);
  if (plain !== null) return fail(withHeard(plain, { address, state, ...read }, keys));
  const records = believed(content, keys, read);
  if (!records.ok) return records;
  if (read.fault !== null) return fail(read.fault);
  return ok({ address, state, records: records.value, moreFollows: read.moreFollows });
}

const modeMask = 0x1f;
/** Modes with ciphered data that are not read here. Other numbers are words of meters older than modes. */
const unreadModes: ReadonlySet<number> = new Set([2, 3, 4, 7, 8, 9, 10, 13]);

/** The security mode of a configuration word. */
export function securityMode(configuration: number): number {
  return (configuration >> 8) & modeMask;
}

function readSecured(content: Content, who: Who, keys: MbusFile, trace: FieldTrace[] | null): Read {
  const { address, state } = who;
  const mode = securityMode(state?.configuration ?? 0);
  if (unreadModes.has(mode)) {
    return fail({ kind: "unsupported", what: `security mode ${mode}` });
  }
  if (state === null || (mode !== 5 && mode !== 15)) {
    const read = readOpened(inPlain(content), who, keys, trace);
    // Behind a word that is no security mode there can also be a cipher of the maker's own.
    const isSense = mode === 0 || !read.ok || makeSense(read.value.records);
    return isSense ? read : fail({ kind: "unsupported", what: `security mode ${mode}` });
  }
  const opened = (mode === 5 ? openMode5 : openMode15)(content, address, state, keys);
  return opened.ok ? readOpened(opened.value, who, keys, trace) : opened;
}
