/**
 * What platforms and gateways push. The gateway's own secret is asked for, never an API key; the answer leaves when
 * everything in the push is on disk.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { parseGatewayId } from "#domain/ids.ts";
import { carrierNames, type CarrierName } from "#domain/platform.ts";
import type { DeliveryCaller, DeliveryRefusal } from "#ports/deliveries.ts";
import { idSchema } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError, type ProblemWord } from "../problems.ts";
import { sendRaw, type Routes } from "./routes.ts";

const resultSchema = z.object({
  /** Frames that are on disk: as readings, or in quarantine with a reason. */
  accepted: z.number(),
  items: z.array(
    z.object({ outcome: z.enum(["stored", "refused"]), reason: z.string().optional() }),
  ),
});

const questionSchema = z.object({
  msg: z.string().min(1).max(256),
  nonce: z.string().min(1).max(64),
  signature: z.string().min(1).max(64),
});

const refusals: Readonly<Record<DeliveryRefusal, readonly [ProblemWord, string]>> = {
  unauthorised: ["unauthorised", "the gateway's secret or the platform's signature is wrong"],
  notAnEnvelope: ["invalid", "not an envelope of at most 1,000 frames"],
  overloaded: ["overloaded", "too much of this gateway waits to be stored"],
  notStored: ["store-unavailable", "not everything could be stored; send all of it again"],
};

const secretHeader = "x-mercaptan-secret";

/** `/v1/push/{carrier}/{gatewayId}`. */
export function pushRoutes(app: Routes, options: ApiOptions): void {
  // A scope of its own: platforms name their content as they like, and it is read as bytes.
  void app.register(async (scope: Routes) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "*",
      { parseAs: "buffer" },
      async (_request: unknown, bytes: Buffer) => bytes,
    );
    for (const carrier of carrierNames) postRoute(scope, options, carrier);
    questionRoute(scope, options);
  });
}

function postRoute(scope: Routes, options: ApiOptions, carrier: CarrierName): void {
  const { limits, pushes } = options;
  const bodyLimit = carrier === "gatewayjson" ? limits.pushBytesMax : limits.bodyBytesMax;
  scope.post(
    `/v1/push/${carrier}/:gatewayId`,
    {
      bodyLimit,
      config: { permission: "gateway", rateLimit: rateLimit(options) },
      schema: {
        tags: ["push"],
        summary: `Frames of meters in envelopes of ${carrier}`,
        description: descriptions[carrier],
        params: z.object({ gatewayId: idSchema }),
        response: { 200: resultSchema },
      },
      // After the rate limit, before the body.
      preParsing: async (request, reply) => {
        const refused = await pushes.admit(callerOf(request, carrier));
        if (refused !== null) throw problemOf(refused.refusal, reply);
      },
    },
    async (request, reply) => {
      const { gatewayId } = request.params;
      const bytes = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      // The body may be a slice of a larger buffer, which must not be kept alive by what waits.
      const answer = await pushes.take(
        { carrier, gatewayId, address: request.ip },
        Uint8Array.from(bytes),
      );
      if (!answer.ok) throw problemOf(answer.refusal, reply);
      const items = answer.items.map((item) => ({ ...item }));
      return { accepted: items.filter(({ outcome }) => outcome === "stored").length, items };
    },
  );
}

/** What OneNET asks when the address is entered in its console. */
function questionRoute(scope: Routes, options: ApiOptions): void {
  scope.get(
    "/v1/push/onenet/:gatewayId",
    {
      config: { permission: "gateway", rateLimit: rateLimit(options) },
      schema: {
        tags: ["push"],
        summary: "Proves to OneNET that this address knows the token",
        description: "Answers with `msg` and nothing else when the signature fits; else 401.",
        params: z.object({ gatewayId: idSchema }),
        querystring: questionSchema,
        produces: ["text/plain"],
        response: { 200: z.string() },
      },
    },
    async (request, reply) => {
      const { params, query } = request;
      const caller = { gatewayId: params.gatewayId, address: request.ip };
      const isKnown = await options.pushes.mayAnswer(caller, query);
      if (!isKnown) throw problemOf("unauthorised", reply);
      return sendRaw(reply, "text/plain; charset=utf-8", query.msg);
    },
  );
}

/** By address, for a push has no API key; far above that of strangers, for a platform carries a city. */
function rateLimit({ limits }: ApiOptions) {
  return {
    max: limits.pushesPerWindowAndAddress,
    keyGenerator: (request: FastifyRequest) => `push:${request.ip}`,
  };
}

function problemOf(refusal: DeliveryRefusal, reply: FastifyReply): ProblemError {
  if (refusal === "unauthorised") reply.header("www-authenticate", 'Basic realm="mercaptan"');
  return new ProblemError(...refusals[refusal]);
}

/** From path and headers, before the body. */
function callerOf(request: FastifyRequest, carrier: CarrierName): DeliveryCaller {
  const { gatewayId } = request.params as { readonly gatewayId: string };
  if (parseGatewayId(gatewayId) === undefined) {
    throw new ProblemError("no-such-route", "a gateway's id has 1 to 32 of A-Z, a-z, 0-9, _ and -");
  }
  const header = request.headers[secretHeader];
  const basic = basicOf(request.headers.authorization);
  return {
    carrier,
    gatewayId,
    username: basic?.username ?? null,
    secret: basic?.secret ?? (typeof header === "string" ? header : null),
    address: request.ip,
  };
}

/** RFC 7617; undefined: another scheme, or none. */
function basicOf(authorization: string | undefined) {
  const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const [username = "", ...rest] = Buffer.from(encoded, "base64").toString("utf8").split(":");
  return { username, secret: rest.join(":") };
}

const secretWords =
  "The gateway's secret as HTTP Basic (`gatewayId:secret`) or in the header X-Mercaptan-Secret.";

const descriptions: Readonly<Record<CarrierName, string>> = {
  ctwing: `A push of CTWing AEP's subscription, one frame. ${secretWords}`,
  onenet:
    "A push of OneNET, one frame. No secret: the signature in it is checked against the token in the " +
    "settings (push.onenet); in secure mode it is deciphered before it is stored.",
  chirpstack: `An event of ChirpStack v4 in JSON, one frame or none. ${secretWords}`,
  gatewayjson: `At most 1,000 frames and 1 MiB; each is stored and answered by itself. ${secretWords}`,
};
