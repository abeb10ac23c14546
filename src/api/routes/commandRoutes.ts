/** The ledger of orders: what may be ordered, who must agree, what became of it. Nothing opens a valve. */
import { commandStates } from "#domain/command.ts";
import { secondMs, timestampMs } from "#domain/units.ts";
import type { CommandView } from "#ports/queries.ts";
import { refusals, type Ask } from "#ports/requests.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { ask } from "../ask.ts";
import { apiLimits } from "../limits.ts";
import {
  closeSchema,
  commandJson,
  commandSchema,
  orderSchema,
  parametersSchema,
  permitSchema,
  type CommandJson,
} from "../json/command.ts";
import {
  cursorQuery,
  idParams,
  idSchema,
  limitQuery,
  ownIdParams,
  ownIdSchema,
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
      const { reason, expiresInSeconds, lastAttempt } = request.body;
      const expiresInMs = expiresInSeconds * secondMs;
      const meterId = meter.id;
      const wanted = { kind: "valve.close", meterId, reason, expiresInMs, lastAttempt } as const;
      return ordered(options, request, reply, wanted);
    },
  );
  orderRoutes(app, options);
  parameterRoutes(app, options);
  ledgerRoutes(app, options);
  approvalRoutes(app, options);
  bulkRoutes(app, options);
}

/** Writes an order down: 202, with the command as the ledger has it. */
async function ordered(
  options: ApiOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  wanted: Ask,
): Promise<CommandJson> {
  const { command } = await ask(options, request, wanted, "command");
  reply.code(202).header("location", `/v1/commands/${command.id}`);
  return commandJson(await knownCommand(options, command.id), options);
}

/** What is no close: permitting, setting the clock, asking for history. */
function orderRoutes(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/meters/:id/valve/permit-opening",
    {
      config: { permission: "valves.permit" },
      schema: {
        tags: ["commands"],
        summary: "Permits somebody at the meter to open it there; nothing opens by itself",
        description:
          "Needs a work order, a leak check of the last day and the yes of a second dispatcher. " +
          "It is for one visit, and void as soon as the meter reports a leak.",
        headers: idempotencyHeaders,
        params: idParams,
        body: permitSchema,
        response: { 202: commandSchema },
      },
    },
    async (request, reply) => {
      const { meter } = await knownMeter(options, request.params.id);
      const { reason, expiresInSeconds, workOrder, leakCheck, leakCheckAt } = request.body;
      return ordered(options, request, reply, {
        kind: "valve.permit",
        meterId: meter.id,
        reason,
        expiresInMs: expiresInSeconds * secondMs,
        permit: { workOrder, leakCheck, leakCheckAtMs: timestampMs(Date.parse(leakCheckAt)) },
      });
    },
  );
  for (const [path, action, summary] of [
    ["set-clock", "set_clock", "Sets the meter's clock when it listens next"],
    ["read-history", "read_history", "Asks for the values in the meter's memory"],
  ] as const) {
    app.post(
      `/v1/meters/:id/${path}`,
      {
        config: { permission: "meters.order" },
        schema: {
          tags: ["commands"],
          summary,
          headers: idempotencyHeaders,
          params: idParams,
          body: orderSchema,
          response: { 202: commandSchema },
        },
      },
      async (request, reply) => {
        const { meter } = await knownMeter(options, request.params.id);
        const { reason, expiresInSeconds } = request.body;
        const expiresInMs = expiresInSeconds * secondMs;
        const meterId = meter.id;
        return ordered(options, request, reply, {
          kind: "meter.order",
          meterId,
          action,
          reason,
          expiresInMs,
        });
      },
    );
  }
}

/** How a meter behaves: when it reports. */
function parameterRoutes(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/meters/:id/change-parameters",
    {
      config: { permission: "meters.order" },
      schema: {
        tags: ["commands"],
        summary: "Changes how often, or at which hours, the meter reports",
        description: "Verified when two reports lie apart as ordered; the registry is not changed.",
        headers: idempotencyHeaders,
        params: idParams,
        body: parametersSchema,
        response: { 202: commandSchema },
      },
    },
    async (request, reply) => {
      const { meter } = await knownMeter(options, request.params.id);
      const { reason, parameters, expiresInSeconds } = request.body;
      const expiresInMs = expiresInSeconds * secondMs;
      const about = { kind: "meter.parameters", meterId: meter.id } as const;
      return ordered(options, request, reply, { ...about, parameters, reason, expiresInMs });
    },
  );
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
      return { items: items.map((view) => commandJson(view, options)), next };
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
    async (request) => commandJson(await knownCommand(options, request.params.id), options),
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
      return commandJson(await knownCommand(options, commandId), options);
    },
  );
}

/** The second pair of eyes. */
function approvalRoutes(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/commands/:id/approve",
    {
      config: { permission: "commands.approve" },
      schema: {
        tags: ["commands"],
        summary: "Says yes to a command that waits for persons; never to one's own",
        headers: idempotencyHeaders,
        params: ownIdParams,
        body: z.strictObject({ reason: reasonSchema }),
        response: { 200: commandSchema },
      },
    },
    async (request) => {
      const commandId = request.params.id;
      const wanted = { kind: "command.approve", commandId, reason: request.body.reason } as const;
      await ask(options, request, wanted, "command");
      return commandJson(await knownCommand(options, commandId), options);
    },
  );
}

/** The same for a list: what the breaker holds is many at once. */
function bulkRoutes(app: Routes, options: ApiOptions): void {
  for (const [act, permission, summary] of [
    [
      "approve",
      "commands.approve",
      "Says yes to many commands that wait for persons, each by itself",
    ],
    ["cancel", "commands.cancel", "Takes many commands back that have not left yet"],
  ] as const) {
    app.post(
      `/v1/commands/${act}`,
      {
        config: { permission },
        schema: {
          tags: ["commands"],
          summary,
          headers: idempotencyHeaders,
          body: bulkSchema,
          response: { 200: bulkAnswerSchema },
        },
      },
      async (request) => {
        const wanted = { kind: `commands.${act}`, ...request.body } as const;
        const { commands } = await ask(options, request, wanted, "commands");
        return { items: [...commands] };
      },
    );
  }
}

const bulkSchema = z.strictObject({
  commandIds: z.array(ownIdSchema).min(1).max(apiLimits.commandsPerRequestMax),
  reason: reasonSchema,
});

const bulkAnswerSchema = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      state: z.enum(commandStates).nullable(),
      /** Why nothing was done about it; null: it was. */
      refusal: z.enum(refusals).nullable(),
    }),
  ),
});

async function knownCommand(options: ApiOptions, id: string): Promise<CommandView> {
  const view = await options.queries.command(id);
  if (view === null) throw new ProblemError("not-found", `there is no command ${id}`);
  return view;
}
