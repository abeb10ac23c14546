/** One radio telegram: frame, layers, header and records, as the meter said them. One walk for all makers. */
import { fail, ok, type Result } from "#domain/result.ts";
import { code } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import {
  longHeader,
  shortHeader,
  type MbusAddress,
  type MbusState,
} from "#protocols/mbus/header.ts";
import { hexByte } from "#protocols/mbus/modifiers.ts";
import {
  openMode15,
  openMode5,
  securityMode,
  type Content,
  type MbusTelegram,
} from "#protocols/mbus/telegram.ts";
import { readRecords, type MbusRecord } from "#protocols/mbus/records.ts";
import { learnFormat, readCompact, type CompactFormats, type LearntFormat } from "./compact.ts";
import {
  isExtendedLink,
  readAuthentication,
  readExtendedLink,
  type Authentication,
} from "./layers.ts";
import { crc16 } from "./checksum.ts";
import { decodeFrame, linkHead, putBack } from "./link.ts";
import { macFault, openMode2, openMode7, type WmbusKeys } from "./modes.ts";

/** What one radio telegram says. */
export interface WmbusTelegram extends MbusTelegram {
  /** Who sent the frame: the meter, or the radio module it speaks through. */
  readonly sender: MbusAddress;
  /** What to keep, so that the meter's compact frames can be read. */
  readonly learnt: LearntFormat | null;
}

/** What is on file of a meter. */
export interface WmbusContext extends WmbusKeys {
  /** Formats learnt from full frames of this model. */
  readonly formats?: CompactFormats | undefined;
  /**
   * What the receiver does with block checksums. Unsaid, both are taken, and bytes that one bit would make a
   * frame of kind B are refused; "required" refuses all without, "absent" knows that there are none.
   */
  readonly checksums?: "required" | "absent" | undefined;
}

type Read = Result<WmbusTelegram, DecodeFault>;

const authenticationLayer = 0x90;
/** Bit 6 of C is set in what meters send of their own accord and in what gateways ask; these are the askers. */
const gatewayControls: ReadonlySet<number> = new Set([0x40, 0x53, 0x73, 0x5a, 0x7a, 0x5b, 0x7b]);

/** What a CI of the transport layer announces: the header, and what follows it. */
interface Transport {
  readonly header: "none" | "short" | "long";
  readonly content: "records" | "compact" | "nothing";
}

const transports: Readonly<Record<number, Transport>> = {
  0x72: { header: "long", content: "records" },
  0x7a: { header: "short", content: "records" },
  0x78: { header: "none", content: "records" },
  0x73: { header: "long", content: "compact" },
  0x7b: { header: "short", content: "compact" },
  0x79: { header: "none", content: "compact" },
  0x80: { header: "long", content: "nothing" },
  0x8a: { header: "short", content: "nothing" },
  0x8b: { header: "long", content: "nothing" },
};

/** Modes with ciphered data that are not read. Other numbers are words of radios older than modes. */
const unreadModes: ReadonlySet<number> = new Set([3, 4, 8, 9, 10, 13]);
/** Modes behind which records may be expected; else a telegram is records to its end, or none. */
const knownModes: ReadonlySet<number> = new Set([0, 2, 5, 7, 15]);

const ciField = layout("wmbus.ci", {
  controlInformation: code({
    0x72: "records after a long header",
    0x73: "compact frame after a long header",
    0x78: "records",
    0x79: "compact frame",
    0x7a: "records after a short header",
    0x7b: "compact frame after a short header",
    0x80: "long header alone",
    0x8a: "short header alone",
    0x8b: "long header alone",
    0x8c: "extended link layer",
    0x8d: "extended link layer, ciphered",
    0x8e: "extended link layer with receiver",
    0x8f: "extended link layer with receiver, ciphered",
    0x90: "authentication",
  }),
});

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

function readFrame(bytes: Uint8Array, context: WmbusContext, trace: FieldTrace[] | null): Read {
  const head = linkHead.decode(bytes, 0, trace);
  if (!head.ok) return head;
  const { control, countedBytes: _countedBytes, ...sender } = head.value;
  if (gatewayControls.has(control)) {
    return fail({ kind: "unsupported", what: `request of a gateway, C ${hexByte(control)}` });
  }
  return readLayers({ bytes, at: linkHead.sizeBytes }, sender, context, trace);
}

