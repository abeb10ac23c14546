/** Areas, and the meters on a map. */
import type { AlarmState, Priority } from "#domain/alarm.ts";
import { siteClasses, type Meter } from "#domain/meter.ts";
import { valvePositions } from "#domain/telegram.ts";
import type { MeterView } from "#ports/queries.ts";
import { z } from "zod";
import { areaSchema } from "../json/common.ts";
import type { ApiOptions } from "../options.ts";
import { ProblemError } from "../problems.ts";
import { allPages, sendRaw, streamOf, type Routes } from "./routes.ts";

const areaJson = z.object({ id: z.string(), meters: z.number(), activeAlarms: z.number() });

/** Of the collection's features; documentation, for the stream is not serialised by it. */
const mapSchema = z.object({
  type: z.literal("FeatureCollection"),
  features: z.array(
    z.object({
      type: z.literal("Feature"),
      id: z.string(),
      geometry: z.object({ type: z.literal("Point"), coordinates: z.array(z.number()) }),
      properties: z.object({
        area: z.string(),
        siteClass: z.enum(siteClasses),
        /** GeoJSON means WGS-84; where the registry has another system it says so here. */
        crs: z.string(),
        state: z.string(),
        valve: z.enum(valvePositions).nullable(),
        worstActivePriority: z.number().nullable(),
      }),
    }),
  ),
});

/** Alarms whose condition holds, seen or not. */
const activeStates = [
  "unacknowledged",
  "acknowledged",
  "latched-unacknowledged",
  "latched-acknowledged",
] as const satisfies readonly AlarmState[];

/** `/v1/areas` and `/v1/map.geojson`. */
export function areaRoutes(app: Routes, options: ApiOptions): void {
  const { queries } = options;
  const areas = async () =>
    (await queries.areas()).map(({ area, meters, activeAlarms }) => ({
      id: area,
      meters,
      activeAlarms,
    }));
  app.get(
    "/v1/areas",
    {
      config: { permission: "areas.read" },
      schema: {
        tags: ["areas"],
        summary: "The areas with their meters and active alarms",
        response: { 200: z.object({ items: z.array(areaJson) }) },
      },
    },
    async () => ({ items: await areas() }),
  );
  app.get(
    "/v1/areas/:id",
    {
      config: { permission: "areas.read" },
      schema: {
        tags: ["areas"],
        summary: "One area",
        params: z.strictObject({ id: areaSchema }),
        response: { 200: areaJson },
      },
    },
    async (request) => {
      const area = (await areas()).find(({ id }) => id === request.params.id);
      if (area === undefined) throw new ProblemError("not-found", "no meter is in this area");
      return area;
    },
  );
  app.get(
    "/v1/map.geojson",
    {
      handlerTimeout: options.limits.bulkHandlerTimeoutMs,
      config: { permission: "meters.read" },
      schema: {
        tags: ["areas"],
        summary: "Meters that have a position, with their worst active alarm",
        querystring: z.strictObject({ area: areaSchema.optional() }),
        produces: ["application/geo+json"],
        response: { 200: mapSchema },
      },
    },
    async (request, reply) => {
      const { area = null } = request.query;
      const worst = await worstPriorities(options, area);
      const meters = allPages(async (after) =>
        queries.meters(after, options.limits.pageRowsMax, area),
      );
      return sendRaw(reply, "application/geo+json", streamOf(mapText(meters, worst)));
    },
  );
}

async function worstPriorities(
  { limits, queries }: ApiOptions,
  area: string | null,
): Promise<ReadonlyMap<string, Priority>> {
  const worst = new Map<string, Priority>();
  const filter = {
    states: activeStates,
    priorities: null,
    area,
    meterId: null,
    historical: false,
  };
  const pages = allPages(async (cursor) => queries.alarms(filter, cursor, limits.pageRowsMax));
  for await (const page of pages) {
    for (const { alarm, meter } of page) {
      if (meter === null) continue;
      const known = worst.get(meter.id);
      if (known === undefined || alarm.priority < known) worst.set(meter.id, alarm.priority);
    }
  }
  return worst;
}

async function* mapText(
  pages: AsyncIterable<readonly MeterView[]>,
  worst: ReadonlyMap<string, Priority>,
): AsyncGenerator<string> {
  yield '{"type":"FeatureCollection","features":[';
  let separator = "\n";
  for await (const page of pages) {
    for (const { meter, valve } of page) {
      if (meter.position === null) continue;
      const feature = featureOf(meter, meter.position, valve, worst.get(meter.id) ?? null);
      yield separator + JSON.stringify(feature);
      separator = ",\n";
    }
  }
  yield "\n]}\n";
}

function featureOf(
  meter: Meter,
  position: NonNullable<Meter["position"]>,
  valve: MeterView["valve"],
  worstActivePriority: Priority | null,
): z.infer<typeof mapSchema>["features"][number] {
  return {
    type: "Feature",
    id: meter.id,
    geometry: { type: "Point", coordinates: [position.longitude, position.latitude] },
    properties: {
      area: meter.area,
      siteClass: meter.siteClass,
      crs: position.crs,
      state: meter.lifecycle,
      valve,
      worstActivePriority,
    },
  };
}
