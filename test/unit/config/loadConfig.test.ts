import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigError } from "#config/configError.ts";
import { loadConfig, type ConfigSources } from "#config/loadConfig.ts";
import { loadFileKeys, loadSecrets } from "#config/secrets.ts";
import { settings } from "#config/settings.ts";
import { settingsFileCharsMax } from "#config/yamlFile.ts";

function load(sources: ConfigSources & { readonly file?: string }) {
  const { file, ...rest } = sources;
  return loadConfig({ env: {}, readFile: () => file, ...rest });
}

function problemsOf(sources: Parameters<typeof load>[0]): readonly string[] {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof ConfigError) {
      expect(error.code).toBe("CONFIG_INVALID");
      return error.problems.map(({ where, message }) => `${where}: ${message}`);
    }
    throw error;
  }
  return [];
}

test("without any setting everything is on loopback and switched off where it needs others", () => {
  expect(load({})).toEqual({
    dataDir: "./data",
    gasDay: { zone: "Asia/Shanghai", start: "00:00", areas: [] },
    retention: {},
    backup: { everyHours: 24, keep: 14, determinants: 1_000 },
    encryption: {},
    disk: { reserveMib: 128 },
    heartbeat: { everySeconds: 15 },
    cat1: { host: "127.0.0.1", peers: ["127.0.0.1"] },
    keys: {},
    http: { host: "127.0.0.1", port: 8080 },
    mqtt: { host: "127.0.0.1", port: 1883, connectionsMax: 10_000 },
    api: { originAllowList: [] },
    notify: { hostAllowList: [], source: "urn:mercaptan" },
    push: { onenet: [] },
    sparkplug: { hostId: "mercaptan" },
    log: { level: "info" },
    audit: {},
    readings: { flushRows: 250_000, flushMinutes: 60 },
    archive: { afterDays: 30, fileRows: 100_000 },
    clock: { factor: 1 },
  });
});

test("a flag wins over a variable, a variable over the file, the file over the default", () => {
  const file = "dataDir: /file\nhttp: { port: 1 }\nmqtt: { port: 2, host: 10.0.0.1 }\n";
  const env = { MERCAPTAN_DATA_DIR: "/env", MERCAPTAN_HTTP_PORT: "3", MERCAPTAN_MQTT_HOST: "" };
  const config = load({ file, env, flags: { dataDir: "/flag", mqttPort: undefined } });
  expect(config.dataDir).toBe("/flag");
  expect(config.http.port).toBe(3);
  expect(config.mqtt).toMatchObject({ port: 2, host: "10.0.0.1" });
});

test("a group that is off comes on with its first variable, and says what it still needs", () => {
  expect(load({ env: { MERCAPTAN_INFLUX_URL: "http://127.0.0.1:8086" } }).influx).toEqual({
    url: "http://127.0.0.1:8086",
    org: "mercaptan",
    bucket: "mercaptan",
  });
  expect(problemsOf({ env: { MERCAPTAN_INFLUX_BUCKET: "gas" } })).toEqual([
    "settings: influx.url: is missing; set influx.url in the file, MERCAPTAN_INFLUX_URL or " +
      "--influx-url to an address such as http://127.0.0.1:8086",
  ]);
});

test("lists are comma-separated in variables", () => {
  const env = { MERCAPTAN_API_ORIGIN_ALLOW_LIST: "https://a.example, https://b.example" };
  expect(load({ env }).api.originAllowList).toEqual(["https://a.example", "https://b.example"]);
});

test.for<[name: string, file: string, problem: string]>([
  [
    "unknown key",
    "http:\n  prot: 1\n",
    "2:3: http.prot: no such setting; allowed here: host, port",
  ],
  [
    "unknown group",
    "log: { level: warn }\nmqqt: {}\n",
    "2:1: mqqt: no such setting; allowed here: dataDir, ",
  ],
  ["wrong kind", "http:\n  port: abc\n", "2:3: http.port: must be a whole number from 0 to 65535"],
  ["fraction", "mqtt: { port: 1.5 }", "1:9: mqtt.port: must be a whole number from 0 to 65535"],
  ["too large", "http:\n\n  port: 65536", "3:3: http.port: must be a whole number from 0 to 65535"],
  [
    "null group",
    "dataDir: /a\nhttp:\n",
    "2:1: http: Invalid input: expected object, received null",
  ],
  ["text for a group", "mqtt: 1883", "1:1: mqtt: Invalid input: expected object, received number"],
  ["a list as file", "- 1\n", "1:1: the file: Invalid input: expected object, received array"],
  ["no entry allowed", "log: { level: loud }", "1:8: log.level: must be one of trace, debug,"],
  ["not http", "influx:\n  url: ftp://x", "2:3: influx.url: must be an address such as"],
  [
    "half a key pair",
    "mqtt:\n  tls:\n    keyFile: k.pem\n",
    "2:3: mqtt.tls.certFile: is missing; set mqtt.tls.certFile in the file, MERCAPTAN_MQTT_TLS_",
  ],
  [
    "bad entry of a list",
    "api:\n  originAllowList: [https://a.example, nonsense]",
    "2:3: api.originAllowList.1: must be a list, each entry an address",
  ],
  [
    "half a platform",
    "push:\n  onenet:\n    - gateway: G1\n",
    "2:3: push.onenet.0.tokenFile: is missing",
  ],
  [
    "an unknown key in a list",
    "push:\n  onenet:\n    - { gateway: G1, tokenFile: t, token: secret }\n",
    "2:3: push.onenet.0.token: no such setting; allowed here: gateway, tokenFile, aesKeyFile",
  ],
  [
    "a platform twice",
    "push:\n  onenet: [{ gateway: G1, tokenFile: a }, { gateway: G1, tokenFile: b }]\n",
    "2:3: push.onenet: each gateway must stand there once",
  ],
  ["twice the same key", "http: {}\nhttp: {}\n", "2:1: Map keys must be unique"],
  ["no YAML", "http: [\n", "2:1: Flow sequence in block collection must be"],
  ["prototype", "__proto__: { x: 1 }\n", "1:1: __proto__: no such setting"],
])("%s is refused with line and column", ([, file, problem]) => {
  const problems = problemsOf({ file, flags: { config: "m.yaml" } });
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(`m.yaml:${problem}`);
});

