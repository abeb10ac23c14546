/** A command as the bytes that its meter understands. */
import type { Command, CommandAction } from "#domain/command.ts";
import type { MeterFunction } from "#domain/profile.ts";
import { fail, type Result } from "#domain/result.ts";
import type { EncodeFault } from "#protocols/contract.ts";
import type { Draft } from "./draft.ts";

const addressPattern = /^\d{14}$/;

/** What a model must be able to do for each order; its profile says what it can. */
const functionFor: Readonly<Record<CommandAction, MeterFunction>> = {
  close: "valve",
  permit_opening: "valve",
  set_clock: "clock",
  read_history: "history",
  change_parameters: "parameters",
};

/** The registry's frame address wins, then the one that the meter's own frames carry, then a numeric id. */
export function encodeCommand(
  { protocol, meter, context, file }: Pick<Draft, "protocol" | "meter" | "context" | "file">,
  command: Command,
): Result<Uint8Array, EncodeFault> {
  const { functions } = file;
  const needed = functionFor[command.action];
  if (functions !== undefined && !functions.includes(needed)) {
    return fail({ kind: "unsupported", what: `${needed}: this model has none` });
  }
  const fromId = addressPattern.test(meter.id) ? meter.id : null;
  const order = {
    commandId: command.id,
    action: command.action,
    sequence: command.sequence,
    // A clock is set to the moment in which the order leaves, not to the one in which it was wanted.
    issuedAtMs: (command.action === "set_clock" ? command.sentAtMs : null) ?? command.requestedAtMs,
    expiresAtMs: command.expiresAtMs,
    parameters: command.parameters,
    frameAddress: meter.frameAddress ?? context.frameAddress ?? fromId,
  };
  return protocol.encodeCommand(order, file);
}
