/** A command as the bytes that its meter understands. */
import type { Command } from "#domain/command.ts";
import { fail, type Result } from "#domain/result.ts";
import type { EncodeFault } from "#protocols/contract.ts";
import type { Draft } from "./draft.ts";

const addressPattern = /^\d{14}$/;

/** The registry's frame address wins, then the one that the meter's own frames carry, then a numeric id. */
export function encodeCommand(
  { protocol, meter, context, file }: Pick<Draft, "protocol" | "meter" | "context" | "file">,
  command: Command,
): Result<Uint8Array, EncodeFault> {
  const { functions } = file;
  if (functions !== undefined && !functions.includes("valve")) {
    return fail({ kind: "unsupported", what: "a valve: this model has none" });
  }
  const fromId = addressPattern.test(meter.id) ? meter.id : null;
  const order = {
    commandId: command.id,
    action: command.action,
    sequence: command.sequence,
    // A clock is set to the moment in which the order leaves, not to the one in which it was wanted.
    issuedAtMs: (command.action === "set_clock" ? command.sentAtMs : null) ?? command.requestedAtMs,
    expiresAtMs: command.expiresAtMs,
    frameAddress: meter.frameAddress ?? context.frameAddress ?? fromId,
  };
  return protocol.encodeCommand(order, file);
}
