/** The radio frame: how it was cut into blocks, whether it arrived whole, and who sent it. EN 13757-4. */
import { fail, ok, type Result } from "#domain/result.ts";
import { code, u8 } from "#protocols/codec/field.ts";
import { layout } from "#protocols/codec/layout.ts";
import type { DecodeFault, FieldTrace } from "#protocols/contract.ts";
import { secondaryAddress } from "#protocols/mbus/header.ts";
import { crc16 } from "./checksum.ts";
import { withOneBitRight } from "./repair.ts";

/** L, then the fields up to the first CI. */
export const linkHead = layout("wmbus.link", {
  countedBytes: u8,
  control: code({
    0x08: "answer with user data (RSP-UD)",
    0x18: "answer with user data (RSP-UD)",
    0x28: "answer with user data (RSP-UD)",
    0x38: "answer with user data (RSP-UD)",
    0x44: "report (SND-NR)",
    0x46: "installation (SND-IR)",
    0x47: "access number (ACC-NR)",
    0x48: "access demand (ACC-DMD)",
  }),
  manufacturer: secondaryAddress.manufacturer,
  identification: secondaryAddress.identification,
  version: secondaryAddress.version,
  medium: secondaryAddress.medium,
});

/** How a frame is cut into blocks; receivers often leave the checksums away. */
export type Framing = "no checksums" | "A" | "B";

/** A frame without its checksums. */
export interface RadioFrame {
  readonly framing: Framing;
  /** L and all it counts, checksums taken out. */
  readonly bytes: Uint8Array;
  /** Where a byte stood before the checksums were taken out. */
  readonly placeOf: (at: number) => number;
  readonly checksums: readonly number[];
  /** Only without checksums: the frame of kind B that one other bit would make of these bytes. */
  readonly maybeB: RadioFrame | null;
  /** Bytes of mode C before the frame. */
  readonly syncBytes?: number;
}

interface Block {
  readonly from: number;
  /** Where its checksum stands. */
  readonly to: number;
}

const checksumBytes = 2;
/** Signal strength and the like, which receivers put behind a frame. */
const receiverBytesMax = 3;
const firstBlockA = 10;
const nextBlocksA = 16;
const firstBlockB = 126;
const nextBlockB = 126;

/** Mode C: the word before the frame, which some receivers hand on, says its kind. */
const syncStart = 0x54;
const syncKinds: Readonly<Record<number, "A" | "B">> = { 0xcd: "A", 0x3d: "B" };
const syncBytes = 2;

/** The frame that these bytes are, no more and no less. L decides how they can be cut. */
export function decodeFrame(bytes: Uint8Array): Result<RadioFrame, DecodeFault> {
  const kind = bytes[0] === syncStart ? syncKinds[bytes[1] ?? 0] : undefined;
  return (kind === undefined ? undefined : afterSync(bytes, kind)) ?? bareFrame(bytes);
}

/** The frame behind a word of mode C; undefined: what follows has another length, so this was no such word. */
function afterSync(
  bytes: Uint8Array,
  kind: "A" | "B",
): Result<RadioFrame, DecodeFault> | undefined {
  const rest = bytes.subarray(syncBytes);
  const counted = rest[0] ?? 0;
  if (counted < linkHead.sizeBytes) return undefined;
  const isB = kind === "B";
  const [first, next] = isB ? [firstBlockB, nextBlockB] : [firstBlockA, nextBlocksA];
  const blocks = blocksOf(counted + 1, first, next, isB);
  if ((blocks.at(-1)?.to ?? 0) + checksumBytes !== rest.length) return undefined;
  const frame = checked(rest, blocks, kind);
  if (!frame.ok) return frame;
  const { placeOf, checksums } = frame.value;
  return ok({
    ...frame.value,
    syncBytes,
    placeOf: (at) => placeOf(at) + syncBytes,
    checksums: checksums.map((at) => at + syncBytes),
  });
}

function bareFrame(bytes: Uint8Array): Result<RadioFrame, DecodeFault> {
  const counted = bytes[0];
  if (counted === undefined || counted < linkHead.sizeBytes) {
    if (bytes.length > linkHead.sizeBytes) {
      return fail({ kind: "wrongLength", field: "wmbus.link.countedBytes", atByte: 0 });
    }
    const neededBytes = linkHead.sizeBytes + 1;
    return fail({ kind: "truncated", neededBytes, availableBytes: bytes.length });
  }
  const blocksA = blocksOf(counted + 1, firstBlockA, nextBlocksA, false);
  const lengthA = (blocksA.at(-1)?.to ?? 0) + checksumBytes;
  if (bytes.length === lengthA) return checked(bytes, blocksA, "A");
  const own = bytes.subarray(0, counted + 1);
  if (own.length < counted + 1) {
    return fail({ kind: "truncated", neededBytes: counted + 1, availableBytes: bytes.length });
  }
  if (bytes.length > lengthA && bytes.length <= lengthA + receiverBytesMax) {
    return checked(bytes.subarray(0, lengthA), blocksA, "A");
  }
  const isB = bytes.length <= own.length + receiverBytesMax;
  const framed = isB ? frameB(own) : null;
  if (framed?.ok === true) return framed;
  // A frame of kind A whose end was lost can look like one without checksums.
  if (!isB || checksumFits(bytes, 0, firstBlockA)) {
    return fail({ kind: "wrongLength", field: "wmbus.link.countedBytes", atByte: 0 });
  }
  const maybeB = oneBitFromB(own) ?? wrongLengthB(bytes, own.length);
  return ok({ framing: "no checksums", bytes: own, placeOf: (at) => at, checksums: [], maybeB });
}

