/** The profiles of meter models that are in force. They are files; the API shows which there are. */
import { z } from "zod";
import { protocolNames } from "#domain/meter.ts";
import { meterFunctions } from "#domain/profile.ts";
import type { ApiOptions } from "../options.ts";
import type { Routes } from "./routes.ts";

const profileSchema = z.object({
  id: z.string(),
  version: z.number(),
  title: z.string(),
  protocol: z.enum(protocolNames),
  confirmed: z.boolean(),
  quantumMl: z.number().nullable(),
  functions: z.array(z.enum(meterFunctions)),
  actuationsRated: z.number().nullable(),
  selfClosesAfterDays: z.number().nullable(),
});

/** `/v1/profiles`. */
export function profileRoutes(app: Routes, { profiles }: ApiOptions): void {
  const items = Object.values(profiles)
    .map(({ isConfirmed, dialect: _dialect, ...same }) => ({
      ...same,
      functions: [...same.functions],
      confirmed: isConfirmed,
    }))
    .sort((one, other) => one.id.localeCompare(other.id));
  app.get(
    "/v1/profiles",
    {
      config: { permission: "meters.read" },
      schema: {
        tags: ["meters"],
        summary: "The meter models that a meter may be registered with",
        response: { 200: z.object({ items: z.array(profileSchema) }) },
      },
    },
    async () => ({ items }),
  );
}
