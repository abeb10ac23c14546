/** Profiles of meter models as files: which switches each protocol has, and what may stand there. */
import { z } from "zod";
import { protocolNames } from "#domain/meter.ts";
import type { Dialect } from "#domain/meterFile.ts";
import {
  closeMetricFault,
  metricQuantities,
  metricUnits,
  writtenTypes,
} from "#domain/edgeTable.ts";
import { meterFunctions, type Profile } from "#domain/profile.ts";
import { statusNames } from "#domain/status.ts";
import { valvePositions } from "#domain/telegram.ts";
import { minuteMs } from "#domain/units.ts";

const byte = z.int().min(0).max(255);
const hexBytes = (count: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-fA-F]{${count * 2}}$`), `must be ${count * 2} hexadecimal digits`)
    .transform((digits) => Uint8Array.from(Buffer.from(digits, "hex")));

const statusMap = z.strictObject({
  valve: z
    .strictObject({
      byte,
      mask: z.int().min(1).max(255),
      positions: z.record(z.string().regex(/^\d{1,3}$/), z.enum(valvePositions)),
    })
    .nullable()
    .default(null),
  bits: z
    .array(z.strictObject({ byte, bit: z.int().min(0).max(7), status: z.enum(statusNames) }))
    .max(64)
    .default([]),
});

const metricName = z.string().min(1).max(256);
const valueText = z.string().max(64);
const metricsMax = 256;

/** What one metric means; each quantity has units of its own. */
const metricMeaning = z.discriminatedUnion("to", [
  z.strictObject({
    to: z.literal("valve"),
    positions: z.record(valueText, z.enum(valvePositions)),
  }),
  z.strictObject({ to: z.literal("status"), flag: z.enum(statusNames) }),
  z.strictObject({
    to: z.literal("statusBits"),
    bits: z.array(z.enum(statusNames).nullable()).min(1).max(64),
  }),
  z.strictObject({
    to: z.literal("statusWords"),
    words: z.record(valueText, z.array(z.enum(statusNames)).max(statusNames.length)),
  }),
  ...metricQuantities.map((to) =>
    z.strictObject({
      to: z.literal(to),
      unit: z.enum(Object.keys(metricUnits[to])),
      exponent: z.int().min(-12).max(12).optional(),
    }),
  ),
]);

/** Every switch that there is; `switchesOf` says whose it is. */
const switches = {
  statusMap,
  valveDialect: z.enum(["standard", "control2a", "nonForced", "twoByte"]),
  diOrder: z.enum(["di0First", "di1First"]),
  broadcastValve: z.literal("linkOfOneMeter"),
  meterType: byte,
  volumeAt: z.enum(["measurement", "base"]),
  companion: z.literal("dsmrP2"),
  checksums: z.enum(["required", "absent"]),
  iv: hexBytes(16),
  allowPlain: z.boolean(),
  systemTitle: hexBytes(8),
  emptyAad: z.boolean(),
  volumeRegister: z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}$/),
  scalers: z.record(
    z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}$/),
    z.strictObject({ scaler: z.int().min(-12).max(12), unit: byte }),
  ),
  objectList: z
    .array(
      z
        .string()
        .regex(/^\d{1,3}-\d{1,3}:\d{1,3}\.\d{1,3}\.\d{1,3}$/)
        .nullable(),
    )
    .min(1)
    .max(256),
  capturePeriodSeconds: z.int().min(1).max(31_622_400),
  gasChannel: z.int().min(1).max(64),
  equipmentId: z.string().min(1).max(64),
  // A conversation with an edge node fits into no object of another protocol.
  inner: z.enum(protocolNames).exclude(["sparkplug"]),
  resourcePath: z.string().regex(/^(?:\/\d{1,5}){1,4}$/),
  resourceEncoding: z.enum(["text", "opaque", "cbor", "senmlJson", "senmlCbor", "tlv", "json"]),
  metrics: z
    .record(metricName, metricMeaning)
    .refine((table) => Object.keys(table).length <= metricsMax, `more than ${metricsMax} metrics`),
  closeMetric: z.strictObject({
    metric: metricName,
    dataType: z.enum(writtenTypes),
    value: z.union([z.number(), z.boolean(), valueText]),
  }),
} as const;

const ofMbus = ["statusMap", "volumeAt", "iv", "allowPlain"] as const;
const ofSuite0 = ["systemTitle", "emptyAad", "allowPlain"] as const;
const switchesOf: Readonly<Record<Profile["protocol"], readonly (keyof typeof switches)[]>> = {
  json: [],
  protobuf: [],
  cjt188: ["statusMap", "valveDialect", "diOrder", "broadcastValve", "meterType"],
  cat1: ["statusMap", "valveDialect", "meterType"],
  mbus: [...ofMbus, "companion"],
  wmbus: [...ofMbus, "checksums"],
  dsmr: [...ofSuite0, "volumeAt", "gasChannel", "equipmentId"],
  dlms: [
    ...ofSuite0,
    "volumeAt",
    "volumeRegister",
    "scalers",
    "objectList",
    "capturePeriodSeconds",
    "gasChannel",
  ],
  // What object 19 carries has switches of its own.
  lwm2m: [
    "inner",
    "resourcePath",
    "resourceEncoding",
    "statusMap",
    "valveDialect",
    "diOrder",
    "broadcastValve",
    "meterType",
  ],
  sparkplug: ["metrics", "closeMetric"],
};

/** Nothing that a profile says may open a valve. */
function onlyCloses(dialect: object, context: z.RefinementCtx): void {
  const { closeMetric, metrics = {} } = dialect as Dialect;
  const message = closeMetric === undefined ? null : closeMetricFault(closeMetric, metrics);
  if (message !== null) context.addIssue({ code: "custom", path: ["closeMetric"], message });
}

const offset = z
  .string()
  .regex(/^[+-](?:0\d|1[0-4]):[0-5]\d$/, "must be an offset such as +08:00")
  .transform((text) => {
    const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4));
    return text.startsWith("-") ? -minutes : minutes;
  });

const clock = z.strictObject({
  /** East of UTC, in winter. */
  offset: offset.optional(),
  /** DLMS: the meter writes its deviation with the opposite sign. */
  invertedDeviation: z.boolean().optional(),
});

const common = {
  id: z.string().regex(/^[0-9a-z][0-9a-z.-]{0,63}$/),
  version: z.int().min(1).max(1_000_000),
  title: z.string().min(1).max(200),
  confirmed: z.boolean().default(false),
  quantumMl: z.int().min(1).max(1_000_000_000).nullable().default(null),
  functions: z.array(z.enum(meterFunctions)).max(meterFunctions.length),
  actuationsRated: z.int().min(1).max(1_000_000).nullable().default(null),
  selfClosesAfterDays: z.int().min(1).max(255).nullable().default(null),
  clock: clock.prefault({}),
};

const forms = protocolNames.map((protocol) => {
  const own = Object.fromEntries(
    switchesOf[protocol].map((name) => [name, switches[name].optional()]),
  );
  return z.strictObject({
    ...common,
    protocol: z.literal(protocol),
    dialect: z.strictObject(own).superRefine(onlyCloses).prefault({}),
  });
});
type Form = (typeof forms)[number];

/** One profile file, by its protocol. */
export const profileSchema = z
  .discriminatedUnion("protocol", forms as [Form, ...Form[]])
  .transform(({ confirmed, clock, dialect, ...same }): Profile => {
    const { offset: minutes, invertedDeviation } = clock;
    const clocks: Dialect = {
      ...(minutes === undefined
        ? {}
        : { offsetMinutes: minutes, clockOffsetMs: minutes * minuteMs }),
      ...(invertedDeviation === undefined ? {} : { isDeviationInverted: invertedDeviation }),
    };
    return { ...same, isConfirmed: confirmed, dialect: { ...(dialect as Dialect), ...clocks } };
  });
