/**
 * Alertmanager's API, version 2, over our alarms: Grafana's Alertmanager data source and `amtool` list and silence
 * them without a plug-in. A silence shelves the alarms that stand now, with reason and end; what begins later is not
 * silenced, and priority 1 never is. Alerts cannot be posted here.
 */
import { alarmStates, type Matcher, type Silence } from "#domain/alarm.ts";
import { formatInstant, minuteMs } from "#domain/units.ts";
import type { AlarmView } from "#ports/queries.ts";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { ask } from "../ask.ts";
import { problemOf } from "../errors.ts";
import { text } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError, problems } from "../problems.ts";
import { allPages, sendRaw, type Routes } from "../routes/routes.ts";
import { checked, isMatched, parseMatcher } from "./matchers.ts";
import { alertOf, labelsOf, receiver, silenceIdOf, silencesOf } from "./shapes.ts";

const filterQuery = z.union([z.string(), z.array(z.string()).max(20)]).optional();
const flag = z.enum(["true", "false"]).default("true");
const alertQuery = z.looseObject({
  filter: filterQuery,
  active: flag,
  silenced: flag,
  inhibited: flag,
  unprocessed: flag,
});
const silenceSchema = z.looseObject({
  id: z.string().optional(),
  matchers: z
    .array(
      z.looseObject({
        name: text(64),
        value: z.string().max(512),
        isRegex: z.boolean(),
        isEqual: z.boolean().default(true),
      }),
    )
    .min(1)
    .max(20),
  startsAt: z.iso.datetime({ offset: true }),
  endsAt: z.iso.datetime({ offset: true }),
  createdBy: z.string().max(200),
  comment: text(400),
});
const anything = z.unknown();
const idParams = z.strictObject({ id: z.string().min(1).max(64) });
/** A clock that is a little ahead is not a silence for later. */
const startAheadMs = minuteMs;

