/** The explanation of an alarm, occurrence by occurrence. */
import type { Alarm } from "#domain/alarm.ts";
import type { Meter } from "#domain/meter.ts";
import type { RuleRecord } from "#domain/ruleDocument.ts";
import type { StoredReading } from "#domain/reading.ts";
import type { OccurrenceView } from "#ports/queries.ts";
import { z } from "zod";
import { ownIdParams } from "../json/common.ts";
import { occurrenceJson, occurrenceSchema, type Explained } from "../json/explanation.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import type { Routes } from "./routes.ts";

/** `/v1/alarms/{id}/occurrences`. */
export function explanationRoutes(app: Routes, options: ApiOptions): void {
  const { queries, limits, describeAlarm } = options;
  app.get(
    "/v1/alarms/:id/occurrences",
    {
      config: { permission: "alarms.read" },
      schema: {
        tags: ["alarms"],
        summary: "Each time its condition held: rule, values in force, sentence, readings, bytes",
        params: ownIdParams,
        response: { 200: z.object({ items: z.array(occurrenceSchema) }) },
      },
    },
    async ({ params: { id } }) => {
      const view = await queries.alarm(id);
      if (view === null) throw new ProblemError("not-found", `there is no alarm ${id}`);
      const { meter } = view;
      const items: z.infer<typeof occurrenceSchema>[] = [];
      if (meter === null) return { items };
      const kept = await queries.occurrencesOf(id, limits.occurrenceRowsMax);
      for (const occurrence of kept.length > 0 ? kept : asOccurrence(view.alarm)) {
        items.push(occurrenceJson(view, await explain(options, meter, occurrence), describeAlarm));
      }
      return { items };
    },
  );
}

/** What no reading raised, but the clock or a command, has no row of its own: the alarm is its record. */
function asOccurrence(alarm: Alarm): readonly OccurrenceView[] {
  const { level, proof, raisedAtMs, returnedAtMs } = alarm;
  const rule = byClock.find((name) => name === alarm.rule);
  if (rule === undefined) return [];
  const times = { raisedAtMs, returnedAtMs, retractedAtMs: null };
  return [{ id: 0, alarmId: alarm.id, rule, level, proof, ...times }];
}

async function explain(
  options: ApiOptions,
  meter: Meter,
  occurrence: OccurrenceView,
): Promise<Explained> {
  const record = await rulesOf(options, occurrence);
  const inForce = options.ruleBook.explain(record?.document ?? null, meter, occurrence.rule);
  const readings = await readingsOf(options, meter, occurrence);
  return { occurrence, inForce, record, readings };
}

/** The proof names the document; what no reading raised has none, and then the time decides. */
async function rulesOf(
  { queries }: ApiOptions,
  { rule, proof, raisedAtMs }: OccurrenceView,
): Promise<RuleRecord | null> {
  const { rulesVersion } = proof;
  if (typeof rulesVersion === "string") return queries.rulesNamed(rulesVersion);
  return byClock.some((name) => name === rule) ? queries.rulesAt(raisedAtMs) : null;
}

const byClock = ["R12", "R15", "R17", "R18", "R19", "R20", "R21"] as const;

/** Lengths in a proof that say how far back it looks. */
const spans = ["heldMs", "flowingMs", "unusedMs", "silentMs"] as const;

/** Up to the raise, as far back as the proof looks; of a long stretch the newest. */
async function readingsOf(
  { queries, limits }: ApiOptions,
  { id, reportEveryMs }: Meter,
  { proof, raisedAtMs }: OccurrenceView,
): Promise<readonly StoredReading[]> {
  const rows = limits.explanationRowsMax;
  const looked = Math.max(0, ...spans.map((name) => Number(proof[name] ?? 0)));
  const spanMs = Math.min(looked + 3 * reportEveryMs, rows * reportEveryMs);
  const fromMs = raisedAtMs - spanMs;
  const { items } = await queries.readings(id, fromMs, raisedAtMs + 1, null, limits.pageRowsMax);
  return items.slice(-rows);
}
