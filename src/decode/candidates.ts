/**
 * Every decoder there is, with how its frames are recognised: the one place to add another. The order is that
 * in which a frame that fits two is taken: the firmer the check of a protocol, the earlier it stands.
 */
import type { MeterFile } from "#domain/meterFile.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { Telegram } from "#domain/telegram.ts";
import { startOf as cat1Start } from "#protocols/cat1/frame.ts";
import { startOf as cjt188Start } from "#protocols/cjt188/frame.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { guessEncoding } from "#protocols/lwm2m/decode.ts";
import { lwm2mOver } from "#protocols/lwm2m/protocol.ts";
import { protocolByName as protocols } from "#protocols/registry.ts";
import { decodePayload } from "#protocols/sparkplug/payload.ts";
import { splitTopic } from "#protocols/sparkplug/uplink.ts";
import { decodeFrame as decodeRadioFrame } from "#protocols/wmbus/link.ts";

/** What is on file of the meter, and where its bytes were read from. */
export interface FrameFile extends MeterFile {
  /** LwM2M: the path of the request or report, without which TLV has no names. */
  readonly path?: string | undefined;
}

/** What a decoder could read of a frame, and what ended it. */
export interface Explained {
  readonly fields: readonly FieldTrace[];
  readonly fault: DecodeFault | null;
}

/** A decoder as a person uses it. */
export interface FrameDecoder {
  decode(bytes: Uint8Array, file: FrameFile): Result<Telegram, DecodeFault>;
  explain(bytes: Uint8Array, file: FrameFile): Explained;
  mayBeUrgent(bytes: Uint8Array, file: FrameFile): boolean;
}

/** A protocol and the marks by which its frames are known before they are decoded. */
export interface Candidate {
  readonly title: string;
  readonly decoder: FrameDecoder;
  readonly looksLike: (bytes: Uint8Array, file: FrameFile) => boolean;
}

const hasAt = (bytes: Uint8Array, ...wanted: readonly number[]): boolean =>
  wanted.every((byte, place) => bytes[place] === byte);

/** The first bytes as text, for the encodings that are text. */
function beginningOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 256)).toString("latin1").trimStart();
}

/** Associations, services and their ciphered kinds; 0F is a push, DB to DD carry any of them ciphered. */
function isApduTag(tag: number): boolean {
  const isAssociation = tag >= 0x60 && tag <= 0x63;
  return tag === pushTag || isAssociation || (tag >= 0xc0 && tag <= 0xd7) || isGeneral(tag);
}

const pushTag = 0x0f;
const isGeneral = (tag: number): boolean => tag >= 0xdb && tag <= 0xdd;

/** In HDLC or the wrapper; bare only where more than one byte says so. */
function looksLikeDlms(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  const isHdlc = first === 0x7e && (second & 0xf0) === 0xa0;
  const isWrapped = hasAt(bytes, 0x00, 0x01) && isApduTag(bytes[8] ?? 0);
  // Behind the invoke id stands the length of a date-time: none, or twelve bytes.
  const isPush = first === pushTag && [0x00, 0x09, 0x0c].includes(bytes[5] ?? -1);
  const isCiphered = first >= 0xc8 && first <= 0xd7 && second === bytes.length - 2;
  return isHdlc || isWrapped || isPush || isCiphered || (isGeneral(first) && second === 0x08);
}

const cjt188Controls = new Set([0x01, 0x03, 0x04, 0x09, 0x15, 0x16, 0x24, 0x2a]);

/** Its length fits, or at least the kind of meter and the control code are some of the standard's. */
function looksLikeCjt188(bytes: Uint8Array): boolean {
  const at = cjt188Start(bytes);
  const isMbus = bytes[at + 3] === 0x68 && bytes[at + 1] === bytes[at + 2];
  // A second 68 in the place of A5 is that of DL/T 645 and of diaphragm meters.
  const isOther = isMbus || bytes[at + 7] === 0x68 || looksLikeCat1(bytes);
  if (bytes[at] !== 0x68 || isOther) return false;
  const [meterType = 0, control] = [bytes[at + 1], bytes[at + 9]];
  const isType = meterType === 0xaa || (meterType >= 0x10 && meterType <= 0x49);
  const isControl = control === undefined || cjt188Controls.has(control & 0x3f);
  return bytes.length === at + (bytes[at + 10] ?? 0) + 13 || (isType && isControl);
}

function looksLikeCat1(bytes: Uint8Array): boolean {
  const at = cat1Start(bytes);
  const control = bytes[at + 10] ?? 0;
  const isControl = [0x97, 0x17, 0x81, 0x01, 0x84, 0x04].includes(control);
  const isLength = bytes.length === at + (bytes[at + 15] ?? 0) + 18;
  return at > 0 || (bytes[0] === 0x68 && isControl && isLength);
}

