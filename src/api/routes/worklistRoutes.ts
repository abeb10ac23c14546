/** Work lists: what is no operator's business and waits for somebody who plans visits (clause 6.2.4). */
import { meterRuleIds } from "#domain/alarm.ts";
import { z } from "zod";
import { mayContact } from "../access.ts";
import { alarmJson, alarmSchema } from "../json/alarm.ts";
import { areaSchema, cursorQuery, idSchema, limitQuery, pageOf, wordList } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import type { Routes } from "./routes.ts";

const worklistQuery = z.strictObject({
  rule: wordList(meterRuleIds).optional(),
  area: areaSchema.optional(),
  meterId: idSchema.optional(),
  cursor: cursorQuery.optional(),
  limit: limitQuery,
});

/** `/v1/worklists`. */
export function worklistRoutes(app: Routes, options: ApiOptions): void {
  const { queries, describeAlarm } = options;
  app.get(
    "/v1/worklists",
    {
      config: { permission: "worklists.read" },
      schema: {
        tags: ["alarms"],
        summary: "What is no operator's business and waits for a visit: battery low, long non-use",
        querystring: worklistQuery,
        response: { 200: pageOf(alarmSchema) },
      },
    },
    async (request) => {
      const { rule, area = null, meterId = null, cursor = null, limit } = request.query;
      const filter = {
        ...{ states: null, priorities: null, historical: null, area, meterId },
        listed: true as const,
        ...(rule === undefined ? {} : { rules: rule }),
      };
      const { items, next } = await queries.alarms(filter, cursor, limit);
      const contact = mayContact(request);
      return { items: items.map((view) => alarmJson(view, describeAlarm, contact)), next };
    },
  );
}
