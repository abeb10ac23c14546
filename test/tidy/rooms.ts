/** The rooms of the house: what each is, and what it may import. docs/ARCHITECTURE.md shows the same table. */

export interface Room {
  /** Its folder or file; in a path, `*` stands for one name. */
  readonly path: string;
  readonly sentence: string;
  /** Rooms, folders of rooms or files. */
  readonly mayImport: readonly string[];
  /** Only their types: `import type`. */
  readonly mayImportTypesOf: readonly string[];
}

function room(
  path: string,
  sentence: string,
  mayImport: readonly string[] = [],
  mayImportTypesOf: readonly string[] = [],
): Room {
  return { path, sentence, mayImport, mayImportTypesOf };
}

const domain = "src/domain";
const ports = "src/ports";
const contract = "protocols/contract.ts";

/** The allow-list. The first room whose path fits is a file's room, so files come before folders. */
export const rooms: readonly Room[] = [
  room(
    domain,
    "The words of the trade with their ids and units, and tiny total functions on them.",
  ),
  room(contract, "What every protocol offers: bytes to telegrams, commands to bytes.", [domain]),
  room("protocols/registry.ts", "The protocols there are, by name.", [domain, "protocols"]),
  room(
    "protocols/codec",
    "The kit that turns a table of fields into both directions of a codec.",
    [domain],
    [contract],
  ),
  room("protocols/wmbus", "M-Bus by radio: its frames and ciphers around the records of M-Bus.", [
    domain,
    "protocols/codec",
    contract,
    "protocols/mbus",
  ]),
  room(
    "protocols/carriers",
    "What platforms wrap around a frame: opened and written, with no socket and no clock.",
    [domain, "protocols/codec", contract],
  ),
  room("protocols/*", "One standard, decoded and encoded, with no socket and no clock.", [
    domain,
    "protocols/codec",
    contract,
  ]),
  room(
    "src/screening",
    "What a decoded reading is worth: identity, duplicates, time, register decisions, plausibility.",
    [domain],
    [contract],
  ),
  room("src/rules", "Conditions as pure rules over a meter's history.", [domain]),
  room("src/alarms", "The life of an alarm and the words people read.", [domain]),
  room(
    "src/valves",
    "Intended against reported position: the next command, interlocks, breaker, verification.",
    [domain],
  ),
  room(
    "src/billing",
    "What passed a metering point between two instants, to the millilitre, and what a bill must know of it.",
    [domain, "src/screening", "src/readings/gasDay.ts"],
  ),
  room("src/dispatch", "The life of a work order: steps, deadlines, escalation.", [domain]),
  room("src/ports", "What the engine needs from the world, as interfaces.", [domain]),
  room("src/engine", "The use-cases, the batch, the one writer.", [
    domain,
    "src/screening",
    "src/rules",
    "src/alarms",
    "src/valves",
    "src/dispatch",
    ports,
    contract,
    "protocols/carriers/contract.ts",
  ]),
  room("src/ledger", "System of record: rows, migrations, audit, and reads in a worker.", [
    domain,
    "src/readings",
    "src/archive",
    ports,
  ]),
  room("src/archive", "The archive of raw frames: immutable compressed files and their list.", [
    domain,
    ports,
  ]),
  room("src/vault", "Seals and opens the keys of ciphered meters.", [domain, ports]),
  room(
    "src/backup",
    "Copies of the data directory with hashes, their verification, and the way back with its proof.",
    [domain, ports, "src/ledger"],
  ),
  room("src/export", "Readings and consumption as files for other programs.", [domain, ports]),
  room(
    "src/readings",
    "The reading store: hot batches in the ledger's transaction, immutable segments, roll-ups, manifest.",
    [domain, ports],
  ),
  room(
    "src/intake",
    "The MQTT listener with its guard: sessions, credentials, limits.",
    [domain, ports, "protocols/sparkplug/topic.ts"],
    ["src/engine"],
  ),
  room("src/downlink", "Carries an encoded command to the session that a meter has now.", [
    domain,
    ports,
  ]),
  room("src/sinks", "Consumers of what is stored: the time-series server.", [domain, ports]),
  room(
    "src/notify",
    "Tells people and machines outside, at least once: webhooks, short messages, mail.",
    [domain, ports],
  ),
  room(
    "src/api",
    "Routes, live feed, authentication and roles; JSON to use-cases and back.",
    [domain, ports],
    ["src/engine"],
  ),
  room("src/selfwatch", "Watches ourselves: lag, clock, disk, heartbeat outwards.", [
    domain,
    ports,
  ]),
  room("src/observability", "Named internal events, each with its metric and its log line.", [
    domain,
    ports,
  ]),
  room("src/config", "One schema, defaults, one loader; the only reader of `process.env`.", [
    domain,
  ]),
  room(
    "src/decode",
    "A frame in a person's hand: its protocol guessed, a table of its bytes, words in two languages.",
    [domain, "protocols"],
  ),
  room("src/*.ts", "Where everything meets: a part is an argument.", [
    "src",
    "protocols",
    "simulators",
  ]),
  room(
    "simulators",
    "Meters that report, leak, lie, repeat, sleep and fall silent; they count their own valve movements.",
    [domain, "protocols"],
  ),
  room("grafana", "Dashboards as code, and what provisions them."),
];

