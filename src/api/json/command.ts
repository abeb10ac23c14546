/** The ledger of orders as JSON. No order opens a valve; one permits it to whoever stands there. */
import {
  actuationsRated,
  commandActions,
  commandStates,
  type CommandState,
} from "#domain/command.ts";
import { effectWindow, type EffectWindow } from "#domain/effectWindow.ts";
import { parameterLimits } from "#domain/parameters.ts";
import { publicCommand } from "#domain/publicJson.ts";
import type { CommandView } from "#ports/queries.ts";
import { formatInstant } from "#domain/units.ts";
import { z } from "zod";
import { apiLimits } from "../limits.ts";
import type { ApiOptions } from "../options.ts";
import { instantJson, reasonSchema, text } from "./common.ts";
import { positionSchema } from "./meter.ts";

/**
 * What whoever orders should know: it may end before its meter listens; its valve has moved as often as it is
 * made for.
 */
const commandWarnings = ["expires-before-wake", "valve-life"] as const;

const parametersJson = z.union([
  z.strictObject({
    reportEverySeconds: z
      .int()
      .min(parameterLimits.reportEverySecondsMin)
      .max(parameterLimits.reportEverySecondsMax),
  }),
  z.strictObject({ reportHours: reportHours() }),
]);

/** Hours of the day in ascending order, each once. */
function reportHours() {
  return z
    .array(z.int().min(0).max(23))
    .min(1)
    .max(parameterLimits.reportHoursMax)
    .refine(
      (hours) => hours.every((hour, at) => hour > (hours[at - 1] ?? -1)),
      "must ascend, each once",
    )
    .readonly();
}

export const commandSchema = z.object({
  id: z.string(),
  meterId: z.string(),
  area: z.string(),
  position: positionSchema.nullable(),
  action: z.enum(commandActions),
  cause: z.object({ kind: z.enum(["alarm", "person"]), ref: z.string() }),
  reason: z.string(),
  state: z.enum(commandStates),
  /** Why it is refused, held, failed …; a stable word. */
  detail: z.string().nullable(),
  attempts: z.number(),
  /** Persons who must say yes besides whoever asked, and those who have. */
  approvalsNeeded: z.number(),
  approvals: z.array(z.object({ by: z.string(), role: z.string(), at: instantJson })),
  /** Only with `permit_opening`. */
  permit: z
    .object({ workOrder: z.string(), leakCheck: z.string(), leakCheckAt: instantJson })
    .nullable(),
  /** Only with `change_parameters`. */
  parameters: parametersJson.nullable(),
  /** Refused as `not-armed`: from then on this rule may close this meter by itself. */
  armedAt: instantJson.nullable(),
  /** While it waits: when its meter listens, by its habit. Null once it has left or ended. */
  takesEffect: z.object({ earliestAt: instantJson, latestAt: instantJson.nullable() }).nullable(),
  warnings: z.array(z.enum(commandWarnings)),
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

export type CommandJson = z.infer<typeof commandSchema>;

const expiresInSeconds = z
  .int()
  .min(apiLimits.commandExpirySecondsMin)
  .max(apiLimits.commandExpirySecondsMax);

export const closeSchema = z.strictObject({
  reason: reasonSchema,
  expiresInSeconds: expiresInSeconds.default(apiLimits.commandExpirySecondsDefault),
  /** Try it in spite of a battery that may stop the valve half-way. */
  lastAttempt: z.boolean().default(false),
});

export const permitSchema = z.strictObject({
  reason: reasonSchema,
  workOrder: text(64),
  /** The record of the leak check, and when it was made: not more than a day ago. */
  leakCheck: text(64),
  leakCheckAt: instantJson,
  expiresInSeconds: expiresInSeconds
    .max(apiLimits.permitExpirySecondsMax)
    .default(apiLimits.permitExpirySecondsMax),
});

export const parametersSchema = z.strictObject({
  reason: reasonSchema,
  parameters: parametersJson,
  expiresInSeconds: expiresInSeconds.default(apiLimits.commandExpirySecondsMax),
});

export const orderSchema = z.strictObject({
  reason: reasonSchema,
  expiresInSeconds: expiresInSeconds.default(apiLimits.commandExpirySecondsMax),
});

const waitingStates: readonly CommandState[] = ["requested", "held", "authorised", "queued"];

/** A command for a reader at this moment. */
export function commandJson(
  view: CommandView,
  { clock, profiles }: Pick<ApiOptions, "clock" | "profiles">,
): CommandJson {
  const nowMs = clock.nowMs();
  const rated = profiles[view.profile ?? ""]?.actuationsRated ?? actuationsRated;
  const { command, habit, actuations } = view;
  const isWaiting = waitingStates.includes(command.state);
  const window = isWaiting ? effectWindow(habit, nowMs) : null;
  const latestAtMs = window?.latestAtMs ?? Number.POSITIVE_INFINITY;
  const isLate = window !== null && latestAtMs > command.expiresAtMs;
  return {
    ...publicCommand(command, view.meterId, view.history),
    area: view.area,
    position: view.position,
    takesEffect: window === null ? null : windowJson(window),
    warnings: [
      ...(isLate ? (["expires-before-wake"] as const) : []),
      ...(actuations >= rated ? (["valve-life"] as const) : []),
    ],
  };
}

function windowJson({ earliestAtMs, latestAtMs }: EffectWindow) {
  return {
    earliestAt: formatInstant(earliestAtMs),
    latestAt: latestAtMs === null ? null : formatInstant(latestAtMs),
  };
}
