/** A command as the bytes that its meter understands. */
import type { Command, CommandAction } from "#domain/command.ts";
import type { MeterFile } from "#domain/meterFile.ts";
import type { MeterFunction } from "#domain/profile.ts";
import { fail, type Result } from "#domain/result.ts";
import type { CommandFrame, Ledger } from "#ports/ledger.ts";
import type { CommandOrder, EncodeFault } from "#protocols/contract.ts";
import type { Draft } from "./draft.ts";
import { fingerprint } from "./fingerprint.ts";

const addressPattern = /^\d{14}$/;

/** What a model must be able to do for each order; its profile says what it can. */
const functionFor: Readonly<Record<CommandAction, MeterFunction>> = {
  close: "valve",
  permit_opening: "valve",
  set_clock: "clock",
  read_history: "history",
  change_parameters: "parameters",
};

type Addressed = Pick<Draft, "protocol" | "meter" | "context" | "file">;

/**
 * The order as its meter will get it: written when it is queued, kept in the ledger, and taken from there when it
 * leaves. It is written anew only when the address, the dialect or, for a clock, the instant has become another one.
 */
export function frameOf(
  ledger: Pick<Ledger, "commandFrame" | "putCommandFrame">,
  draft: Addressed & Pick<Draft, "nowMs">,
  command: Command,
): CommandFrame | null {
  const basis = basisOf(draft, command);
  const kept = ledger.commandFrame(command.id);
  if (kept?.basis === basis) return kept;
  const encoded = encodeCommand(draft, command);
  return encoded.ok ? ledger.putCommandFrame(command.id, encoded.value, basis, draft.nowMs) : null;
}

/** Keys, and what decoders have learned: no encoder uses them, and no key may leave a trace outside the vault. */
const withheld: readonly (keyof MeterFile)[] = [
  "key",
  "authKey",
  "receivedAtMs",
  "invocationCounterSeen",
  "messageCounterSeen",
  "formats",
  "levels",
];

/** A short name for everything else that an encoder is given. */
function basisOf(draft: Addressed, command: Command): string {
  const model = Object.entries(draft.file).filter(
    ([name]) => !withheld.includes(name as keyof MeterFile),
  );
  const given = [draft.protocol.name, orderFor(draft, command), model];
  return fingerprint(new TextEncoder().encode(JSON.stringify(given)));
}

/** The registry's frame address wins, then the one that the meter's own frames carry, then a numeric id. */
export function encodeCommand(
  addressed: Addressed,
  command: Command,
): Result<Uint8Array, EncodeFault> {
  const { protocol, file } = addressed;
  const { functions } = file;
  const needed = functionFor[command.action];
  if (functions !== undefined && !functions.includes(needed)) {
    return fail({ kind: "unsupported", what: `${needed}: this model has none` });
  }
  return protocol.encodeCommand(orderFor(addressed, command), file);
}

/** The order as its encoder takes it. */
function orderFor({ meter, context }: Addressed, command: Command): CommandOrder {
  const fromId = addressPattern.test(meter.id) ? meter.id : null;
  return {
    commandId: command.id,
    action: command.action,
    sequence: command.sequence,
    // A clock is set to the moment in which the order leaves, not to the one in which it was wanted.
    issuedAtMs: (command.action === "set_clock" ? command.sentAtMs : null) ?? command.requestedAtMs,
    expiresAtMs: command.expiresAtMs,
    parameters: command.parameters,
    frameAddress: meter.frameAddress ?? context.frameAddress ?? fromId,
  };
}
