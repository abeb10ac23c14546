/**
 * The two carriers of the live feed: WebSocket and server-sent events, same sequence, same limits.
 */
import type { WebSocket } from "@fastify/websocket";
import type { FastifyRequest } from "fastify";
import type { ServerResponse } from "node:http";
import { z } from "zod";
import { callerOf } from "../access.ts";
import { sequenceQuery } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import type { Routes } from "../routes/routes.ts";
import { liveCloseCodes, type LiveHub, type LiveWire } from "./liveHub.ts";

const liveQuery = z.strictObject({ after: sequenceQuery.optional() });

/** `GET /v1/live` and `GET /v1/live/sse`. */
export function liveRoutes(app: Routes, options: ApiOptions): void {
  const { live } = options;
  const admit = async (request: FastifyRequest) => refuseStrangers(request, options);

  app.route({
    method: "GET",
    url: "/v1/live",
    config: { permission: "events.read" },
    schema: {
      tags: ["events"],
      summary: "The events live, over a WebSocket; see /asyncapi.json",
      description:
        "`hello` first, then every event behind `after`, once and in sequence. A browser offers the " +
        "subprotocols `mercaptan.v1` and `bearer.<key>`; a key is never accepted in the address.",
      querystring: liveQuery,
    },
    onRequest: admit,
    handler: () => {
      throw new ProblemError("upgrade-required", "connect with a WebSocket, or use /v1/live/sse");
    },
    wsHandler: (socket, request) => {
      const { after } = request.query;
      // Pings are answered by the library; a client has nothing else to say.
      socket.on("message", () => socket.close(1008, "this feed takes no messages"));
      follow(live, socketWire(socket), socket, request, after ?? null);
    },
  });

  app.route({
    method: "GET",
    url: "/v1/live/sse",
    config: { permission: "events.read" },
    schema: {
      tags: ["events"],
      summary: "The events live, as server-sent events; resumes by Last-Event-ID",
      querystring: liveQuery,
      produces: ["text/event-stream"],
    },
    onRequest: admit,
    handler: (request, reply) => {
      const lastId = sequenceQuery.optional().safeParse(request.headers["last-event-id"]);
      const after = (lastId.success ? lastId.data : undefined) ?? request.query.after ?? null;
      reply.hijack();
      reply.raw.writeHead(200, {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      follow(live, sseWire(reply.raw), reply.raw, request, after);
    },
  });
}

/** Ties a connection to the hub; whichever of joining and closing comes first, it leaves once. */
function follow(
  live: LiveHub,
  wire: LiveWire,
  connection: Pick<ServerResponse, "once"> | WebSocket,
  request: FastifyRequest,
  after: number | null,
): void {
  const joined = live.join(wire, callerOf(request).keyHash, after);
  connection.once("close", () => void joined.then((client) => client.left()));
}

/** Origin check and the client limit, before anything is upgraded. */
function refuseStrangers(request: FastifyRequest, options: ApiOptions): void {
  const { origin, host } = request.headers;
  const isForeign =
    origin !== undefined &&
    !options.allowedOrigins.includes(origin) &&
    (!URL.canParse(origin) || new URL(origin).host !== host);
  if (isForeign) throw new ProblemError("wrong-origin", "this page's origin is not on the list");
  if (!options.live.isFull) return;
  options.observer.note("api.refused", { limit: "liveClientsMax" });
  throw new ProblemError("store-unavailable", "all places of the live feed are taken");
}

function socketWire(socket: WebSocket): LiveWire {
  return {
    send: ({ bytes }, flushed) => socket.send(bytes, { binary: false }, flushed),
    bufferedBytes: () => socket.bufferedAmount,
    close: (reason) => socket.close(liveCloseCodes[reason], reason),
  };
}

function sseWire(response: ServerResponse): LiveWire {
  return {
    send: ({ seq, bytes }, flushed) => {
      const id = seq === null ? "" : `id: ${seq}\n`;
      response.write(`${id}data: ${bytes.toString()}\n\n`, flushed);
    },
    bufferedBytes: () => response.writableLength,
    // There is no closing word; what a slow reader has not read is dropped with the connection.
    close: (reason) => (reason === "too-slow" ? response.destroy() : response.end()),
  };
}
