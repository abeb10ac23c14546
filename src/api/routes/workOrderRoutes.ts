/** Work orders: opened for an alarm, assigned, on site, done, called back; by a person or their own system. */
import { workOrderStates, type WorkOrderAct } from "#domain/workOrder.ts";
import { z } from "zod";
import { mayContact } from "../access.ts";
import { ask } from "../ask.ts";
import {
  cursorQuery,
  idSchema,
  limitQuery,
  ownIdParams,
  ownIdSchema,
  pageOf,
  reasonSchema,
  wordList,
} from "../json/common.ts";
import {
  openSchema,
  policyShape,
  stepSchemas,
  workOrderJson,
  workOrderSchema,
} from "../json/workOrder.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { idempotencyHeaders, type Routes } from "./routes.ts";

const tags = ["dispatch"];
type StepWord = keyof typeof stepSchemas;

/** Each step's route: what it does to the order. */
const steps: Readonly<Record<StepWord, { readonly act: WorkOrderAct; readonly summary: string }>> =
  {
    assign: { act: "assign", summary: "Somebody goes" },
    arrive: { act: "arrive", summary: "They are on site" },
    complete: { act: "complete", summary: "What was found and done" },
    "call-back": {
      act: "callBack",
      summary: "The customer was asked; not satisfied: it is assigned anew",
    },
    cancel: { act: "cancel", summary: "Nobody need go; only while nobody is on site" },
    note: { act: "note", summary: "A word for whoever reads it later" },
    link: { act: "link", summary: "The same order in the utility's own dispatch system" },
  };

/** `/v1/work-orders`, `/v1/dispatch-policy`. */
export function workOrderRoutes(app: Routes, options: ApiOptions): void {
  readRoutes(app, options);
  openRoute(app, options);
  for (const word of Object.keys(steps) as StepWord[]) stepRoute(app, options, word);
  policyRoutes(app, options);
}

function readRoutes(app: Routes, options: ApiOptions): void {
  const { queries } = options;
  app.get(
    "/v1/work-orders",
    {
      config: { permission: "workOrders.read" },
      schema: {
        tags,
        summary: "Work orders, the newest first; `state` takes several words",
        querystring: z.strictObject({
          state: wordList(workOrderStates).optional(),
          alarmId: ownIdSchema.optional(),
          meterId: idSchema.optional(),
          cursor: cursorQuery.optional(),
          limit: limitQuery,
        }),
        response: { 200: pageOf(workOrderSchema) },
      },
    },
    async (request) => {
      const { state, alarmId = null, meterId = null, cursor = null, limit } = request.query;
      const filter = { states: state ?? null, alarmId, meterId };
      const { items, next } = await queries.workOrders(filter, cursor, limit);
      const contact = mayContact(request);
      return { items: items.map((view) => workOrderJson(view, contact)), next };
    },
  );
  app.get(
    "/v1/work-orders/:id",
    {
      config: { permission: "workOrders.read" },
      schema: {
        tags,
        summary: "One work order with everything that was done",
        params: ownIdParams,
        response: { 200: workOrderSchema },
      },
    },
    async (request) => workOrderJson(await known(options, request.params.id), mayContact(request)),
  );
}

function openRoute(app: Routes, options: ApiOptions): void {
  const { rng, clock } = options;
  app.post(
    "/v1/work-orders",
    {
      config: { permission: "workOrders.open" },
      schema: {
        tags,
        summary: "Opens an order for an alarm; 409 when one is open",
        headers: idempotencyHeaders,
        body: openSchema,
        response: { 201: workOrderSchema },
      },
    },
    async (request, reply) => {
      const workOrderId = `wo_${rng.uuidV7(clock.nowMs())}`;
      const wanted = { kind: "workOrder.open", workOrderId, ...request.body } as const;
      const { workOrder } = await ask(options, request, wanted, "workOrder");
      reply.code(201).header("location", `/v1/work-orders/${workOrder.id}`);
      return workOrderJson(await known(options, workOrder.id), mayContact(request));
    },
  );
}

function stepRoute(app: Routes, options: ApiOptions, word: StepWord): void {
  const { act, summary } = steps[word];
  app.post(
    `/v1/work-orders/:id/${word}`,
    {
      config: { permission: "workOrders.step" },
      schema: {
        tags,
        summary,
        headers: idempotencyHeaders,
        params: ownIdParams,
        body: stepSchemas[word],
        response: { 200: workOrderSchema },
      },
    },
    async (request) => {
      const { body } = request;
      const { id } = request.params;
      const isUnsatisfied = "satisfied" in body && !body.satisfied;
      const wanted = {
        kind: "workOrder.step",
        workOrderId: id,
        act: isUnsatisfied ? "reopen" : act,
        note: body.note,
        assignee: "assignee" in body ? body.assignee : null,
        externalRef: body.externalRef,
        atMs: body.at ?? null,
      } as const;
      await ask(options, request, wanted, "workOrder");
      return workOrderJson(await known(options, id), mayContact(request));
    },
  );
}

function policyRoutes(app: Routes, options: ApiOptions): void {
  const { queries, dispatchPolicyOf } = options;
  app.get(
    "/v1/dispatch-policy",
    {
      config: { permission: "workOrders.read" },
      schema: {
        tags,
        summary: "Which alarms open an order by themselves, and the deadlines",
        response: { 200: z.object(policyShape) },
      },
    },
    async () => {
      const { openFor, minutes } = dispatchPolicyOf(await queries.settings());
      return { openFor: [...openFor], minutes };
    },
  );
  app.put(
    "/v1/dispatch-policy",
    {
      config: { permission: "dispatch.policy" },
      schema: {
        tags,
        summary: "Decides both; orders that are open keep the deadline of their present step",
        body: z.strictObject({ ...policyShape, reason: reasonSchema }),
        response: { 204: z.undefined() },
      },
    },
    async (request, reply) => {
      const { reason, ...policy } = request.body;
      await ask(options, request, { kind: "dispatch.policy", policy, reason }, "done");
      return reply.code(204).send();
    },
  );
}

async function known({ queries }: ApiOptions, id: string) {
  const view = await queries.workOrder(id);
  if (view === null) throw new ProblemError("not-found", `there is no work order ${id}`);
  return view;
}
