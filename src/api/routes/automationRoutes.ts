/** The switch that stops all automatic commands. People may still close valves while it is off. */
import { z } from "zod";
import { ask } from "../ask.ts";
import { reasonSchema } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const automationSchema = z.object({ automation: z.enum(["stopped", "running"]) });

/** `/v1/automation/stop` and `/resume`. */
export function automationRoutes(app: Routes, options: ApiOptions): void {
  app.post(
    "/v1/automation/stop",
    {
      config: { permission: "automation.stop" },
      schema: {
        tags: ["automation"],
        summary: "No automatic command any more, until resumed; survives restarts",
        headers: idempotencyHeaders,
        // In a hurry nobody should be refused for want of a sentence.
        body: z.strictObject({ reason: reasonSchema.default("not given") }).nullish(),
        response: { 200: automationSchema },
      },
    },
    async (request) => {
      const { reason = "not given" } = request.body ?? {};
      await ask(options, request, { kind: "automation.stop", reason }, "done");
      return { automation: "stopped" as const };
    },
  );
  app.post(
    "/v1/automation/resume",
    {
      config: { permission: "automation.resume" },
      schema: {
        tags: ["automation"],
        summary: "Lets automatic commands happen again; not for the operator",
        headers: idempotencyHeaders,
        body: z.strictObject({ reason: reasonSchema }),
        response: { 200: automationSchema },
      },
    },
    async (request) => {
      const { reason } = request.body;
      await ask(options, request, { kind: "automation.resume", reason }, "done");
      return { automation: "running" as const };
    },
  );
}
