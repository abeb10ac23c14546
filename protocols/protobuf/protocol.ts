/** The protobuf schema (mercaptan.proto) as a protocol. */
import { fail, ok, type Result } from "#domain/result.ts";
import { statusFromNames, statusNames, statusToNames, urgentStatus } from "#domain/status.ts";
import type { Telegram } from "#domain/telegram.ts";
import { noHours, saysHours, telegramOf, uploadOf } from "#protocols/codec/upload.ts";
import type { DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { encodeProtobufCommand } from "./command.ts";
import { statusNumbers, uplink, uplinkTable } from "./uplink.ts";
import { bytesOf, bytesType, walkWhole } from "#protocols/codec/protobufWalk.ts";

/** The schema of mercaptan.proto: uploads of meters in, orders out. */
export const protobufProtocol: Protocol = {
  name: "protobuf",
  hasWeakChecksum: false,
  decode: (bytes) => read(bytes, null),
  explain(bytes) {
    const fields: FieldTrace[] = [];
    const telegram = read(bytes, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  mayBeUrgent,
  encodeCommand: (order) => (saysHours(order) ? noHours : ok(encodeProtobufCommand(order))),
};

function read(bytes: Uint8Array, trace: FieldTrace[] | null): Result<Telegram, DecodeFault> {
  const upload = walkWhole(bytes, trace, uplink.read);
  if (!upload.ok) return fail(withHeard(upload.fault, bytes));
  const telegram = telegramOf(upload.value);
  return telegram === undefined ? saysNothing : ok(telegram);
}

const saysNothing = fail<DecodeFault>({
  kind: "schema",
  path: "",
  problem: "neither a reading nor a reply",
});

const statusTag = uplinkTable.status.id << 3;
const packedStatusTag = statusTag | bytesType;
const replyTag = (uplinkTable.reply.id << 3) | bytesType;
const wordOfNumber = new Map(statusNames.map((name) => [statusNumbers[name], name]));
const urgentNumbers = new Set(statusToNames(urgentStatus).map((name) => statusNumbers[name]));

interface Glance {
  /** First bytes of the numbers in the status lists; null: there is no such list. */
  readonly status: readonly number[] | null;
  readonly hasReply: boolean;
  /** The tags led exactly to the end. */
  readonly isWhole: boolean;
}

/** Steps from tag to tag at the top level and looks only at status and reply. */
function glanceAt(bytes: Uint8Array): Glance {
  const status: number[] = [];
  let hasStatus = false;
  let hasReply = false;
  let at = 0;
  while (at < bytes.length) {
    const tag = varintAt(bytes, at);
    const value = varintAt(bytes, tag.end);
    at = value.end;
    if ((tag.value & 7) === bytesType) at += value.value;
    else if ((tag.value & 7) === 1) at = tag.end + 8;
    else if ((tag.value & 7) === 5) at = tag.end + 4;
    hasReply ||= tag.value === replyTag;
    const isPacked = tag.value === packedStatusTag;
    if (!isPacked && tag.value !== statusTag) continue;
    hasStatus = true;
    for (const byte of bytes.subarray(isPacked ? value.end : tag.end, at)) status.push(byte);
  }
  return { status: hasStatus ? status : null, hasReply, isWhole: at === bytes.length };
}

function mayBeUrgent(bytes: Uint8Array): boolean {
  const { status, hasReply } = glanceAt(bytes);
  return hasReply || status?.some(isUrgentNumber) === true;
}

/** By its one byte; a longer number may be anything. */
function isUrgentNumber(byte: number): boolean {
  return byte >= 0x80 || urgentNumbers.has(byte);
}

/** The status of an upload of which another field is none. */
function withHeard(fault: DecodeFault, bytes: Uint8Array): DecodeFault {
  if (fault.kind === "tooLarge") return fault;
  const { status: numbers, isWhole } = glanceAt(bytes);
  if (numbers === null || !isWhole) return fault;
  const status = statusFromNames(numbers.flatMap((number) => wordOfNumber.get(number) ?? []));
  return { ...fault, heard: { address: null, status, valve: null } };
}

function varintAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  let end = at;
  for (let weight = 1; ; weight *= 128) {
    const byte = bytes[end] ?? 0;
    value += (byte & 0x7f) * weight;
    end += 1;
    if (byte < 0x80) return { value, end };
  }
}

/** An uplink as a meter sends it; for simulated meters. The first reading is the present one. */
export function encodeProtobufUplink(telegram: Telegram): Uint8Array {
  const upload = { ...uploadOf(telegram), meterId: undefined };
  return bytesOf((writer) => uplink.write(writer, upload));
}
