/** One radio telegram: frame, layers, header and records, as the meter said them. One walk for all makers. */
import { unreachable } from "#domain/invariant.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { alarmRecord } from "#protocols/mbus/alarm.ts";
import { printMbusAddress, type MbusAddress, type MbusState } from "#protocols/mbus/header.ts";
import {
  believed,
  inPlain,
  makeSense,
  marked,
  openMode15,
  openMode5,
  plainFault,
  type Content,
  type Opened,
} from "#protocols/mbus/opened.ts";
import {
  applicationErrorText,
  readHeaderOf,
  securityMode,
  type MbusTelegram,
} from "#protocols/mbus/telegram.ts";
import { readRecords, type MbusRecord } from "#protocols/mbus/records.ts";
import { withHeard, type StatusRules } from "#protocols/mbus/status.ts";
import {
  learnFormat,
  readCompact,
  readFormatFrame,
  type CompactFormats,
  type LearntFormat,
} from "./compact.ts";
import { crc16 } from "./checksum.ts";
import { decodeFrame, putBack } from "./link.ts";
import { checkMac, counterOf, openMode2, openMode7, type WmbusKeys } from "./modes.ts";
import { readLayers, type Layers, type Transport } from "./transport.ts";

/** What one radio telegram says. */
export interface WmbusTelegram extends MbusTelegram {
  /** Who sent the frame: the meter, or the radio module it speaks through. */
  readonly sender: MbusAddress;
  /** What to keep, so that the meter's compact frames can be read. */
  readonly learnt: LearntFormat | null;
  /** Counter of the message, where a MAC has proved it; null: none has. */
  readonly provedCounter: number | null;
}

/** What is on file of a meter. */
export interface WmbusContext extends WmbusKeys, StatusRules {
  /** Formats learnt from full frames of this model. */
  readonly formats?: CompactFormats | undefined;
  /**
   * What the receiver does with block checksums. Unsaid, both are taken, and bytes that one bit would make a
   * frame of kind B are refused; "required" refuses all without, "absent" knows that there are none.
   */
  readonly checksums?: "required" | "absent" | undefined;
}

type Read = Result<WmbusTelegram, DecodeFault>;

/** Modes with ciphered data that are not read. Other numbers are words of radios older than modes. */
const unreadModes: ReadonlySet<number> = new Set([3, 4, 8, 9, 10, 13]);
/** Modes behind which records may be expected; else a telegram is records to its end, or none. */
const knownModes: ReadonlySet<number> = new Set([0, 2, 5, 7, 15]);

