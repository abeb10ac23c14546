/** JSON v1 downlinks: the order to a meter, and how a meter reads it. */
import { commandActions } from "#domain/command.ts";
import { commandId } from "#domain/ids.ts";
import { fail, type Result } from "#domain/result.ts";
import {
  commandIdCharsMax,
  intervalOf,
  uploadVersion,
  withInterval,
} from "#protocols/codec/upload.ts";
import type { CommandOrder, DecodeFault } from "#protocols/contract.ts";
import { exactly, instant, natural, oneWord, text } from "#protocols/codec/json/kinds.ts";
import { key, needed, objectOf } from "#protocols/codec/json/object.ts";
import { readWhole } from "#protocols/codec/json/read.ts";

/** There is no word that opens: the list of actions is the domain's. */
const downlink = objectOf({
  version: needed("v", exactly(uploadVersion)),
  commandId: needed("commandId", text(commandIdCharsMax)),
  action: needed("action", oneWord(commandActions)),
  issuedAtMs: needed("issuedAt", instant),
  expiresAtMs: needed("expiresAt", instant),
  reportEverySeconds: key("reportEverySeconds", natural),
});

/** What a meter learns from a downlink. */
export type JsonCommand = Omit<CommandOrder, "sequence" | "frameAddress">;

/** The downlink of an order, as bytes. */
export function encodeJsonCommand(order: JsonCommand): Uint8Array {
  const reportEverySeconds = intervalOf(order);
  const record = { ...order, version: uploadVersion, reportEverySeconds };
  return new TextEncoder().encode(downlink.write(record));
}

/** A downlink as the meter reads it; for simulated meters. */
export function decodeJsonCommand(bytes: Uint8Array): Result<JsonCommand, DecodeFault> {
  const read = readWhole(downlink, bytes, null);
  if (!read.ok) return read;
  const { commandId: id, action, issuedAtMs, expiresAtMs } = read.value;
  // A time that is none must not make a command that never expires.
  if (issuedAtMs === null) return noTime("issuedAt");
  if (expiresAtMs === null) return noTime("expiresAt");
  const order = { commandId: commandId(id), action, issuedAtMs, expiresAtMs };
  return withInterval(order, read.value.reportEverySeconds);
}

function noTime(path: string) {
  return fail<DecodeFault>({ kind: "schema", path, problem: "no such time" });
}