test("a mistake in a variable or a flag is told by its name, all mistakes at once", () => {
  const env = {
    MERCAPTAN_HTTP_PORT: "http",
    MERCAPTAN_HTP_PORT: "1",
    MERCAPTAN_INFLUX_TOKEN: "secret-text",
    OTHER: "x",
  };
  const problems = problemsOf({ env, flags: { mqttPort: "-1", shout: "yes" } });
  expect(problems).toEqual([
    "MERCAPTAN_HTP_PORT: no such setting; the variables are listed in docs/CONFIGURATION.md",
    "MERCAPTAN_INFLUX_TOKEN: no such setting; a secret is read from a file: set MERCAPTAN_INFLUX_TOKEN_FILE",
    "flag shout: no such setting",
    "MERCAPTAN_HTTP_PORT: http.port: must be a whole number from 0 to 65535",
    "--mqtt-port: mqtt.port: must be a whole number from 0 to 65535",
  ]);
  expect(problems.join()).not.toContain("secret-text");
});

test("listeners may not share a port, but both may take a free one", () => {
  expect(problemsOf({ flags: { httpPort: "1883" } })).toEqual([
    "settings: mqtt.port: must differ from http.port",
  ]);
  expect(problemsOf({ flags: { httpPort: "0", mqttPort: "0" } })).toEqual([]);
});

test("a named file must exist; the default one need not", () => {
  const readFile = () => undefined;
  expect(problemsOf({ readFile, env: { MERCAPTAN_CONFIG: "a.yaml" } })).toEqual([
    "MERCAPTAN_CONFIG: no such file: a.yaml",
  ]);
  expect(problemsOf({ readFile, flags: { config: "b.yaml" } })).toEqual([
    "--config: no such file: b.yaml",
  ]);
  expect(problemsOf({ readFile })).toEqual([]);
});

test("a directory, and a file longer than any settings, are refused", () => {
  expect(
    problemsOf({ flags: { config: "/" }, readFile: (path) => readFileSync(path, "utf8") }),
  ).toEqual(["--config: / cannot be read (EISDIR)"]);
  const problems = problemsOf({ file: "#".repeat(settingsFileCharsMax + 1) });
  expect(problems[0]).toContain("longer than 1000000 characters");
});

test("the result is frozen to the bottom", () => {
  const config = load({ env: { MERCAPTAN_API_ORIGIN_ALLOW_LIST: "https://a.example" } });
  for (const part of [config, config.http, config.mqtt, config.api.originAllowList]) {
    expect(Object.isFrozen(part)).toBe(true);
  }
});