function looksLikeMbus(bytes: Uint8Array): boolean {
  const isLong = bytes[0] === 0x68 && bytes[3] === 0x68 && bytes[1] === bytes[2];
  const isShort = bytes.length === 5 && bytes[0] === 0x10 && bytes[4] === 0x16;
  return isLong || isShort || (bytes.length === 1 && bytes[0] === 0xe5);
}

/** L counts the bytes, and C is one that meters and gateways use. */
function looksLikeRadio(bytes: Uint8Array): boolean {
  const control = bytes[1] ?? 0;
  const isControl = [0x08, 0x18, 0x28, 0x38, 0x44, 0x46, 0x47, 0x48, 0x53].includes(control);
  const frame = decodeRadioFrame(bytes);
  return isControl && (frame.ok || frame.fault.kind === "checksumMismatch");
}

/** Lists of maps in CBOR begin so; TLV begins with anything, so only a path makes it likely. */
function looksLikeLwm2m(bytes: Uint8Array, { path }: FrameFile): boolean {
  const text = beginningOf(bytes);
  const isText = text.startsWith("[") || /^\{\s*"(?:bn|bt|e|ver)"/.test(text);
  return isText || path !== undefined || guessEncoding(bytes) === "senmlCbor";
}

/** A payload of Sparkplug says nothing of gas by itself: what its metrics mean is a table of the meter's model. */
const sparkplugDecoder: FrameDecoder = {
  decode(bytes, file) {
    const payload = decodePayload(splitTopic(bytes)?.payload ?? bytes);
    if (!payload.ok) return payload;
    if (file.metrics !== undefined) return protocols.sparkplug.decode(bytes, file);
    if (payload.value.metrics.length === 0) {
      return fail({ kind: "schema", path: "metrics", problem: "none" });
    }
    return ok({ address: null, frameId: null, readings: [], replies: [] });
  },
  explain(bytes, file) {
    const { fields } = protocols.sparkplug.explain(bytes);
    const decoded = sparkplugDecoder.decode(bytes, file);
    return { fields, fault: decoded.ok ? null : decoded.fault };
  },
  mayBeUrgent: () => false,
};

/** As the registry's, and with the path where it is known: TLV says its numbers only. */
const lwm2mDecoder: FrameDecoder = {
  decode: (bytes, file) => lwm2mWith(file).decode(bytes),
  explain: (bytes, file) => lwm2mWith(file).explain(bytes),
  mayBeUrgent: (bytes, file) => lwm2mWith(file).mayBeUrgent(bytes),
};

function lwm2mWith(file: FrameFile): ReturnType<typeof lwm2mOver> {
  const { path } = file;
  if (file.inner === undefined) return lwm2mOver({ path });
  const inner = protocols[file.inner];
  return lwm2mOver({
    path,
    inner: {
      hasWeakChecksum: inner.hasWeakChecksum,
      decode: (bytes) => inner.decode(bytes, file),
      encodeCommand: (order) => inner.encodeCommand(order, file),
    },
  });
}

/** The protocols by name, in the order in which they are tried. */
export const candidates = {
  json: {
    title: "JSON version 1",
    decoder: protocols.json,
    looksLike: (bytes) => /^\{(?!\s*"(?:bn|bt|e|ver)")/.test(beginningOf(bytes)),
  },
  mbus: { title: "M-Bus", decoder: protocols.mbus, looksLike: looksLikeMbus },
  cjt188: { title: "CJ/T 188", decoder: protocols.cjt188, looksLike: looksLikeCjt188 },
  cat1: { title: "CAT-1", decoder: protocols.cat1, looksLike: looksLikeCat1 },
  dlms: { title: "DLMS/COSEM", decoder: protocols.dlms, looksLike: looksLikeDlms },
  dsmr: {
    title: "DSMR P1",
    decoder: protocols.dsmr,
    // A ciphered telegram has the envelope of a DLMS push.
    looksLike: (bytes) => bytes[0] === 0xdb || /^\/[A-Za-z0-9]/.test(beginningOf(bytes)),
  },
  wmbus: { title: "wireless M-Bus", decoder: protocols.wmbus, looksLike: looksLikeRadio },
  lwm2m: { title: "LwM2M", decoder: lwm2mDecoder, looksLike: looksLikeLwm2m },
  protobuf: {
    title: "protobuf",
    decoder: protocols.protobuf,
    looksLike: (bytes) => hasAt(bytes, 0x08, 0x01),
  },
  sparkplug: {
    title: "Sparkplug B",
    decoder: sparkplugDecoder,
    // The time in milliseconds of this century takes six bytes; then come metrics or the sequence number.
    looksLike: (bytes) =>
      beginningOf(bytes).startsWith("spBv1.0/") ||
      (bytes[0] === 0x08 && [0x12, 0x18].includes(bytes[7] ?? 0)),
  },
} as const satisfies Readonly<Record<string, Candidate>>;

export type DecoderName = keyof typeof candidates;
export const decoderNames = Object.keys(candidates) as readonly DecoderName[];

/** A candidate by its name. */
export function candidateOf(name: DecoderName): Candidate {
  return candidates[name];
}
