/** A command as the bytes that its meter understands. */
import type { Command } from "#domain/command.ts";
import type { Meter } from "#domain/meter.ts";
import type { Result } from "#domain/result.ts";
import type { EncodeFault, Protocol } from "#protocols/contract.ts";
import type { MeterContext } from "./context.ts";

const addressPattern = /^\d{14}$/;

/** The registry's frame address wins, then the one that the meter's own frames carry, then a numeric id. */
export function encodeCommand(
  protocol: Protocol,
  meter: Meter,
  context: MeterContext,
  command: Command,
): Result<Uint8Array, EncodeFault> {
  const fromId = addressPattern.test(meter.id) ? meter.id : null;
  return protocol.encodeCommand({
    commandId: command.id,
    action: command.action,
    sequence: command.sequence,
    issuedAtMs: command.requestedAtMs,
    expiresAtMs: command.expiresAtMs,
    frameAddress: meter.frameAddress ?? context.frameAddress ?? fromId,
  });
}