test("two listeners cannot share a port, and peers are networks", () => {
  expect(problemsOf({ file: "cat1: { port: 8080 }" })[0]).toContain("must differ from http.port");
  expect(problemsOf({ file: "cat1: { port: 1883 }" })[0]).toContain("must differ from mqtt.port");
  const peers = (text: string) => ({ file: `cat1: { port: 9000, peers: ["${text}"] }` });
  for (const wrong of ["10.0.0.0/33", "10.0.0", "meters.example", "::/129"]) {
    expect(problemsOf(peers(wrong)).length).toBeGreaterThan(0);
  }
  for (const right of ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::1"]) load(peers(right));
});

test("the master key is 64 digits in a file outside the data directory", () => {
  const secretsOf = (path: string, text: string) => () =>
    loadSecrets(load({ file: `dataDir: /srv/data\nkeys: { masterKeyFile: ${path} }` }), () => text);
  const digits = "0f".repeat(32);
  expect(secretsOf("/etc/master.key", `${digits}\n`)().masterKey).toEqual(Buffer.alloc(32, 0x0f));
  expect(secretsOf("/srv/data/master.key", digits)).toThrow("must not lie in the data directory");
  expect(secretsOf("/srv/data-of-others/master.key", digits)).not.toThrow();
  expect(secretsOf("/etc/master.key", "0f")).toThrow("64 hexadecimal digits");
});

test("secrets are read from their files without the last newline", () => {
  const config = load({
    env: { MERCAPTAN_ADMIN_KEY_FILE: "key", MERCAPTAN_INFLUX_TOKEN_FILE: "token" },
    file: "influx: { url: http://h }\nmqtt: { tls: { keyFile: k, certFile: c } }",
  });
  expect(loadSecrets(config, (path) => `${path}-text\n`)).toEqual({
    adminKey: "key-text",
    smsSecret: null,
    mailPassword: null,
    fileKeys: null,
    influxToken: "token-text",
    masterKey: null,
    mqttTls: { keyPem: "k-text", certPem: "c-text" },
    onenet: [],
  });
  expect(loadSecrets(load({}))).toEqual({
    adminKey: null,
    smsSecret: null,
    mailPassword: null,
    fileKeys: null,
    influxToken: null,
    masterKey: null,
    mqttTls: null,
    onenet: [],
  });
  expect(() => loadSecrets(config, (path) => (path === "key" ? "\n" : "x"))).toThrow(
    /adminKeyFile: key is missing or empty/,
  );
});

test("the contract's variables exist, and no two settings share a name", () => {
  const variables = settings.map((setting) => setting.variable);
  for (const word of [
    "ADMIN_KEY_FILE",
    "DATA_DIR",
    "HTTP_PORT",
    "HTTP_HOST",
    "MQTT_PORT",
    "MQTT_HOST",
  ]) {
    expect(variables).toContain(`MERCAPTAN_${word}`);
  }
  expect(new Set(variables).size).toBe(variables.length);
  expect(new Set(settings.map((setting) => setting.flagKey)).size).toBe(settings.length);
});

test("process.env is read in one file of the whole source", () => {
  const source = join(import.meta.dirname, "../../../src");
  const readers = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .filter((name) => readFileSync(join(source, name), "utf8").includes("process.env"));
  expect(readers).toEqual(["config/environment.ts"]);
});

test("what stands in the file only is no variable and no flag", () => {
  expect(problemsOf({ env: { MERCAPTAN_PUSH_ONENET: "G1" } })).toEqual([
    "MERCAPTAN_PUSH_ONENET: no such setting; the variables are listed in docs/CONFIGURATION.md",
  ]);
  expect(problemsOf({ flags: { pushOnenet: "G1" } })).toEqual(["flag pushOnenet: no such setting"]);
});

test("tokens of platforms are files, and OneNET's key has 16 characters", () => {
  const file =
    "push: { onenet: [{ gateway: G1, tokenFile: t, aesKeyFile: k }, { gateway: G2, tokenFile: t }] }";
  const config = load({ file });
  const files = (key: string) => (path: string) => (path === "t" ? "token\n" : key);
  expect(loadSecrets(config, files("0123456789abcdef\n")).onenet).toEqual([
    { gateway: "G1", token: "token", aesKey: Buffer.from("0123456789abcdef") },
    { gateway: "G2", token: "token", aesKey: null },
  ]);
  const attempt = (key: string) => () => loadSecrets(config, files(key));
  expect(attempt("short")).toThrow(/push\.onenet\.0\.aesKeyFile: the file must hold 16 characters/);
  expect(attempt("")).toThrow(/push\.onenet\.0\.aesKeyFile: k is missing or empty/);
});

describe("the keys of files", () => {
  const key = "0f".repeat(32);
  const read = (text: string, change = {}) =>
    loadFileKeys(
      load({
        file: "dataDir: /d\nbackup: { folder: /b }\nencryption: { keyFile: /k }\n",
        ...change,
      }),
      () => text,
    );

  test("one a line, the current one first", () => {
    expect(read(`${key}\n${"1e".repeat(32)}\n`)).toEqual([
      Buffer.from(key, "hex"),
      Buffer.from("1e".repeat(32), "hex"),
    ]);
  });

  test.each([
    ["", "missing or empty"],
    ["0f0f", "64 hexadecimal digits"],
    [`${key}\nsecret`, "64 hexadecimal digits"],
  ])("%s is refused, and not repeated", (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).not.toThrow("secret");
  });

  test.each([
    ["/d/keys", "the data directory"],
    ["/b/keys", "the folder of the backups"],
  ])("%s lies in %s", (path, where) => {
    const file = `dataDir: /d\nbackup: { folder: /b }\nencryption: { keyFile: ${path} }\n`;
    expect(() => read(key, { file })).toThrow(`must not lie in ${where}`);
  });
});

test.each([
  ["uplinksDays", 184],
  ["quarantineDays", 184],
  ["eventsDays", 184],
  ["readingsDays", 4_018],
] as const)("retention.%s below the law's", (name, least) => {
  const file = `retention: { ${name}: ${least - 1} }\n`;
  expect(problemsOf({ file })).toEqual([
    expect.stringContaining(`retention.${name}: must be a whole number from ${least} to 36500`),
  ]);
  expect(load({ file: `retention: { ${name}: ${least} }\n` }).retention).toEqual({
    [name]: least,
  });
});
