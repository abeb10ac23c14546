/** Secrets are files. They are read once, kept out of the settings, and never printed. */
import { ConfigError, type Problem } from "./configError.ts";
import { readTextFile, tryRead, type ReadText } from "./environment.ts";
import type { Config } from "./schema.ts";

/** Contents of the secret files; null where the setting is absent. */
export interface Secrets {
  readonly adminKey: string | null;
  readonly influxToken: string | null;
  readonly mqttTls: { readonly keyPem: string; readonly certPem: string } | null;
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
  const keyPem = read("mqtt.tls.keyFile", config.mqtt.tls?.keyFile);
  const certPem = read("mqtt.tls.certFile", config.mqtt.tls?.certFile);
  if (problems.length > 0) throw new ConfigError(problems);
  const mqttTls = keyPem === null || certPem === null ? null : { keyPem, certPem };
  return { adminKey, influxToken, mqttTls };
}
