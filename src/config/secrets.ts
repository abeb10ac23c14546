/** Secrets are files. They are read once, kept out of the settings, and never printed. */
import { relative, resolve } from "node:path";
import { ConfigError, type Problem } from "./configError.ts";
import { readTextFile, tryRead, type ReadText } from "./environment.ts";
import type { Config } from "./schema.ts";

/** Contents of the secret files; null where the setting is absent. */
export interface Secrets {
  readonly adminKey: string | null;
  readonly influxToken: string | null;
  readonly smsSecret: string | null;
  readonly mailPassword: string | null;
  /** Of 32 bytes each, the current one first. */
  readonly fileKeys: readonly Uint8Array[] | null;
  /** 32 bytes. */
  readonly masterKey: Uint8Array | null;
  readonly mqttTls: { readonly keyPem: string; readonly certPem: string } | null;
  readonly onenet: readonly DeliverySecret[];
}

/** What a gateway and its platform share. */
export interface DeliverySecret {
  readonly gateway: string;
  readonly token: string;
  /** 16 bytes; null: what is pushed is not ciphered. */
  readonly aesKey: Uint8Array | null;
}

/** Reads every secret file that the settings name; a missing or empty one is a ConfigError. */
export function loadSecrets(config: Config, readFile: ReadText = readTextFile): Secrets {
  const problems: Problem[] = [];
  const read = (setting: string, path: string | undefined): string | null => {
    if (path === undefined) return null;
    const result = tryRead(path, readFile);
    // Editors and secret stores end a file with a newline that is no part of the secret.
    const text = "text" in result ? (result.text ?? "").trim() : "";
    const failure = "failure" in result ? result.failure : `${path} is missing or empty`;
    if (text === "") problems.push({ where: setting, message: failure });
    return text;
  };
  const adminKey = read("adminKeyFile", config.adminKeyFile);
  const influxToken = read("influx.tokenFile", config.influx?.tokenFile);
  const smsSecret = read("notify.sms.secretFile", config.notify.sms?.secretFile);
  const mailPassword = read("notify.mail.passwordFile", config.notify.mail?.passwordFile);
  const keyPem = read("mqtt.tls.keyFile", config.mqtt.tls?.keyFile);
  const certPem = read("mqtt.tls.certFile", config.mqtt.tls?.certFile);
  const masterKey = readMasterKey(config, read, problems);
  const fileKeys = readFileKeys(config, read, problems);
  const onenet = readDeliverySecrets(config, read, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const mqttTls = keyPem === null || certPem === null ? null : { keyPem, certPem };
  const told = { smsSecret, mailPassword };
  return { adminKey, influxToken, masterKey, fileKeys, mqttTls, onenet, ...told };
}

const aesKeyBytes = 16;

function readDeliverySecrets(
  config: Config,
  read: (setting: string, path: string | undefined) => string | null,
  problems: Problem[],
): readonly DeliverySecret[] {
  return config.push.onenet.map(({ gateway, tokenFile, aesKeyFile }, place) => {
    const where = `push.onenet.${place}`;
    const token = read(`${where}.tokenFile`, tokenFile) ?? "";
    const text = read(`${where}.aesKeyFile`, aesKeyFile);
    const aesKey = text === null ? null : Buffer.from(text, "utf8");
    if (aesKey !== null && aesKey.length !== aesKeyBytes && text !== "") {
      const message = `the file must hold ${aesKeyBytes} characters, as OneNET shows them`;
      problems.push({ where: `${where}.aesKeyFile`, message });
    }
    return { gateway, token, aesKey };
  });
}

/** The keys that seal and open files: asked for by commands that need no other secret. */
export function loadFileKeys(
  config: Config,
  readFile: ReadText = readTextFile,
): readonly Uint8Array[] | null {
  const path = config.encryption.keyFile;
  if (path === undefined) return null;
  const problems: Problem[] = [];
  const result = tryRead(path, readFile);
  const text = "text" in result ? (result.text ?? "").trim() : "";
  const message = "failure" in result ? result.failure : `${path} is missing or empty`;
  if (text === "") problems.push({ where: "encryption.keyFile", message });
  const keys = readFileKeys(config, () => text, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return keys;
}

function readFileKeys(
  config: Config,
  read: (setting: string, path: string | undefined) => string | null,
  problems: Problem[],
): readonly Uint8Array[] | null {
  const where = "encryption.keyFile";
  const path = config.encryption.keyFile;
  const text = read(where, path);
  if (text === null || text === "" || path === undefined) return null;
  for (const [folder, name] of [
    [config.dataDir, "the data directory"],
    [config.backup.folder, "the folder of the backups"],
  ] as const) {
    if (folder === undefined || !isInside(path, folder)) continue;
    problems.push({ where, message: `the file must not lie in ${name}` });
  }
  const lines = text.split(/\s+/);
  if (!lines.every((line) => masterKeyPattern.test(line))) {
    const message = "each line must hold 64 hexadecimal digits (openssl rand -hex 32)";
    problems.push({ where, message });
  }
  return lines.map((line) => Buffer.from(line, "hex"));
}

function isInside(path: string, folder: string): boolean {
  return !relative(resolve(folder), resolve(path)).startsWith("..");
}

/** Beside the ledger it would protect nothing: whoever copies the directory would have both. */
function readMasterKey(
  config: Config,
  read: (setting: string, path: string | undefined) => string | null,
  problems: Problem[],
): Uint8Array | null {
  const where = "keys.masterKeyFile";
  const path = config.keys.masterKeyFile;
  const text = read(where, path);
  if (text === null || text === "" || path === undefined) return null;
  if (isInside(path, config.dataDir))
    problems.push({ where, message: "the file must not lie in the data directory" });
  if (!masterKeyPattern.test(text)) {
    problems.push({
      where,
      message: "the file must hold 64 hexadecimal digits (openssl rand -hex 32)",
    });
  }
  return Buffer.from(text, "hex");
}

const masterKeyPattern = /^[0-9a-f]{64}$/i;
