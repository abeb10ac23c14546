/** The downlink of mercaptan.proto: the order to a meter, and how a meter reads it. */
import type { CommandAction } from "#domain/command.ts";
import { commandId } from "#domain/ids.ts";
import { fail, type Result } from "#domain/result.ts";
import {
  commandIdCharsMax,
  intervalOf,
  uploadVersion,
  withInterval,
} from "#protocols/codec/upload.ts";
import type { CommandOrder, DecodeFault } from "#protocols/contract.ts";
import { exactly, instant, needed, oneWord, text, uint } from "#protocols/codec/protobufFields.ts";
import { message } from "#protocols/codec/protobufMessage.ts";
import { bytesOf, walkWhole } from "#protocols/codec/protobufWalk.ts";

/** enum Action; 0 is none. There is no number that opens, and 2 will never be one. */
export const actionNumbers = {
  close: 1,
  permit_opening: 3,
  set_clock: 4,
  read_history: 5,
  change_parameters: 6,
} as const satisfies Record<CommandAction, number>;

/** message Downlink. */
export const downlinkTable = {
  version: needed(exactly(1, uploadVersion)),
  commandId: needed(text(2, commandIdCharsMax)),
  action: needed(oneWord(3, actionNumbers)),
  issuedAtMs: needed(instant(4)),
  expiresAtMs: needed(instant(5)),
  reportEverySeconds: uint(6),
};

const downlink = message(downlinkTable);

/** What a meter learns from a downlink. */
export type ProtobufCommand = Omit<CommandOrder, "sequence" | "frameAddress">;

/** The downlink of an order, as bytes. */
export function encodeProtobufCommand(order: ProtobufCommand): Uint8Array {
  const reportEverySeconds = intervalOf(order);
  const record = { ...order, version: uploadVersion, reportEverySeconds };
  return bytesOf((writer) => downlink.write(writer, record));
}

/** A downlink as the meter reads it; for simulated meters. */
export function decodeProtobufCommand(bytes: Uint8Array): Result<ProtobufCommand, DecodeFault> {
  const read = walkWhole(bytes, null, downlink.read);
  if (!read.ok) return read;
  const { commandId: id, action, issuedAtMs, expiresAtMs } = read.value;
  // A time that is none must not make a command that never expires.
  if (issuedAtMs === null) return noTime("issuedAtMs");
  if (expiresAtMs === null) return noTime("expiresAtMs");
  const order = { commandId: commandId(id), action, issuedAtMs, expiresAtMs };
  return withInterval(order, read.value.reportEverySeconds);
}

function noTime(path: string) {
  return fail<DecodeFault>({ kind: "schema", path, problem: "no such time" });
}
