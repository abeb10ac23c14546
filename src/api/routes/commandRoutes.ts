/** The valve ledger: closing is the only order, and the switch that stops automatic ones. */
import { commandStates } from "#domain/command.ts";
import { secondMs } from "#domain/units.ts";
import type { CommandView } from "#ports/queries.ts";
import { z } from "zod";
import { ask } from "../ask.ts";
import { closeSchema, commandJson, commandSchema } from "../json/command.ts";
import {
  cursorQuery,
  idParams,
  idSchema,
  limitQuery,
  ownIdParams,
  pageOf,
  reasonSchema,
  wordList,
} from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { knownMeter } from "./meterRoutes.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const listQuery = z.strictObject({
  state: wordList(commandStates).optional(),
  meterId: idSchema.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
});

/** Closing, the ledger of commands, cancelling. */
export function commandRoutes(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/meters/:id/valve/close",
    {
      config: { permission: "valves.close" },
      schema: {
        tags: ["commands"],
        summary: "Orders the valve to close; 202 means written down, not closed",
        headers: idempotencyHeaders,
        params: idParams,
        body: closeSchema,
        response: { 202: commandSchema },
      },
    },
    async (request, reply) => {
      const { meter } = await knownMeter(options, request.params.id);
      const { reason, expiresInSeconds } = request.body;
      const expiresInMs = expiresInSeconds * secondMs;
      const wanted = { kind: "valve.close", meterId: meter.id, reason, expiresInMs } as const;
      const { command } = await ask(options, request, wanted, "command");
      reply.code(202).header("location", `/v1/commands/${command.id}`);
      return commandJson(await knownCommand(options, command.id));
    },
  );
  ledgerRoutes(app, options);
}

function ledgerRoutes(app: Routes, options: ApiOptions): void {
  const { queries } = options;
  app.get(
    "/v1/commands",
    {
      config: { permission: "commands.read" },
      schema: {
        tags: ["commands"],
        summary: "Commands; `state` takes several words, separated by commas",
        querystring: listQuery,
        response: { 200: pageOf(commandSchema) },
      },
    },
    async (request) => {
      const { state = null, meterId = null, cursor = null, limit } = request.query;
      const { items, next } = await queries.commands(state, meterId, cursor, limit);
      return { items: items.map(commandJson), next };
    },
  );
  app.get(
    "/v1/commands/:id",
    {
      config: { permission: "commands.read" },
      schema: {
        tags: ["commands"],
        summary: "One command with its history",
        params: ownIdParams,
        response: { 200: commandSchema },
      },
    },
    async (request) => commandJson(await knownCommand(options, request.params.id)),
  );
  app.post(
    "/v1/commands/:id/cancel",
    {
      config: { permission: "commands.cancel" },
      schema: {
        tags: ["commands"],
        summary: "Takes a command back that has not left yet",
        headers: idempotencyHeaders,
        params: ownIdParams,
        body: z.strictObject({ reason: reasonSchema.default("not given") }).nullish(),
        response: { 200: commandSchema },
      },
    },
    async (request) => {
      const commandId = request.params.id;
      const { reason = "not given" } = request.body ?? {};
      const wanted = { kind: "command.cancel", commandId, reason } as const;
      await ask(options, request, wanted, "command");
      return commandJson(await knownCommand(options, commandId));
    },
  );
}

async function knownCommand(options: ApiOptions, id: string): Promise<CommandView> {
  const view = await options.queries.command(id);
  if (view === null) throw new ProblemError("not-found", `there is no command ${id}`);
  return view;
}