function readLayers(
  start: { readonly bytes: Uint8Array; readonly at: number },
  sender: MbusAddress,
  context: WmbusContext,
  trace: FieldTrace[] | null,
): Read {
  let { bytes, at } = start;
  let authentication: Authentication | null = null;
  for (;;) {
    const read = ciField.decode(bytes, at, trace);
    if (!read.ok) return read;
    const ci = read.value.controlInformation;
    const next = { bytes, at: at + 1 };
    if (isExtendedLink(ci) && authentication === null) {
      const layer = readExtendedLink(ci, next, sender, context.key, trace);
      if (!layer.ok) return layer;
      ({ bytes, at } = layer.value);
    } else if (ci === authenticationLayer && authentication === null) {
      const layer = readAuthentication(next, trace);
      if (!layer.ok) return layer;
      authentication = layer.value;
      at = authentication.signedAt;
    } else {
      const transport = transports[ci];
      if (transport === undefined) return fail({ kind: "unsupported", what: `CI ${hexByte(ci)}` });
      const content = { bytes, from: at + 1, end: bytes.length };
      return readTransport(transport, content, { sender, authentication, context }, trace);
    }
  }
}

interface Surroundings {
  readonly sender: MbusAddress;
  readonly authentication: Authentication | null;
  readonly context: WmbusContext;
}

function readTransport(
  transport: Transport,
  content: Content,
  around: Surroundings,
  trace: FieldTrace[] | null,
): Read {
  const { from } = content;
  if (transport.header === "none") {
    return readContent(transport, content, around, { address: around.sender, state: null }, trace);
  }
  const header = transport.header === "long" ? readLong(content, trace) : readShort(content, trace);
  if (!header.ok) return header;
  const { state, sizeBytes } = header.value;
  const who = { address: header.value.address ?? around.sender, state };
  const opened = open({ ...content, from: from + sizeBytes }, around, who, trace);
  return opened.ok ? readContent(transport, opened.value, around, who, trace) : opened;
}

interface Header {
  readonly address: MbusAddress | null;
  readonly state: MbusState;
  readonly sizeBytes: number;
}

function readLong(
  { bytes, from }: Content,
  trace: FieldTrace[] | null,
): Result<Header, DecodeFault> {
  const read = longHeader.decode(bytes, from, trace);
  if (!read.ok) return read;
  const { accessNumber, status, configuration, ...address } = read.value;
  const state = { accessNumber, status, configuration };
  return ok({ address, state, sizeBytes: longHeader.sizeBytes });
}

function readShort(
  { bytes, from }: Content,
  trace: FieldTrace[] | null,
): Result<Header, DecodeFault> {
  const read = shortHeader.decode(bytes, from, trace);
  return read.ok
    ? ok({ address: null, state: read.value, sizeBytes: shortHeader.sizeBytes })
    : read;
}

interface Who {
  readonly address: MbusAddress;
  readonly state: MbusState | null;
}

/** The content without its cipher. A MAC is checked where its key is on file. */
function open(
  content: Content,
  { authentication, context }: Surroundings,
  { address, state }: { readonly address: MbusAddress; readonly state: MbusState },
  trace: FieldTrace[] | null,
): Result<Content, DecodeFault> {
  const mode = securityMode(state.configuration);
  const { authKey } = context;
  if (mode !== 7 && authentication !== null && authKey !== undefined) {
    const fault = macFault(content.bytes, authentication, authKey, context.messageCounterSeen);
    if (fault !== null) return fail(fault);
  }
  switch (mode) {
    case 2:
      return openMode2(content, state, context.key);
    case 5:
      return reopened(content, openMode5(content, address, state, context));
    case 7:
      return openMode7(content, { address, state, authentication }, context, trace);
    case 15:
      return reopened(content, openMode15(content, address, state, context));
    default:
      return unreadModes.has(mode)
        ? fail({ kind: "unsupported", what: `security mode ${mode}` })
        : ok(content);
  }
}

function reopened(
  content: Content,
  opened: Result<Uint8Array, DecodeFault>,
): Result<Content, DecodeFault> {
  return opened.ok ? ok({ ...content, bytes: opened.value }) : opened;
}

function readContent(
  { content: kind }: Transport,
  content: Content,
  { sender, context }: Surroundings,
  { address, state }: Who,
  trace: FieldTrace[] | null,
): Read {
  const common = { sender, address, state };
  if (kind === "nothing") return ok({ ...common, records: [], moreFollows: false, learnt: null });
  if (kind === "compact") {
    const compact = readCompact(content, context.formats ?? {}, trace);
    return compact.ok ? ok({ ...common, ...compact.value, learnt: null }) : compact;
  }
  const { bytes, from, end } = content;
  const { records, moreFollows, fault } = readRecords(bytes, from, end, trace);
  if (fault === null) {
    return ok({ ...common, records, moreFollows, learnt: learnFormat(bytes, records) });
  }
  const mode = securityMode(state?.configuration ?? 0);
  if (records.length === 0 || !knownModes.has(mode)) return fail(fault);
  const rest = unreadableRest(content, records, trace);
  return ok({ ...common, records: [...records, rest], moreFollows: false, learnt: null });
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
