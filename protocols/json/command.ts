/** JSON v1 downlinks: the order to a meter, and how a meter reads it. */
import { commandActions } from "#domain/command.ts";
import { commandId } from "#domain/ids.ts";
import { fail, ok, type Result } from "#domain/result.ts";
import type { CommandOrder, DecodeFault } from "../contract.ts";
import { instant, integer, oneWord, text } from "./kinds.ts";
import { objectOf } from "./object.ts";
import { readWhole } from "./read.ts";
import { commandIdCharsMax } from "./uplink.ts";

/** There is no word that opens: the list of actions is the domain's. */
const downlink = objectOf({
  v: integer(),
  commandId: text(commandIdCharsMax),
  action: oneWord(commandActions),
  issuedAt: instant,
  expiresAt: instant,
});

/** What a meter learns from a downlink. */
export type JsonCommand = Omit<CommandOrder, "sequence" | "frameAddress">;

/** The downlink of an order, as bytes. */
export function encodeJsonCommand(order: JsonCommand): Uint8Array {
  const record = {
    v: 1,
    commandId: order.commandId,
    action: order.action,
    issuedAt: order.issuedAtMs,
    expiresAt: order.expiresAtMs,
  };
  return new TextEncoder().encode(downlink.write(record));
}

/** A downlink as the meter reads it; for simulated meters. */
export function decodeJsonCommand(bytes: Uint8Array): Result<JsonCommand, DecodeFault> {
  const read = readWhole(downlink, bytes, null);
  if (!read.ok) return read;
  const { v, commandId: id, action, issuedAt, expiresAt } = read.value;
  if (v !== 1 || id === undefined || action === undefined) return incomplete;
  // A time that is none must not make a command that never expires.
  if (typeof issuedAt !== "number" || typeof expiresAt !== "number") return incomplete;
  return ok({ commandId: commandId(id), action, issuedAtMs: issuedAt, expiresAtMs: expiresAt });
}

const incomplete = fail<DecodeFault>({
  kind: "schema",
  path: "",
  problem: "not a complete command of version 1",
});