/** The telegram that these bytes are. Fields are traced at the places where the bytes stood. */
export function decodeWmbusTelegram(
  bytes: Uint8Array,
  context: WmbusContext,
  trace: FieldTrace[] | null,
): Read {
  const frame = decodeFrame(bytes);
  if (!frame.ok) return frame;
  const { framing, maybeB } = frame.value;
  if (framing === "no checksums" && context.checksums === "required") {
    return fail({ kind: "wrongLength", field: "wmbus.link.countedBytes", atByte: 0 });
  }
  const fields: FieldTrace[] | null = trace === null ? null : [];
  const telegram = readFrame(frame.value.bytes, context, fields);
  const isDoubtful = maybeB !== null && context.checksums !== "absent";
  if (telegram.ok && isDoubtful && readFrame(maybeB.bytes, context, null).ok) {
    const at = bytes.length - 2;
    const actual = (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
    return fail({ kind: "checksumMismatch", expected: crc16(bytes, 0, at), actual });
  }
  if (trace !== null && fields !== null) trace.push(...putBack(fields, frame.value));
  return telegram;
}

/** The address in clear: the long header's where there is one, else the link layer's; null: no whole frame. */
export function wmbusAddressOf(bytes: Uint8Array): string | null {
  const frame = decodeFrame(bytes);
  if (!frame.ok) return null;
  const layers = readLayers(frame.value.bytes, undefined, null);
  if (!layers.ok) return layers.sender === null ? null : printMbusAddress(layers.sender);
  const { transport, sender, content } = layers.value;
  const header = readHeaderOf(transport.header, content, null);
  return printMbusAddress((header.ok ? header.value.address : null) ?? sender);
}

function readFrame(bytes: Uint8Array, context: WmbusContext, trace: FieldTrace[] | null): Read {
  const layers = readLayers(bytes, context.key, trace);
  return layers.ok ? readTransport(layers.value, context, trace) : layers;
}

function readTransport(layers: Layers, context: WmbusContext, trace: FieldTrace[] | null): Read {
  const { transport, sender } = layers;
  const header = readHeaderOf(transport.header, layers.content, trace);
  if (!header.ok) return header;
  const { state, rest } = header.value;
  const who = { sender, address: header.value.address ?? sender, state };
  const read = readBehind(rest, layers, who, context, trace);
  return read.ok ? read : fail(withHeard(read.fault, { ...who, records: [] }, context));
}

function readBehind(
  rest: Content,
  layers: Layers,
  who: Who,
  context: WmbusContext,
  trace: FieldTrace[] | null,
): Read {
  const opened = open(rest, layers, who, context, trace);
  if (!opened.ok) return opened;
  const { authentication, transport } = layers;
  const isProved = opened.value.isSigned && authentication !== null;
  const provedCounter = isProved ? (counterOf(authentication) ?? null) : null;
  const said = readContent(transport, opened.value, who, context, trace);
  if (!said.ok) return said;
  const plain = plainFault(opened.value, context);
  if (plain === null) return ok({ ...who, ...said.value, provedCounter });
  // Between its telegrams a meter sends its number alone, in plain: nothing of it is believed, and nothing is wrong.
  const { records } = said.value;
  const fault = withHeard(plain, { ...who, records }, context);
  const isNothing = transport.content === "nothing" || rest.from === rest.end;
  if (!isNothing || fault.heard !== undefined) return fail(fault);
  return ok({ ...who, ...said.value, state: null, provedCounter });
}

interface Who {
  readonly sender: MbusAddress;
  readonly address: MbusAddress;
  readonly state: MbusState | null;
}

/** The content without its cipher. A MAC is checked where its key is on file. */
function open(
  content: Content,
  { authentication, isOpened }: Layers,
  { address, state }: Who,
  context: WmbusContext,
  trace: FieldTrace[] | null,
): Result<Opened, DecodeFault> {
  const mode = securityMode(state?.configuration ?? 0);
  const { authKey, messageCounterSeen } = context;
  if (mode === 7 && state !== null) {
    return openMode7(content, { address, state, authentication }, context, trace);
  }
  const signed =
    authKey === undefined
      ? ok(false)
      : checkMac(content.bytes, authentication, authKey, messageCounterSeen);
  if (!signed.ok) return signed;
  const opened = openedBy(mode, content, { address, state }, context);
  if (!opened.ok) return opened;
  const cipheredTo = isOpened ? content.end : opened.value.cipheredTo;
  return ok({ ...opened.value, cipheredTo, isSigned: signed.value });
}

function openedBy(
  mode: number,
  content: Content,
  { address, state }: Pick<Who, "address" | "state">,
  context: WmbusContext,
): Result<Opened, DecodeFault> {
  if (state === null) return ok(inPlain(content));
  switch (mode) {
    case 2:
      return openMode2(content, state, context.key);
    case 5:
      return openMode5(content, address, state, context);
    case 15:
      return openMode15(content, address, state, context);
    default:
      return unreadModes.has(mode)
        ? fail({ kind: "unsupported", what: `security mode ${mode}` })
        : ok(inPlain(content));
  }
}

type Said = Omit<WmbusTelegram, "sender" | "address" | "state" | "provedCounter">;

function readContent(
  { content: kind }: Transport,
  content: Opened,
  { state }: Who,
  context: WmbusContext,
  trace: FieldTrace[] | null,
): Result<Said, DecodeFault> {
  const nothing = { records: [], moreFollows: false, learnt: null };
  switch (kind) {
    case "nothing":
      return ok(nothing);
    case "records":
      return readWhole(content, securityMode(state?.configuration ?? 0), context, trace);
    case "compact": {
      const compact = readCompact(content, context.formats ?? {}, trace);
      if (!compact.ok) return compact;
      const records = marked(content, context, compact.value.records);
      return ok({ ...compact.value, records, learnt: null });
    }
    case "format": {
      const learnt = readFormatFrame(content, trace);
      if (learnt !== null) return ok({ ...nothing, learnt });
      return fail({ kind: "unsupported", what: "format frame without its signature" });
    }
    case "alarm": {
      const { bytes, from, end } = content;
      if (end - from === 1) return ok({ ...nothing, records: [alarmRecord(bytes, from, trace)] });
      return fail({ kind: "wrongLength", field: "wmbus.alarm", atByte: from });
    }
    case "error":
      return fail({ kind: "unsupported", what: applicationErrorText(content) });
    default:
      return unreachable(kind);
  }
}

function readWhole(
  content: Opened,
  mode: number,
  context: WmbusContext,
  trace: FieldTrace[] | null,
): Result<Said, DecodeFault> {
  const { bytes, from, end } = content;
  const read = readRecords(bytes, from, end, trace);
  const records = believed(content, context, read);
  if (!records.ok) return records;
  const { moreFollows, fault } = read;
  // Behind a word that is no security mode there can also be a cipher of the maker's own.
  if (!knownModes.has(mode) && !makeSense(read.records)) {
    return fail({ kind: "unsupported", what: `security mode ${mode}` });
  }
  if (fault === null) {
    const learnt = learnFormat(bytes, read.records);
    return ok({ records: records.value, moreFollows, learnt });
  }
  if (read.records.length === 0 || !knownModes.has(mode)) return fail(fault);
  const rest = unreadableRest(content, read.records, trace);
  return ok({ records: [...records.value, rest], moreFollows: false, learnt: null });
}

/**
 * Some receivers leave the last checksum behind the records. It must not cost the records before it; it is
 * kept as what it is, so that nobody takes the telegram for complete.
 */
function unreadableRest(
  { bytes, end }: Content,
  records: readonly MbusRecord[],
  trace: FieldTrace[] | null,
): MbusRecord {
  const from = records.at(-1)?.to ?? end;
  const hex = Buffer.from(bytes.subarray(from, end)).toString("hex").toUpperCase();
  trace?.push({ name: restQuantity, from, to: end, value: hex, unit: null });
  return {
    from,
    dataAt: from,
    to: end,
    function: "instantaneous",
    storage: 0,
    tariff: 0,
    subunit: 0,
    quantity: restQuantity,
    unit: null,
    modifiers: [],
    value: { kind: "bytes", hex },
  };
}

const restQuantity = "unreadable rest";
