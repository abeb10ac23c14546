/** A meter as JSON: in, out, and changed. */
import {
  lifecycleStates,
  meterKinds,
  meterSizeNames,
  protocolNames,
  siteClasses,
  type Meter,
  type MeterDraft,
} from "#domain/meter.ts";
import { parseMeterId, type MeterId } from "#domain/ids.ts";
import { invariant } from "#domain/invariant.ts";
import type { Profiles } from "#domain/profile.ts";
import { valvePositions } from "#domain/telegram.ts";
import { dayMs, formatInstant, secondMs } from "#domain/units.ts";
import type { MeterView } from "#ports/queries.ts";
import { z } from "zod";
import { areaSchema, idSchema, instantJson, text } from "./common.ts";

export const positionSchema = z.strictObject({
  longitude: z.number().min(-180).max(180),
  latitude: z.number().min(-90).max(90),
  crs: z.enum(["WGS84", "GCJ02", "BD09"]).default("WGS84"),
});

/** 100,000 m³: five digits before the point, as the counters of domestic meters have. */
const registerRangeMlDefault = 1e11;

/** Four pilot lights of old heaters; what burns more day and night is an appliance. */
const pilotMlPerHourMax = 60_000;

/** The setting is one byte in the protocols that have it. */
const selfClosesAfterDaysMax = 255;

const fields = {
  size: z.enum(meterSizeNames),
  protocol: z.enum(protocolNames),
  quantumMl: z.int().min(1).max(1_000_000_000),
  registerRangeMl: z.int().min(1_000_000).max(Number.MAX_SAFE_INTEGER),
  pilotMlPerHour: z.int().min(0).max(pilotMlPerHourMax),
  area: areaSchema,
  siteClass: z.enum(siteClasses),
  position: positionSchema.nullable(),
  address: text(256).nullable(),
  critical: z.boolean(),
  frameAddress: z
    .string()
    .regex(/^[0-9A-Za-z.:_-]{1,64}$/)
    .nullable(),
  carrierAddress: z
    .string()
    .regex(/^[0-9a-z_-]{1,64}$/)
    .nullable(),
  profile: z
    .string()
    .regex(/^[0-9a-z][0-9a-z.-]{0,63}$/)
    .nullable(),
  kind: z.enum(meterKinds),
  selfClosesAfterDays: z.int().min(1).max(selfClosesAfterDaysMax).nullable(),
  verificationDueOn: z.iso.date().nullable(),
  retirementDueOn: z.iso.date().nullable(),
  reportEverySeconds: z
    .int()
    .min(1)
    .max((31 * dayMs) / secondMs),
  state: z.enum(lifecycleStates),
};

export const meterDraftSchema = z.strictObject({
  ...fields,
  id: idSchema,
  /** Left out: the profile's, else 10 litres. */
  quantumMl: fields.quantumMl.optional(),
  registerRangeMl: fields.registerRangeMl.default(registerRangeMlDefault),
  pilotMlPerHour: fields.pilotMlPerHour.default(0),
  area: fields.area.default("default"),
  siteClass: fields.siteClass.default("household"),
  position: fields.position.default(null),
  address: fields.address.default(null),
  critical: fields.critical.default(false),
  frameAddress: fields.frameAddress.default(null),
  carrierAddress: fields.carrierAddress.default(null),
  profile: fields.profile.default(null),
  kind: fields.kind.default("meter"),
  /** Left out: the profile's, else nobody has said that it does. */
  selfClosesAfterDays: fields.selfClosesAfterDays.optional(),
  verificationDueOn: fields.verificationDueOn.default(null),
  retirementDueOn: fields.retirementDueOn.default(null),
  reportEverySeconds: fields.reportEverySeconds.default(3600),
  state: fields.state.default("active"),
});

/** What may be different about a meter that takes the place of another. */
export const meterChangeFields = z
  .strictObject({
    size: fields.size,
    protocol: fields.protocol,
    quantumMl: fields.quantumMl,
    registerRangeMl: fields.registerRangeMl,
    frameAddress: fields.frameAddress,
    carrierAddress: fields.carrierAddress,
    profile: fields.profile,
    selfClosesAfterDays: fields.selfClosesAfterDays,
    reportEverySeconds: fields.reportEverySeconds,
  })
  .partial();

export const meterChangeSchema = z
  .strictObject(fields)
  .partial()
  .refine((change) => Object.keys(change).length > 0, "nothing to change");

export const meterSchema = z.object({
  ...fields,
  id: idSchema,
  /** Left out for roles without the permission to see postal addresses. */
  address: fields.address.optional(),
  lastSeenAt: instantJson.nullable(),
  valve: z.enum(valvePositions).nullable(),
  etag: z.string(),
});

const quantumMlDefault = 10_000;

/** The registry's record of a checked draft. */
export function meterDraft(
  json: z.output<typeof meterDraftSchema>,
  profiles: Profiles,
): MeterDraft {
  const { reportEverySeconds, state, id, ...same } = json;
  const profile = Object.hasOwn(profiles, same.profile ?? "") ? profiles[same.profile ?? ""] : null;
  return {
    ...same,
    quantumMl: same.quantumMl ?? profile?.quantumMl ?? quantumMlDefault,
    selfClosesAfterDays: same.selfClosesAfterDays ?? profile?.selfClosesAfterDays ?? null,
    id: checkedMeterId(id),
    reportEveryMs: reportEverySeconds * secondMs,
    lifecycle: state,
  };
}

/** The changed properties, by the registry's names. */
export function meterChange(json: z.output<typeof meterChangeSchema>): Partial<MeterDraft> {
  const { reportEverySeconds, state, ...same } = json;
  // A property that JSON could not hold as undefined is simply absent.
  const change = Object.fromEntries(
    Object.entries(same).filter(([, value]) => value !== undefined),
  ) as Partial<MeterDraft>;
  return {
    ...change,
    ...(reportEverySeconds === undefined ? {} : { reportEveryMs: reportEverySeconds * secondMs }),
    ...(state === undefined ? {} : { lifecycle: state }),
  };
}

/** The strong ETag of a meter's version. */
export function meterEtag(meter: Meter): string {
  return `"${meter.version}"`;
}

/** A meter for a reader; the postal address only for those who may see it. */
export function meterJson(view: MeterView, mayContact: boolean): z.infer<typeof meterSchema> {
  const { meter } = view;
  return {
    id: meter.id,
    size: meter.size,
    protocol: meter.protocol,
    quantumMl: meter.quantumMl,
    registerRangeMl: meter.registerRangeMl,
    pilotMlPerHour: meter.pilotMlPerHour,
    area: meter.area,
    siteClass: meter.siteClass,
    position: meter.position,
    ...(mayContact ? { address: meter.address } : {}),
    critical: meter.critical,
    frameAddress: meter.frameAddress,
    carrierAddress: meter.carrierAddress,
    profile: meter.profile,
    kind: meter.kind,
    selfClosesAfterDays: meter.selfClosesAfterDays,
    verificationDueOn: meter.verificationDueOn,
    retirementDueOn: meter.retirementDueOn,
    reportEverySeconds: meter.reportEveryMs / secondMs,
    state: meter.lifecycle,
    lastSeenAt: view.lastSeenAtMs === null ? null : formatInstant(view.lastSeenAtMs),
    valve: view.valve,
    etag: meterEtag(meter),
  };
}

function checkedMeterId(id: string): MeterId {
  const meterId = parseMeterId(id);
  invariant(meterId !== undefined, "the schema has the same pattern as the domain");
  return meterId;
}
