/**
 * The process seen from outside, and the API's own documents. No key is needed: the port is on
 * loopback unless configured otherwise, probes and scrapers have no keys, and nothing here tells of
 * a meter.
 */
import { z } from "zod";
import { asyncApiDocument } from "../asyncApi.ts";
import type { ApiOptions } from "../options.ts";
import { sendRaw, type Routes } from "./routes.ts";

const readinessSchema = z.object({ ready: z.boolean(), reasons: z.array(z.string()) });
const documentSchema = z.looseObject({});

/** `/healthz`, `/readyz`, `/metrics`, `/openapi.json`, `/asyncapi.json`. */
export function processRoutes(app: Routes, options: ApiOptions): void {
  // Probes are asked often and cost nothing.
  const probe = { permission: "public", rateLimit: false } as const;
  app.get(
    "/healthz",
    {
      config: probe,
      schema: {
        tags: ["process"],
        summary: "The process lives",
        response: { 200: z.object({ status: z.literal("ok") }) },
      },
    },
    async () => ({ status: "ok" as const }),
  );
  app.get(
    "/readyz",
    {
      config: probe,
      schema: {
        tags: ["process"],
        summary: "200 when meters may come; else 503 with the reasons",
        response: { 200: readinessSchema, 503: readinessSchema },
      },
    },
    async (_request, reply) => {
      const { ready, reasons } = options.readiness();
      return reply.code(ready ? 200 : 503).send({ ready, reasons: [...reasons] });
    },
  );
  app.get(
    "/metrics",
    {
      config: probe,
      schema: {
        tags: ["process"],
        summary: "Prometheus text",
        produces: ["text/plain"],
        response: { 200: z.string() },
      },
    },
    async (_request, reply) => {
      const text = await options.metrics.text();
      return sendRaw(reply, options.metrics.contentType, text);
    },
  );
  app.get(
    "/openapi.json",
    {
      config: { permission: "public" },
      schema: {
        tags: ["process"],
        summary: "This API, as OpenAPI 3.1",
        response: { 200: documentSchema },
      },
    },
    async () => ({ ...app.swagger() }),
  );
  app.get(
    "/asyncapi.json",
    {
      config: { permission: "public" },
      schema: {
        tags: ["process"],
        summary: "The live feed, as AsyncAPI 3",
        response: { 200: documentSchema },
      },
    },
    async () => asyncApiDocument,
  );
}