interface Handler {
  (request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
}

/** `/api/v2/…` */
export function alertmanagerRoutes(app: Routes, options: ApiOptions): void {
  readRoutes(app, options);
  silenceRoutes(app, options);
}

function readRoutes(app: Routes, options: ApiOptions): void {
  const startedAt = formatInstant(options.clock.nowMs());
  const read = (url: string, summary: string, handler: Handler) =>
    app.get(
      url,
      { config: { permission: "alarms.read" }, schema: described(summary) },
      plain(handler),
    );
  read("/api/v2/status", "Status, as Alertmanager gives it", async () => ({
    cluster: { status: "disabled", peers: [] },
    versionInfo: {
      version: "0.25.0",
      revision: "mercaptan",
      branch: "",
      buildUser: "",
      buildDate: "",
      goVersion: "",
    },
    config: { original: "" },
    uptime: startedAt,
  }));
  read("/api/v2/receivers", "The one receiver", async () => [receiver]);
  read("/api/v2/alerts", "Standing alarms, as alerts", async (request) => alerts(options, request));
  read("/api/v2/alerts/groups", "The same by area and rule", async (request) => {
    const groups = Map.groupBy(await alerts(options, request), ({ labels }) =>
      JSON.stringify([labels["area"] ?? "", labels["alertname"] ?? ""]),
    );
    return [...groups].map(([key, own]) => {
      const [area, alertname] = JSON.parse(key) as [string, string];
      return { labels: { area, alertname }, receiver, alerts: own };
    });
  });
  read("/api/v2/silences", "Shelved alarms, as silences", async (request) => {
    const matchers = matchersOf(request.query);
    const wanted = (await standing(options)).filter((view) => isMatched(matchers, labelsOf(view)));
    return silencesOf(wanted);
  });
}

function silenceRoutes(app: Routes, options: ApiOptions): void {
  const write = { permission: "alarms.shelve" } as const;
  app.post(
    "/api/v2/silences",
    { config: write, schema: described("Shelves the standing alarms that match") },
    plain(async (request) => ({ silenceID: await silence(options, request) })),
  );
  app.get(
    "/api/v2/silence/:id",
    { config: { permission: "alarms.read" }, schema: described("One silence") },
    plain(async (request) => {
      const { id } = idParams.parse(request.params);
      const found = silencesOf(await standing(options)).find((one) => one.id === id);
      if (found === undefined) throw new ProblemError("not-found", `there is no silence ${id}`);
      return found;
    }),
  );
  app.delete(
    "/api/v2/silence/:id",
    { config: write, schema: described("Ends a silence: its alarms are back in sight") },
    plain(async (request) => {
      const { id } = idParams.parse(request.params);
      const own = (await standing(options)).filter(
        ({ alarm }) => alarm.state === "shelved" && silenceIdOf(alarm) === id,
      );
      if (own.length === 0) throw new ProblemError("not-found", `there is no silence ${id}`);
      await endSilence(options, request, own);
      return {};
    }),
  );
}

/** Alertmanager's clients expect a JSON text where ours get a problem. */
function plain(handler: Handler): Handler {
  return async (request, reply) => {
    try {
      const answer = await handler(request, reply);
      return await sendRaw(reply, "application/json", JSON.stringify(answer));
    } catch (error) {
      const problem =
        error instanceof z.ZodError
          ? new ProblemError("invalid-request", z.prettifyError(error))
          : problemOf(error);
      const { status } = problems[problem.code];
      if (status >= 500) throw error;
      // 422 is none of Alertmanager's answers.
      reply.code(status === 404 ? 404 : 400);
      return sendRaw(reply, "application/json", JSON.stringify(problem.message));
    }
  };
}

function described(summary: string) {
  return { tags: ["alertmanager"], summary, response: { 200: anything } };
}

/** Everything that stands, hidden or not; neither history nor work lists. */
async function standing({ queries, limits }: ApiOptions): Promise<readonly AlarmView[]> {
  const filter = {
    states: alarmStates.filter((state) => state !== "normal"),
    priorities: null,
    area: null,
    meterId: null,
    historical: false,
  };
  const found: AlarmView[] = [];
  for await (const page of allPages((cursor) =>
    queries.alarms(filter, cursor, limits.pageRowsMax),
  )) {
    found.push(...page.filter(({ alarm }) => !alarm.listed));
    if (found.length >= limits.alertmanagerAlarmsMax) break;
  }
  return found.slice(0, limits.alertmanagerAlarmsMax);
}

async function alerts(options: ApiOptions, request: FastifyRequest) {
  const query = alertQuery.parse(request.query);
  const matchers = matchersOf(query);
  const nowMs = options.clock.nowMs();
  return (await standing(options))
    .filter((view) => isMatched(matchers, labelsOf(view)))
    .map((view) => alertOf(view, options.describeAlarm, nowMs))
    .filter(({ status }) => {
      if (status.state === "active") return query.active === "true";
      return status.silencedBy.length > 0 ? query.silenced === "true" : query.inhibited === "true";
    });
}

function matchersOf(query: unknown): readonly Matcher[] {
  const { filter } = z.looseObject({ filter: filterQuery }).parse(query);
  const texts = filter === undefined ? [] : [filter].flat();
  return texts.map((one) => valueOf(parseMatcher(one)));
}

function valueOf(result: ReturnType<typeof checked>): Matcher {
  if (result.ok) return result.value;
  throw new ProblemError("invalid-request", result.fault);
}

/** Shelves what matches and may be shelved; the id under which it is shown and ended. */
async function silence(options: ApiOptions, request: FastifyRequest): Promise<string> {
  const {
    matchers: given,
    startsAt,
    endsAt,
    createdBy,
    comment,
    id: former,
  } = silenceSchema.parse(request.body);
  const { clock, rng, limits } = options;
  const nowMs = clock.nowMs();
  if (Date.parse(startsAt) > nowMs + startAheadMs) {
    throw new ProblemError("invalid-request", "a silence for later is not possible here");
  }
  const matchers = given.map(({ name, value, isRegex, isEqual }) =>
    valueOf(checked({ name, value, isRegex, isEqual })),
  );
  const matching = (await standing(options)).filter((view) => isMatched(matchers, labelsOf(view)));
  const isFormer = (view: AlarmView) => former !== undefined && silenceIdOf(view.alarm) === former;
  const chosen = matching.filter((view) => {
    const { state, priority } = view.alarm;
    return (
      priority > 1 &&
      (!["shelved", "suppressed", "out-of-service"].includes(state) || isFormer(view))
    );
  });
  if (chosen.length === 0) throw new ProblemError("invalid-request", whyNone(matching));
  if (chosen.length > limits.silencedAlarmsMax) {
    const detail = `more than ${limits.silencedAlarmsMax} alarms match: say it more exactly`;
    throw new ProblemError("invalid-request", detail);
  }
  const shelf: Silence = { id: rng.uuidV7(nowMs), matchers };
  const reason = createdBy === "" ? comment : `${comment} (${createdBy})`;
  const end = { atMs: Date.parse(endsAt) };
  const results = await Promise.allSettled(
    chosen.map(({ alarm: { id: alarmId, occurrence } }) =>
      ask(
        options,
        request,
        { kind: "alarm.shelve", alarmId, occurrence, reason, end, silence: shelf },
        "alarm",
        { mayReplay: false },
      ),
    ),
  );
  const refused = results.find((result) => result.status === "rejected");
  // Some may have changed meanwhile; when none could be shelved the first reason is the answer.
  if (refused !== undefined && results.every(({ status }) => status === "rejected")) {
    throw refused.reason;
  }
  return shelf.id;
}

function whyNone(matching: readonly AlarmView[]): string {
  if (matching.some(({ alarm }) => alarm.priority === 1)) {
    return "alarms of priority 1 are never silenced";
  }
  return "no standing alarm in sight matches; what may come later cannot be silenced";
}

async function endSilence(
  options: ApiOptions,
  request: FastifyRequest,
  views: readonly AlarmView[],
): Promise<void> {
  const reason = "the silence was ended";
  for (const { alarm } of views) {
    const wanted = { kind: "alarm.unshelve", alarmId: alarm.id, reason } as const;
    await ask(options, request, wanted, "alarm", { mayReplay: false });
  }
}
