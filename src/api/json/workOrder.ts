/** A work order as JSON: where, what, who, until when, and everything that was done. */
import { publicWorkOrder, workOrderStates } from "#domain/workOrder.ts";
import type { WorkOrderView } from "#ports/queries.ts";
import { z } from "zod";
import { instantJson, instantQuery, text } from "./common.ts";
import { positionSchema } from "./meter.ts";

/** The same order in the utility's own dispatch system. */
const externalRefSchema = z.strictObject({ system: text(64), ref: text(128) });

export const workOrderSchema = z.object({
  id: z.string(),
  alarmId: z.string(),
  meterId: z.string().nullable(),
  area: z.string().nullable(),
  position: positionSchema.nullable(),
  /** Left out for roles without the permission to see postal addresses. */
  address: z.string().nullable().optional(),
  rule: z.string(),
  priority: z.number(),
  state: z.enum(workOrderStates),
  openedAt: instantJson,
  openedBy: z.string(),
  assignee: z.string().nullable(),
  externalRef: externalRefSchema.nullable(),
  /** When the next step must have been taken. */
  dueAt: instantJson.nullable(),
  /** How often the deadline of the present step has passed. */
  escalations: z.number(),
  trace: z.array(
    z.object({
      at: instantJson,
      knownAt: instantJson,
      by: z.string(),
      act: z.string(),
      state: z.enum(workOrderStates),
      note: z.string().nullable(),
    }),
  ),
});

const noteSchema = text(1_000);
const common = {
  note: noteSchema.nullable().default(null),
  externalRef: externalRefSchema.nullable().default(null),
  /** When it happened; now, when it is left out. */
  at: instantQuery.optional(),
};

export const openSchema = z.strictObject({
  alarmId: z.string().min(1).max(64),
  note: common.note,
  externalRef: common.externalRef,
});

/** What each step wants to know. */
export const stepSchemas = {
  assign: z.strictObject({ ...common, assignee: text(64) }),
  arrive: z.strictObject(common),
  complete: z.strictObject({ ...common, note: noteSchema }),
  "call-back": z.strictObject({ ...common, note: noteSchema, satisfied: z.boolean() }),
  cancel: z.strictObject({ ...common, note: noteSchema }),
  note: z.strictObject({ ...common, note: noteSchema }),
  link: z.strictObject({ ...common, externalRef: externalRefSchema }),
} as const;

const minutes = z.int().min(1).max(527_040);
const steps = z.strictObject({
  assign: minutes,
  arrive: minutes,
  complete: minutes,
  callBack: minutes,
});
const priority = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);

export const policyShape = {
  /** Alarms of these priorities open an order by themselves. */
  openFor: z.array(priority).max(4),
  /** Minutes that each step may take, by priority. */
  minutes: z.strictObject({ "1": steps, "2": steps, "3": steps, "4": steps }),
};

/** For a reader; the postal address only for those who may see it. */
export function workOrderJson({ order, meter }: WorkOrderView, mayContact: boolean) {
  const shown = publicWorkOrder(order, meter);
  return mayContact ? { ...shown, address: meter?.address ?? null } : shown;
}
