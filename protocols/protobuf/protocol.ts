/** The protobuf schema (mercaptan.proto) as a protocol. */
import { fail, ok, type Result } from "#domain/result.ts";
import { statusToNames, urgentStatus } from "#domain/status.ts";
import type { Telegram } from "#domain/telegram.ts";
import { telegramOf, uploadOf } from "#protocols/codec/upload.ts";
import type { DecodeFault, FieldTrace, Protocol } from "#protocols/contract.ts";
import { encodeProtobufCommand } from "./command.ts";
import { statusNumbers, uplink, uplinkTable } from "./uplink.ts";
import { bytesOf, bytesType, walkWhole } from "./walk.ts";

/** The schema of mercaptan.proto: uploads of meters in, orders out. */
export const protobufProtocol: Protocol = {
  name: "protobuf",
  decode: (bytes) => read(bytes, null),
  explain(bytes) {
    const fields: FieldTrace[] = [];
    const telegram = read(bytes, fields);
    return { fields, fault: telegram.ok ? null : telegram.fault };
  },
  mayBeUrgent,
  encodeCommand: (order) => ok(encodeProtobufCommand(order)),
};

function read(bytes: Uint8Array, trace: FieldTrace[] | null): Result<Telegram, DecodeFault> {
  const upload = walkWhole(bytes, trace, uplink.read);
  if (!upload.ok) return upload;
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
const urgentNumbers = new Set(statusToNames(urgentStatus).map((name) => statusNumbers[name]));

/** Steps from tag to tag at the top level and looks only at status and reply. */
function mayBeUrgent(bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    const tag = varintAt(bytes, at);
    if (tag.value === replyTag) return true;
    const value = varintAt(bytes, tag.end);
    if (tag.value === statusTag && isUrgentNumber(bytes[tag.end])) return true;
    at = value.end;
    if ((tag.value & 7) === bytesType) at += value.value;
    else if ((tag.value & 7) === 1) at = tag.end + 8;
    else if ((tag.value & 7) === 5) at = tag.end + 4;
    if (tag.value === packedStatusTag && bytes.subarray(value.end, at).some(isUrgentNumber)) {
      return true;
    }
  }
  return false;
}

/** By its one byte; a longer number may be anything. */
function isUrgentNumber(byte = 0): boolean {
  return byte >= 0x80 || urgentNumbers.has(byte);
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
