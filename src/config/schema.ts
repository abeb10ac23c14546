/** Every setting of the program: one schema gives type, default, validation and the reference page. */
import { isIP } from "node:net";
import { z } from "zod";
import { archiveSchema, readingsSchema } from "./storeSchema.ts";
import { notifySchema } from "./notifySchema.ts";
import { backupSchema, diskSchema, encryptionSchema, retentionSchema } from "./operationsSchema.ts";

const port = z.int().min(0).max(65_535);
const host = z.string().min(1).max(255);
const file = z.string().min(1);

const httpSchema = z.strictObject({
  host: host
    .default("127.0.0.1")
    .describe("Address that the API listens on. 0.0.0.0 only behind a proxy that speaks TLS."),
  port: port.default(8080).describe("TCP port of the API; 0 takes any free one."),
});

const mqttTlsSchema = z.strictObject({
  keyFile: file.describe("Private key of the listener, PEM."),
  certFile: file.describe("Certificate chain of the listener, PEM."),
});

const mqttSchema = z.strictObject({
  host: host.default("127.0.0.1").describe("Address that the meters' listener is bound to."),
  port: port
    .default(1883)
    .describe("TCP port for meters; 0 takes any free one. With TLS, 8883 is the customary one."),
  connectionsMax: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe("Sessions at the same time; more are refused and come back later."),
  tls: mqttTlsSchema.optional().describe("With both files the listener speaks TLS only."),
});

const network = z
  .string()
  .regex(/^[0-9a-fA-F.:]+(\/\d{1,3})?$/, "must be an address or a network such as 10.0.0.0/8")
  .refine(isNetwork, "must be an address or a network such as 10.0.0.0/8");

const cat1Schema = z.strictObject({
  host: host.default("127.0.0.1").describe("Address that the CAT-1 listener is bound to."),
  port: port
    .optional()
    .describe(
      "TCP port for CAT-1 meters; not set: there is no such listener. 0 takes any free one.",
    ),
  peers: z
    .array(network)
    .max(1_000)
    .default(["127.0.0.1"])
    .describe(
      "Networks that CAT-1 meters connect from. The protocol has no log-in: name the operator's private network and nothing else.",
    ),
});

const apiSchema = z.strictObject({
  originAllowList: z
    .array(z.url())
    .max(100)
    .default([])
    .describe("Web origins besides our own whose pages may join the live feed."),
});

const logSchema = z.strictObject({
  level: z
    .enum(["trace", "debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("Least serious line that is written. Every event is counted in the metrics anyway."),
});

const auditSchema = z.strictObject({
  headFile: file
    .optional()
    .describe(
      "File in a second place (another disk, another machine's share) that the newest entry of the audit " +
        "is appended to every 10 minutes. `mercaptan verify` compares the chain with it.",
    ),
});

const influxSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .describe("Base address of InfluxDB 2, or of VictoriaMetrics."),
  org: z.string().min(1).default("mercaptan").describe("Organisation that owns the bucket."),
  bucket: z
    .string()
    .min(1)
    .default("mercaptan")
    .describe("Bucket for the readings. What it does not keep for ever, `keepDays` must say."),
  keepDays: z
    .int()
    .min(2)
    .max(36_500)
    .optional()
    .describe("Days that the bucket keeps; older readings are left out. Not set: for ever."),
  dayBucket: z
    .string()
    .min(1)
    .optional()
    .describe("Bucket for what each meter's gas days came to, one point a day. Not set: none."),
  dayKeepDays: z
    .int()
    .min(2)
    .max(36_500)
    .optional()
    .describe("Days that `dayBucket` keeps; older gas days are left out. Not set: for ever."),
  tokenFile: file.optional().describe("File with a token that may write to the buckets."),
});

const heartbeatSchema = z.strictObject({
  file: file
    .optional()
    .describe("File that is written while all is well; its age tells a local watchdog."),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "Address that is called (GET) while all is well; may be this machine. No redirect is followed.",
    ),
  everySeconds: z
    .int()
    .min(5)
    .max(60)
    .default(15)
    .describe("Seconds between two heartbeats. When two fail in a row, there is an alarm."),
});

const keysSchema = z.strictObject({
  masterKeyFile: file
    .optional()
    .describe(
      "File with 64 hexadecimal digits that seal the keys of ciphered meters. Keep it, and a copy of it, outside the data directory; without it no meter's key can be kept.",
    ),
});

const onenetPushSchema = z.strictObject({
  gateway: z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,32}$/)
    .describe("Id of the gateway that stands for the platform."),
  tokenFile: file.describe("File with the token of the push instance."),
  aesKeyFile: file.optional().describe("File with the 16 characters of the key; secure mode only."),
});

const pushSchema = z.strictObject({
  onenet: z
    .array(onenetPushSchema)
    .max(100)
    .default([])
    .describe(
      "Gateways to which OneNET pushes. Each has the token of its push instance, and in secure mode the key.",
    ),
});

const sparkplugSchema = z.strictObject({
  hostId: z
    .string()
    .regex(/^[0-9A-Za-z._-]{1,64}$/, "must be 1 to 64 letters, digits, points, dashes")
    .default("mercaptan")
    .describe("Name of this host application in `spBv1.0/STATE/…`, which edge nodes wait for."),
});

const zone = z
  .string()
  .max(64)
  .refine(isZone, "must be the name of a time zone, such as Asia/Shanghai");
const startOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 06:00");

const areaGasDaySchema = z.strictObject({
  area: z.string().min(1).max(64).describe("Name of the area, as its meters have it."),
  zone: zone.describe("IANA name of the area's time zone."),
  start: startOfDay.describe("Local time at which the area's gas day begins."),
});

