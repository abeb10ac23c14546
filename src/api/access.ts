/**
 * Who is asking, and may they? Runs before the body is read; a route without a permission does not
 * start.
 */
import { invariant } from "#domain/invariant.ts";
import type { ApiKeyRow } from "#ports/ledger.ts";
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { hashOfKey } from "./apiKeys.ts";
import type { ApiOptions } from "./options.ts";
import { isPermitted, mayNow, type Permission, type RoutePermission } from "./permissions.ts";
import { ProblemError } from "./problems.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    readonly permission?: RoutePermission;
  }
  interface FastifyRequest {
    apiKey: ApiKeyRow | null;
  }
}

/**
 * A browser's WebSocket cannot set headers, so it offers two subprotocols: the feed's own, which is
 * answered, and its key. A key never stands in an address: addresses end in logs.
 */
export const liveSubprotocol = "mercaptan.v1";
const keySubprotocolPrefix = "bearer.";

/** The key that was presented; undefined: none. */
function presentedKey(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  const bearer = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  if (bearer !== undefined || !request.ws) return bearer;
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  return offered
    .map((name) => name.trim())
    .find((name) => name.startsWith(keySubprotocolPrefix))
    ?.slice(keySubprotocolPrefix.length);
}

/** Must run before the routes are added. */
export async function installAccess(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const { apiKeys, limits, observer } = options;
  app.decorateRequest("apiKey", null);
  app.addHook("onRequest", async (request) => {
    const key = presentedKey(request);
    request.apiKey = key === undefined ? null : (apiKeys.byHash(hashOfKey(key)) ?? null);
  });
  await app.register(rateLimit, {
    timeWindow: limits.rateWindowMs,
    max: (request) =>
      request.apiKey === null ? limits.requestsPerWindowAndAddress : limits.requestsPerWindowAndKey,
    keyGenerator: (request) =>
      request.apiKey === null ? `address:${request.ip}` : `key:${request.apiKey.id}`,
    enableDraftSpec: true,
    onExceeded: () => observer.note("api.rateLimited"),
    errorResponseBuilder: (_request, { after }) =>
      new ProblemError("too-many-requests", `try again in ${after}`),
  });
  app.addHook("onRoute", (route) => {
    const permission = route.config?.permission;
    invariant(permission !== undefined, `${route.url} names a permission`);
    if (permission === "public" || permission === "gateway") return;
    const earlier = route.onRequest ?? [];
    route.onRequest = [
      ...(Array.isArray(earlier) ? earlier : [earlier]),
      async (request: FastifyRequest, reply: FastifyReply) => {
        authorise(request, reply, permission, options);
      },
    ];
  });
}

function authorise(
  request: FastifyRequest,
  reply: FastifyReply,
  permission: Permission,
  { observer, apiKeys }: ApiOptions,
): void {
  const { apiKey } = request;
  if (apiKey === null) {
    observer.note("api.unauthorised");
    reply.header("www-authenticate", 'Bearer realm="mercaptan"');
    throw new ProblemError("unauthorised", "present an API key as Authorization: Bearer …");
  }
  if (!mayNow(apiKey.role, permission, apiKeys)) {
    observer.note("api.forbidden", { key: apiKey.id, permission });
    throw new ProblemError("forbidden", `the role ${apiKey.role} has no permission ${permission}`);
  }
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): ApiKeyRow {
  invariant(request.apiKey !== null, "a guarded route runs only with a key");
  return request.apiKey;
}

/** True when this caller may see postal addresses. */
export function mayContact(request: FastifyRequest): boolean {
  return isPermitted(callerOf(request).role, "meters.contact");
}
