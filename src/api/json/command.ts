/** The valve ledger as JSON. The only order there is, is to close. */
import { commandActions, commandStates } from "#domain/command.ts";
import { publicCommand } from "#domain/publicJson.ts";
import type { CommandView } from "#ports/queries.ts";
import { z } from "zod";
import { apiLimits } from "../limits.ts";
import { instantJson, reasonSchema } from "./common.ts";

export const commandSchema = z.object({
  id: z.string(),
  meterId: z.string(),
  action: z.enum(commandActions),
  cause: z.object({ kind: z.enum(["alarm", "person"]), ref: z.string() }),
  reason: z.string(),
  state: z.enum(commandStates),
  /** Why it is refused, held, failed …; a stable word. */
  detail: z.string().nullable(),
  attempts: z.number(),
  requestedAt: instantJson,
  expiresAt: instantJson,
  sentAt: instantJson.nullable(),
  history: z.array(
    z.object({
      state: z.enum(commandStates),
      at: instantJson,
      by: z.string(),
      detail: z.string().nullable(),
    }),
  ),
});

export const closeSchema = z.strictObject({
  reason: reasonSchema,
  expiresInSeconds: z
    .int()
    .min(apiLimits.commandExpirySecondsMin)
    .max(apiLimits.commandExpirySecondsMax)
    .default(apiLimits.commandExpirySecondsDefault),
});

/** A command for a reader. */
export function commandJson(view: CommandView): z.infer<typeof commandSchema> {
  return publicCommand(view.command, view.meterId, view.history);
}
