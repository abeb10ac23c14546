/** OpenAPI 3.1, made from the schemas that run. */
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { problemType } from "./errors.ts";
import { problems } from "./problems.ts";

const problemResponse = {
  description: "Anything but success: RFC 9457, with a stable type",
  content: {
    [problemType]: {
      schema: {
        type: "object",
        required: ["type", "title", "status", "detail"],
        properties: {
          type: { enum: Object.keys(problems).map((word) => `urn:mercaptan:problem:${word}`) },
          title: { type: "string", description: "zh-CN or en, by Accept-Language" },
          status: { type: "integer" },
          detail: { type: "string" },
          errors: {
            type: "array",
            items: {
              type: "object",
              required: ["in", "pointer", "detail"],
              properties: {
                in: { enum: ["body", "query", "path", "header"] },
                pointer: { type: "string", description: "JSON pointer" },
                detail: { type: "string" },
              },
            },
          },
          alarm: { type: "object", description: "With occurrence-changed: the alarm as it is" },
        },
      },
    },
  },
};

/** Either will do; a platform that signs what it pushes presents neither. */
const gatewaySecurity = [{ gateway: [] }, { gatewaySecret: [] }, {}];

/** Must run before the routes are added. */
export async function installOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Mercaptan",
        version: "1",
        description:
          "Meters, readings, alarms and the valve ledger of a gas utility. Nothing here opens a valve.",
      },
      components: {
        securitySchemes: {
          key: { type: "http", scheme: "bearer", description: "An API key, `mk_…`" },
          gateway: { type: "http", scheme: "basic", description: "A gateway's id and its secret" },
          gatewaySecret: { type: "apiKey", in: "header", name: "X-Mercaptan-Secret" },
        },
      },
      security: [{ key: [] }],
    },
    transform: (route) => {
      const { schema, url } = jsonSchemaTransform(route);
      const permission = route.route.config?.permission;
      return {
        url,
        schema: {
          ...schema,
          ...(permission === "public" ? { security: [] } : {}),
          ...(permission === "gateway" ? { security: gatewaySecurity } : {}),
          "x-permission": permission,
          response: { ...(schema.response as object), default: problemResponse },
        },
      };
    },
  });
}
