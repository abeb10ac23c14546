/** An alarm as JSON: the list's line, and the explanation with the readings that prove it. */
import { alarmStates, meterRuleIds, systemRuleIds, type Alarm } from "#domain/alarm.ts";
import { publicAlarm, type BilingualText } from "#domain/publicJson.ts";
import { formatInstant } from "#domain/units.ts";
import type { AlarmFamily, AlarmView, Relative } from "#ports/queries.ts";
import { z } from "zod";
import { idSchema, instantJson, instantQuery, reasonSchema, text } from "./common.ts";
import { positionSchema } from "./meter.ts";
import { readingSchema } from "./reading.ts";

export const alarmSchema = z.object({
  id: z.string(),
  /** null: an alarm of the system itself. */
  meterId: idSchema.nullable(),
  area: z.string().nullable(),
  rule: z.enum([...meterRuleIds, ...systemRuleIds]),
  /** What a system alarm is about, where there can be several: an area or a gateway. */
  subject: z.string().nullable(),
  ruleVersion: z.number(),
  level: z.number(),
  priority: z.number(),
  occurrence: z.number(),
  historical: z.boolean(),
  state: z.enum(alarmStates),
  raisedAt: instantJson,
  returnedAt: instantJson.nullable(),
  /** When it became known here; differs from `raisedAt` by the way the reading took. */
  knownAt: instantJson,
  acknowledgedAt: instantJson.nullable(),
  acknowledgedBy: z.string().nullable(),
  /** Why it is on record and does not ring: shelved, suppressed or out of service. */
  hidden: z
    .object({
      reason: z.string(),
      by: z.string(),
      since: instantJson,
      until: instantJson.nullable(),
      /** A shelf that also ends when the alarm returns for the first time. */
      once: z.boolean(),
      /** The planned work that explains it. */
      plannedWork: z.string().nullable(),
    })
    .nullable(),
  rungAt: instantJson.nullable(),
  /** How often it has been told since then that nobody answers. */
  unanswered: z.number(),
  parentId: z.string().nullable(),
  /** An entry of a work list: it never rang. */
  listed: z.boolean(),
  message: z.object({ en: z.string(), zh: z.string() }),
  proof: z.record(z.string(), z.union([z.number(), z.string()])),
  position: positionSchema.nullable(),
  /** Left out for roles without the permission to see postal addresses. */
  address: z.string().nullable().optional(),
  comments: z.array(z.object({ at: instantJson, by: z.string(), text: z.string() })),
});

const relativeSchema = z.object({
  id: z.string(),
  rule: z.string(),
  meterId: idSchema.nullable(),
  state: z.enum(alarmStates),
  raisedAt: instantJson,
  /** 1: the first-out, by when the conditions began. */
  order: z.number(),
});

export const alarmDetailSchema = alarmSchema.extend({
  readings: z.array(readingSchema),
  /** The alarm of which this one is a consequence. */
  parent: relativeSchema.nullable(),
  /** Its own place among its parent and all that follows from that; null: it has neither. */
  order: z.number().nullable(),
  /** What follows from it, the first to begin first. */
  children: z.array(relativeSchema),
  childCount: z.number(),
});

/** Parent, own place and children of an alarm. */
export function familyJson({ parent, order, children, childCount }: AlarmFamily) {
  return {
    parent: parent === null ? null : relativeJson(parent),
    order,
    children: children.map(relativeJson),
    childCount,
  };
}

function relativeJson({ raisedAtMs, ...same }: Relative): z.infer<typeof relativeSchema> {
  return { ...same, raisedAt: formatInstant(raisedAtMs) };
}

export const acknowledgeSchema = z.strictObject({
  occurrence: z.int().min(1),
  comment: text(500).nullable().default(null),
});
const shelfSecondsMax = 7 * 86_400;

/** When the shelf ends: at an instant, after a length, or when the alarm returns once; one of these. */
export const shelveSchema = z
  .strictObject({
    reason: reasonSchema,
    occurrence: z.int().min(1).nullable().default(null),
    until: instantQuery.optional(),
    forSeconds: z.int().min(1).max(shelfSecondsMax).optional(),
    untilReturn: z.literal(true).optional(),
  })
  .refine(
    ({ until, forSeconds, untilReturn }) =>
      [until, forSeconds, untilReturn].filter((end) => end !== undefined).length === 1,
    "give one of until, forSeconds and untilReturn",
  );
export const unshelveSchema = z.strictObject({ reason: reasonSchema });
export const resetSchema = z.strictObject({ reason: reasonSchema });
export const commentSchema = z.strictObject({ comment: text(500) });

/** Says in both languages what an alarm means; the alarms room has the sentences. */
export type DescribeAlarm = (alarm: Alarm, meterId: string | null) => BilingualText;

/** An alarm for a reader; the postal address only for those who may see it. */
export function alarmJson(
  view: AlarmView,
  describe: DescribeAlarm,
  mayContact: boolean,
): z.infer<typeof alarmSchema> {
  const { alarm, meter } = view;
  return {
    ...publicAlarm(alarm, meter, describe(alarm, meter?.id ?? null)),
    ...(mayContact ? { address: meter?.address ?? null } : {}),
    comments: view.comments.map(({ atMs, by, text: words }) => ({
      at: formatInstant(atMs),
      by,
      text: words,
    })),
  };
}
