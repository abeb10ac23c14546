/** Judges DLMS rows: pushes, APDUs, frames and bare values of three collections. */
import type { CipherOptions } from "#protocols/codec/security.ts";
import { dlmsProtocol } from "#protocols/dlms/protocol.ts";
import { bytesOfHex } from "../unit/protocols/cards.ts";
import { toldOf, type Told } from "./dlmsFacts.ts";
import { cipherOf, underAnotherKey } from "./keys.ts";
import { knownReason } from "./known.ts";
import type { Row } from "./rows.ts";
import {
  difference,
  isSame,
  judgement,
  leavesOf,
  notApplicable,
  refusal,
  refusedWrongly,
  type Apart,
  type Difference,
  type Judgement,
} from "./verdict.ts";

/** Words of one library about itself. */
const wordsOfTheirs: ReadonlySet<string> = new Set(["dlms.payloadType"]);

export function judgeDlms(row: Row): Judgement {
  if (!row.protocol.startsWith("dlms")) return notApplicable(`protocol ${row.protocol}`);
  const bytes = bytesOfHex(row.hex);
  const { options, apart: switches } = cipherOf(row, (keys) => dlmsProtocol.decode(bytes, keys));
  const decoded = dlmsProtocol.decode(bytes, options);
  const told = toldOf(bytes, row.protocol, options);
  if (row.kind === "error" || row.kind === "unsupported") {
    return refusal(decoded.ok || told !== undefined ? null : decoded.fault);
  }
  if (told === undefined) return refusedWrongly(decoded.ok ? null : decoded.fault);
  const differences: Difference[] = [];
  const apart: Apart[] = [...switches];
  const { cosem, ...rest } = row.expected as { readonly cosem?: Record<string, string[]> };
  const leaves = leavesOf(rest).filter(([way]) => !wordsOfTheirs.has(way));
  const byWay = new Map(leavesOf(told));
  for (const [way, wanted] of leaves) {
    const ours = byWay.get(way);
    if (isSame(ours, wanted)) continue;
    const reason = knownReason(row.id, way) ?? publisherIsWrong(way, ours, wanted);
    if (reason === undefined) differences.push(difference(way, wanted, ours));
    else apart.push({ where: way, reason });
  }
  if (cosem !== undefined && !hasTexts(told, cosem)) {
    differences.push(difference("cosem", textsOf(cosem), told["objectTexts"]));
  }
  // Associations, services and link frames are no telegrams.
  const isPush = row.protocol === "dlms-push" || "body" in row.expected;
  if (decoded.ok !== isPush) differences.push(difference("telegram", isPush, decoded.ok));
  const equalValues = leaves.length + switches.length - differences.length - apart.length;
  const keyed = underAnotherKey(options, (other: CipherOptions) => opened(bytes, other));
  return judgement({ isDecoded: true, equalValues, differences, apart, keyed });
}

/** A ciphered service is opened too, and then is no telegram. */
function opened(bytes: Uint8Array, options: CipherOptions): ReturnType<typeof dlmsProtocol.decode> {
  const decoded = dlmsProtocol.decode(bytes, options);
  const isOther = !decoded.ok && decoded.fault.kind === "unsupported";
  return isOther ? { ok: true, value: nothingSaid } : decoded;
}

const nothingSaid = { address: null, frameId: null, readings: [], replies: [] };

/**
 * One collection reads the invoke id without its last byte, and knows a maker by the shape of its list
 * where no word in it says so.
 */
function publisherIsWrong(way: string, ours: unknown, wanted: unknown): string | undefined {
  if (way === "apdu.longInvokeIdAndPriority" && Number(ours) / 256 === wanted) {
    return "the publisher reads the invoke id without its last byte";
  }
  if (way === "decoded.meter_manufacturer" && ours === undefined) {
    return "the publisher guesses the maker by the shape of the list";
  }
  return undefined;
}

function textsOf(cosem: Readonly<Record<string, string[]>>): readonly string[] {
  return Object.values(cosem).flat().toSorted();
}

function hasTexts(told: Told, cosem: Readonly<Record<string, string[]>>): boolean {
  return JSON.stringify(told["objectTexts"]) === JSON.stringify(textsOf(cosem));
}
