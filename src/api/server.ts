/** The HTTP side of the house: what it is made of, in the order in which a request meets it. */
import helmet from "@fastify/helmet";
import websocket from "@fastify/websocket";
import Fastify, { type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { AddressInfo } from "node:net";
import { installAccess, liveSubprotocol } from "./access.ts";
import { alertmanagerRoutes } from "./alertmanager/alertmanagerRoutes.ts";
import { installBodies } from "./body.ts";
import { answerBrokenHttp, installErrors, problemSender } from "./errors.ts";
import type { ApiLimits } from "./limits.ts";
import { liveRoutes } from "./live/liveRoutes.ts";
import { installOpenApi } from "./openApi.ts";
import type { ApiOptions } from "./options.ts";
import { alarmRoutes } from "./routes/alarmRoutes.ts";
import { areaRoutes } from "./routes/areaRoutes.ts";
import { automationRoutes } from "./routes/automationRoutes.ts";
import { backTestRoutes } from "./routes/backTestRoutes.ts";
import { campaignRoutes } from "./routes/campaignRoutes.ts";
import { policyRoutes } from "./routes/policyRoutes.ts";
import { commandRoutes } from "./routes/commandRoutes.ts";
import { explanationRoutes } from "./routes/explanationRoutes.ts";
import { eventRoutes } from "./routes/eventRoutes.ts";
import { figureRoutes } from "./routes/figureRoutes.ts";
import { importRoutes } from "./routes/importRoutes.ts";
import { keyRoutes } from "./routes/keyRoutes.ts";
import { profileRoutes } from "./routes/profileRoutes.ts";
import { meterKeyRoutes } from "./routes/meterKeyRoutes.ts";
import { meterRoutes } from "./routes/meterRoutes.ts";
import { processRoutes } from "./routes/processRoutes.ts";
import { pushRoutes } from "./routes/pushRoutes.ts";
import { billRoutes } from "./routes/billRoutes.ts";
import { billingRoutes } from "./routes/billingRoutes.ts";
import { registerRoutes } from "./routes/registerRoutes.ts";
import { ruleRoutes } from "./routes/ruleRoutes.ts";
import { readingRoutes } from "./routes/readingRoutes.ts";
import type { Routes } from "./routes/routes.ts";
import { recipientRoutes } from "./routes/recipientRoutes.ts";
import { webhookRoutes } from "./routes/webhookRoutes.ts";
import { plannedWorkRoutes } from "./routes/plannedWorkRoutes.ts";
import { workOrderRoutes } from "./routes/workOrderRoutes.ts";
import { worklistRoutes } from "./routes/worklistRoutes.ts";

export interface Api {
  /** The port that was really opened. */
  readonly port: number;
  /** Sends live clients away, lets running requests end, closes the port. */
  close(): Promise<void>;
}

/** Opens the port. Rejects with the system's error when it cannot. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { limits, live } = options;
  const app = await buildServer(options);
  await app.listen({ host: options.host, port: options.port });
  const { port } = app.server.address() as AddressInfo;
  const heartbeat = setInterval(() => live.tick(), limits.liveHeartbeatMs);
  return {
    port,
    close: async () => {
      clearInterval(heartbeat);
      live.close();
      const late = setTimeout(() => app.server.closeAllConnections(), limits.closeGraceMs);
      await app.close();
      clearTimeout(late);
    },
  };
}

async function buildServer(options: ApiOptions): Promise<FastifyInstance> {
  const { limits, observer } = options;
  const sendProblem = problemSender(limits, observer);
  const app = Fastify({
    logger: false,
    // Named by us alone: whoever asks may not choose under which name the audit knows it.
    requestIdHeader: false,
    genReqId: () => options.rng.uuidV7(options.clock.nowMs()),
    trustProxy: false,
    exposeHeadRoutes: false,
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: limits.connectionTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    handlerTimeout: limits.handlerTimeoutMs,
    routerOptions: { maxParamLength: limits.pathPartCharactersMax },
    http: {
      requestTimeout: limits.requestTimeoutMs,
      // Node swaps the two when this one is the larger, and its default is a minute.
      headersTimeout: limits.requestTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      // How often Node looks for requests that take too long; its default is as long as the time-
      // out.
      connectionsCheckingInterval: Math.min(5_000, limits.requestTimeoutMs),
    },
    clientErrorHandler: answerBrokenHttp,
    // An address that cannot be decoded never reaches a route.
    frameworkErrors: (error, request, reply) => {
      sendProblem(error, request, reply);
    },
  });
  app.server.maxConnections = limits.connectionsMax;
  app.server.on("drop", () => observer.note("api.refused", { limit: "connectionsMax" }));
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installBodies(app, limits.jsonDepthMax);
  await app.register(helmet, { contentSecurityPolicy: { directives: { defaultSrc: ["'none'"] } } });
  await app.register(websocket, {
    options: socketOptions(limits),
    // The library closes the socket itself, with the code that fits (1002, 1007, 1009).
    errorHandler: (error) =>
      observer.note("api.refused", { limit: "code" in error ? String(error.code) : error.name }),
  });
  await installAccess(app, options);
  installErrors(app, sendProblem);
  await installOpenApi(app);
  installRoutes(app.withTypeProvider(), options);
  await app.ready();
  return app;
}

/**
 * `maxFragments` and `closeTimeout` are options of ws 8.23 that its type declarations do not know
 * yet.
 */
function socketOptions(limits: ApiLimits) {
  return {
    maxPayload: limits.liveFrameBytesMax,
    maxFragments: limits.liveFragmentsMax,
    closeTimeout: limits.liveCloseTimeoutMs,
    perMessageDeflate: false,
    handleProtocols: (offered: ReadonlySet<string>) =>
      offered.has(liveSubprotocol) ? liveSubprotocol : ([...offered][0] ?? false),
  };
}

function installRoutes(app: Routes, options: ApiOptions): void {
  app.addHook("onSend", async (request, reply) => {
    reply.header("x-request-id", request.id);
    // Personal data and fast-changing states: nobody on the way may keep an answer.
    reply.header("cache-control", "no-store");
  });
  processRoutes(app, options);
  meterRoutes(app, options);
  importRoutes(app, options);
  keyRoutes(app, options);
  meterKeyRoutes(app, options);
  profileRoutes(app, options);
  ruleRoutes(app, options);
  backTestRoutes(app, options);
  readingRoutes(app, options);
  billingRoutes(app, options);
  billRoutes(app, options);
  registerRoutes(app, options);
  alarmRoutes(app, options);
  explanationRoutes(app, options);
  worklistRoutes(app, options);
  figureRoutes(app, options);
  commandRoutes(app, options);
  campaignRoutes(app, options);
  policyRoutes(app, options);
  automationRoutes(app, options);
  eventRoutes(app, options);
  areaRoutes(app, options);
  workOrderRoutes(app, options);
  plannedWorkRoutes(app, options);
  recipientRoutes(app, options);
  webhookRoutes(app, options);
  alertmanagerRoutes(app, options);
  pushRoutes(app, options);
  liveRoutes(app, options);
}