const gasDaySchema = z.strictObject({
  zone: zone
    .default("Asia/Shanghai")
    .describe("IANA name of the time zone in which gas days are counted."),
  start: startOfDay
    .default("00:00")
    .describe("Local time at which a gas day begins; registers are cut off then."),
  areas: z
    .array(areaGasDaySchema)
    .max(1_000)
    .default([])
    .describe("Areas whose gas day begins at another time, or in another zone."),
});

const clockSchema = z.strictObject({
  factor: z
    .number()
    .min(1)
    .max(100_000)
    .default(1)
    .describe("How many times faster than real time the clock runs. For demonstrations only."),
  baseMs: z
    .int()
    .min(0)
    .max(8_640_000_000_000)
    .optional()
    .describe("Real instant, in epoch ms, at which time-lapse began. For demonstrations only."),
});

export const configSchema = z
  .strictObject({
    dataDir: file.default("./data").describe("Directory of the ledger and the reading segments."),
    adminKeyFile: file
      .optional()
      .describe(
        "File with the first administrator's API key. Without it one is made and printed once.",
      ),
    profilesDir: file
      .optional()
      .describe("Folder with profiles of meter models (*.yaml), beside those that come along."),
    rulesFile: file
      .optional()
      .describe("Rule document (YAML) with thresholds of one's own; see docs/RULES.md."),
    closePolicyFile: file
      .optional()
      .describe(
        "Policy (YAML) of what may close a valve without a person; see docs/CLOSING.md. Absent: a leak may.",
      ),
    http: httpSchema.prefault({}).describe("API, live feed, health and metrics."),
    mqtt: mqttSchema.prefault({}).describe("Listener for meters and gateways."),
    cat1: cat1Schema.prefault({}).describe("Listener for meters that speak CAT-1 over TCP."),
    api: apiSchema.prefault({}).describe("Who may use the API from where."),
    push: pushSchema.prefault({}).describe("Platforms that sign what they push over HTTP."),
    log: logSchema.prefault({}).describe("Log lines (JSON) on standard error."),
    audit: auditSchema.prefault({}).describe("Proof that nobody has rewritten the audit."),
    influx: influxSchema
      .optional()
      .describe("Copies every stored reading to a time-series server; absent: off."),
    backup: backupSchema
      .prefault({})
      .describe("Copies of the data directory beside the running service; see docs/OPERATIONS.md."),
    encryption: encryptionSchema
      .prefault({})
      .describe(
        "Files at rest under a key: segments of readings, and backups; see docs/OPERATIONS.md.",
      ),
    retention: retentionSchema
      .prefault({})
      .describe(
        "How long what is kept; see docs/OPERATIONS.md. Alarms, commands, bills and the audit are never removed.",
      ),
    disk: diskSchema.prefault({}).describe("What happens when the disk is nearly full."),
    heartbeat: heartbeatSchema
      .prefault({})
      .describe("A sign of life to a watchdog outside: it alone notices our end."),
    notify: notifySchema.prefault({}).describe("Telling others: webhooks, short messages, mail."),
    keys: keysSchema.prefault({}).describe("Keys of meters that cipher their frames."),
    sparkplug: sparkplugSchema
      .prefault({})
      .describe("Gateways that speak Sparkplug B over the meters' listener."),
    gasDay: gasDaySchema.prefault({}).describe("When a gas day begins: the cut-off for billing."),
    readings: readingsSchema.prefault({}).describe("The reading store; see docs/READING-STORE.md."),
    archive: archiveSchema.prefault({}).describe("The archive of raw frames."),
    clock: clockSchema
      .prefault({})
      .describe("Time-lapse for demonstrations. Never set it where real meters report."),
  })
  .superRefine(listenersDiffer)
  .superRefine(gatewaysDiffer);

/** Known to the program's own table of zones. */
function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    // RangeError: no such zone; the schema says so with the place.
    return false;
  }
}

function isNetwork(text: string): boolean {
  const [address = "", prefix] = text.split("/");
  const version = isIP(address);
  return version !== 0 && (prefix === undefined || Number(prefix) <= (version === 4 ? 32 : 128));
}

interface Ports {
  readonly http: { readonly port: number };
  readonly mqtt: { readonly port: number };
  readonly cat1: { readonly port?: number | undefined };
}

/** Two listeners cannot share a port; 0 is never the same twice. */
function listenersDiffer({ http, mqtt, cat1 }: Ports, context: z.RefinementCtx): void {
  const taken = new Map([[http.port, "http.port"]]);
  for (const [name, port] of [
    ["mqtt", mqtt.port],
    ["cat1", cat1.port],
  ] as const) {
    if (port === undefined || port === 0) continue;
    const other = taken.get(port);
    taken.set(port, `${name}.port`);
    if (other === undefined) continue;
    context.addIssue({
      code: "custom",
      path: [name, "port"],
      message: `must differ from ${other}`,
    });
  }
}

/** Two tokens for one gateway: which of them would be asked? */
function gatewaysDiffer(
  config: { readonly push: { readonly onenet: readonly { readonly gateway: string }[] } },
  context: z.RefinementCtx,
): void {
  const gateways = config.push.onenet.map(({ gateway }) => gateway);
  if (new Set(gateways).size === gateways.length) return;
  const path = ["push", "onenet"];
  context.addIssue({ code: "custom", path, message: "each gateway must stand there once" });
}

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/** The settings in force: checked, complete, frozen. Holds names of secret files, never a secret. */
export type Config = DeepReadonly<z.output<typeof configSchema>>;