function blocksOfB(length: number): readonly Block[] {
  return blocksOf(length, firstBlockB, nextBlockB, true);
}

function frameB(bytes: Uint8Array): Result<RadioFrame, DecodeFault> {
  return checked(bytes, blocksOfB(bytes.length), "B");
}

/** Bytes behind a frame can also be its own end, cut off by a wrong L. */
function wrongLengthB(bytes: Uint8Array, ownBytes: number): RadioFrame | null {
  if (bytes.length === ownBytes) return null;
  const frame = frameB(Uint8Array.of(bytes.length - 1, ...bytes.subarray(1)));
  return frame.ok ? frame.value : null;
}

function checksumFits(bytes: Uint8Array, from: number, to: number): boolean {
  return crc16(bytes, from, to) === (bytes[to] ?? 0) * 256 + (bytes[to + 1] ?? 0);
}

/** A frame of kind A around what stands behind L; L and the checksums are added. */
export function encodeFrameA(body: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from([body.length, ...body]);
  const blocks = blocksOf(bytes.length, firstBlockA, nextBlocksA, false);
  const parts = blocks.map(({ from, to }, place) => {
    // Blocks lie as in the frame, where each checksum before has taken its two bytes.
    const shift = checksumBytes * place;
    const data = bytes.subarray(from - shift, to - shift);
    const sum = crc16(data, 0, data.length);
    return Uint8Array.of(...data, sum >> 8, sum & 0xff);
  });
  return Uint8Array.from(Buffer.concat(parts));
}

/** Where blocks lie. `isCounted`: the given length is that with all checksums. */
function blocksOf(
  length: number,
  first: number,
  next: number,
  isCounted: boolean,
): readonly Block[] {
  const blocks: Block[] = [];
  let left = length;
  for (let from = 0, size = first; left > 0; size = next) {
    const dataLeft = isCounted ? left - checksumBytes : left;
    const data = Math.max(0, Math.min(size, dataLeft));
    blocks.push({ from, to: from + data });
    from += data + checksumBytes;
    left -= isCounted ? data + checksumBytes : data;
  }
  return blocks;
}

function checked(
  bytes: Uint8Array,
  blocks: readonly Block[],
  framing: "A" | "B",
): Result<RadioFrame, DecodeFault> {
  const places: number[] = [];
  for (const { from, to } of blocks) {
    const actual = (bytes[to] ?? 0) * 256 + (bytes[to + 1] ?? 0);
    const expected = crc16(bytes, from, to);
    if (actual !== expected) return fail({ kind: "checksumMismatch", expected, actual });
    for (let at = from; at < to; at += 1) places.push(at);
  }
  const plain = Uint8Array.from(places, (place) => bytes[place] ?? 0);
  const end = bytes.length;
  const placeOf = (at: number) => places[at] ?? end;
  return ok({
    framing,
    bytes: plain,
    placeOf,
    checksums: blocks.map(({ to }) => to),
    maybeB: null,
  });
}

/** A frame that ends with fillers ends with records, not with a checksum. */
const filler = 0x2f;

function oneBitFromB(bytes: Uint8Array): RadioFrame | null {
  const blocks = blocksOfB(bytes.length);
  if (bytes.at(-1) === filler && bytes.at(-2) === filler) return null;
  const broken = blocks.find(({ from, to }) => !checksumFits(bytes, from, to));
  if (broken === undefined) return null;
  const { from, to } = broken;
  const right = withOneBitRight(bytes.subarray(from, to + checksumBytes));
  // A wrong bit in L would have shown in the length.
  if (right === undefined || (from === 0 && right[0] !== bytes[0])) return null;
  const repaired = new Uint8Array(bytes);
  repaired.set(right, from);
  const frame = checked(repaired, blocks, "B");
  return frame.ok ? frame.value : null;
}

/** Fields of a frame without checksums, put back to where they stood, with the checksums between them. */
export function putBack(fields: readonly FieldTrace[], frame: RadioFrame): readonly FieldTrace[] {
  const placed = fields.map((field) => ({
    ...field,
    from: frame.placeOf(field.from),
    to: frame.placeOf(field.to - 1) + 1,
  }));
  const sums = frame.checksums.map((from) => {
    const to = from + checksumBytes;
    return { name: "block checksum", from, to, value: "right", unit: null };
  });
  const { syncBytes: to = 0 } = frame;
  const sync = to === 0 ? [] : [{ name: "mode C", from: 0, to, value: frame.framing, unit: null }];
  return [...sync, ...placed, ...sums].sort((one, other) => one.from - other.from);
}