/** No clock, no randomness, no timer, no disk, no network, no process: these are arguments. */
export const pureRooms: readonly string[] = [
  domain,
  "protocols",
  "src/screening",
  "src/rules",
  "src/alarms",
  "src/valves",
  "src/billing",
  "src/dispatch",
  "src/engine",
  ports,
];

/** The one builtin that the pure rooms may name, and where: no one writes ciphers by hand. */
export const pureExceptions: readonly { readonly file: RegExp; readonly builtin: string }[] = [
  { file: /^protocols\/[^/]+\/security\.ts$/, builtin: "node:crypto" },
];

/** One npm package, one room. Tests may use all of them. zod stands at the two borders that people write to. */
export const packageRooms: Readonly<Record<string, readonly string[]>> = {
  "@fastify/helmet": ["src/api"],
  "@fastify/rate-limit": ["src/api"],
  "@fastify/swagger": ["src/api"],
  "@fastify/websocket": ["src/api"],
  "@grafana/grafana-foundation-sdk": ["grafana"],
  "@influxdata/influxdb-client": ["src/sinks"],
  "@marcbachmann/cel-js": ["src/rules"],
  aedes: ["src/intake"],
  "close-with-grace": ["src/*.ts"],
  commander: ["src/*.ts"],
  fastify: ["src/api"],
  "fastify-type-provider-zod": ["src/api"],
  mqtt: ["simulators"],
  nodemailer: ["src/notify"],
  pino: ["src/observability"],
  "hyparquet-writer": ["src/export"],
  "prom-client": ["src/observability"],
  protobufjs: ["protocols/codec"],
  yaml: ["src/config"],
  zod: ["src/config", "src/api"],
};

/** The room of a file; undefined: it has none, and must get one. */
export function roomOf(file: string): Room | undefined {
  return rooms.find(({ path }) => isInside(file, path));
}

/** True when the file is that path or lies under it; `*` stands for one name. */
export function isInside(file: string, path: string): boolean {
  const wanted = path.split("/");
  const parts = file.split("/");
  if (path.endsWith("*.ts") && parts.length !== wanted.length) return false;
  if (parts.length < wanted.length || (parts.length === wanted.length && !path.endsWith(".ts"))) {
    return false;
  }
  return wanted.every((name, place) => {
    const part = parts[place] ?? "";
    if (name === "*.ts") return part.endsWith(".ts");
    return name === "*" ? !part.endsWith(".ts") : name === part;
  });
}

/** The table as docs/ARCHITECTURE.md shows it. */
export function roomTable(): string {
  const quoted = (paths: readonly string[]) => paths.map((path) => `\`${path}\``);
  const rows = rooms.map(({ path, sentence, mayImport, mayImportTypesOf }) => {
    const types = quoted(mayImportTypesOf).map((path) => `types of ${path}`);
    const allowed = [...quoted(mayImport), ...types].join(", ");
    return `| \`${path}\` | ${sentence} | ${allowed === "" ? "nothing" : allowed} |`;
  });
  return ["| Room | One sentence | May import |", "| --- | --- | --- |", ...rows].join("\n");
}
