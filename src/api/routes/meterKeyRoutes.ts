/** Keys of ciphered meters. They go in and never come out: not in an answer, a log, an event or the audit. */
import { z } from "zod";
import { keyAlgorithms, keyPurposes, meterKeyBytes } from "#domain/meterKey.ts";
import { formatInstant } from "#domain/units.ts";
import { ask } from "../ask.ts";
import { idParams, instantJson } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { knownMeter } from "./meterRoutes.ts";
import type { Routes } from "./routes.ts";

const hexKey = z.string().regex(new RegExp(`^[0-9a-fA-F]{${meterKeyBytes * 2}}$`));
const keysSchema = z
  .strictObject({
    algorithm: z.enum(keyAlgorithms).default("aes-128"),
    encryption: hexKey.optional(),
    authentication: hexKey.optional(),
  })
  .refine(
    ({ encryption, authentication }) => encryption !== undefined || authentication !== undefined,
    "name at least one key",
  );
const keyListSchema = z.object({
  items: z.array(
    z.object({
      purpose: z.enum(keyPurposes),
      algorithm: z.enum(keyAlgorithms),
      setAt: instantJson,
    }),
  ),
});
const url = "/v1/meters/:id/keys";

/** `/v1/meters/{id}/keys`. */
export function meterKeyRoutes(app: Routes, options: ApiOptions): void {
  readRoute(app, options);
  app.put(
    url,
    {
      config: { permission: "meterKeys.write" },
      schema: {
        tags: ["keys"],
        summary: "Puts keys of a ciphered meter on file; each replaces the one of its purpose",
        description: "32 hexadecimal digits each. They are sealed at once and cannot be read back.",
        params: idParams,
        body: keysSchema,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { vault } = options;
      if (vault === null) {
        throw new ProblemError(
          "not-allowed-in-state",
          "no master key is configured: set keys.masterKeyFile and restart",
        );
      }
      const meterId = request.params.id;
      const { algorithm, ...given } = request.body;
      const keys = keyPurposes.flatMap((purpose) => {
        const hex = given[purpose];
        if (hex === undefined) return [];
        const sealed = vault.seal(meterId, purpose, Buffer.from(hex, "hex"));
        return [{ purpose, algorithm, ...sealed }];
      });
      await ask(options, request, { kind: "meterKeys.put", meterId, keys }, "done");
      return reply.code(204).send();
    },
  );
  app.delete(
    url,
    {
      config: { permission: "meterKeys.write" },
      schema: {
        tags: ["keys"],
        summary: "Takes every key of a meter off the file",
        params: idParams,
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const wanted = { kind: "meterKeys.drop", meterId: request.params.id } as const;
      await ask(options, request, wanted, "done");
      return reply.code(204).send();
    },
  );
}

function readRoute(app: Routes, options: ApiOptions): void {
  app.get(
    url,
    {
      config: { permission: "meters.read" },
      schema: {
        tags: ["keys"],
        summary: "Which keys are on file of a meter; not the keys",
        params: idParams,
        response: { 200: keyListSchema },
      },
    },
    async (request) => {
      const { id } = request.params;
      await knownMeter(options, id);
      const keys = await options.queries.meterKeys(id);
      const items = keys.map(({ setAtMs, ...key }) => ({ ...key, setAt: formatInstant(setAtMs) }));
      return { items };
    },
  );
}
