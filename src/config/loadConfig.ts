/** Defaults < file < environment < flags, checked as a whole; everything wrong is told at once. */
import type { z } from "zod";
import { ConfigError, type Problem } from "./configError.ts";
import {
  processEnvironment,
  readTextFile,
  tryRead,
  type Environment,
  type ReadText,
} from "./environment.ts";
import { configSchema, type Config } from "./schema.ts";
import {
  configFileVariable,
  fromText,
  namesIn,
  settings,
  variablePrefix,
  type Setting,
} from "./settings.ts";
import { parseSettingsFile, type SettingsFile } from "./yamlFile.ts";

export interface ConfigSources {
  /** By `Setting.flagKey`, and `config` for the file. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
  readonly env?: Environment;
  readonly readFile?: ReadText;
}

const defaultFile = "./mercaptan.yaml";
const noFile: SettingsFile = { values: {}, whereIs: () => "settings", has: () => false };

/** The settings in force, or a ConfigError that names every mistake and where it stands. */
export function loadConfig(sources: ConfigSources = {}): Config {
  const { flags = {}, env = processEnvironment(), readFile = readTextFile } = sources;
  const problems: Problem[] = [];
  const file = readSettingsFile(flags["config"], env[configFileVariable], readFile, problems);
  const overlay = new Map<string, { readonly where: string; readonly value: unknown }>();
  for (const setting of settings.filter(({ isFileOnly }) => !isFileOnly)) {
    const flag = flags[setting.flagKey];
    const variable = env[setting.variable];
    if (flag !== undefined) {
      overlay.set(setting.path, { where: setting.flag, value: fromText(setting, flag) });
    } else if (variable !== undefined && variable !== "") {
      overlay.set(setting.path, { where: setting.variable, value: fromText(setting, variable) });
    }
  }
  problems.push(...unknownVariables(env), ...unknownFlags(flags));

  const whereIs = (path: readonly PropertyKey[]): string => {
    const dotted = path.filter((step) => typeof step === "string").join(".");
    return overlay.get(dotted)?.where ?? file.whereIs(path);
  };
  const parsed = configSchema.safeParse(merge(file.values, overlay));
  if (!parsed.success) {
    problems.push(...parsed.error.issues.flatMap((issue) => describe(issue, whereIs)));
  }
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return deepFreeze(parsed.data);
}

function readSettingsFile(
  flag: string | undefined,
  variable: string | undefined,
  readFile: ReadText,
  problems: Problem[],
): SettingsFile {
  const named = flag ?? (variable === "" ? undefined : variable);
  const name = named ?? defaultFile;
  const where = flag === undefined ? configFileVariable : "--config";
  const read = tryRead(name, readFile);
  if ("failure" in read) {
    problems.push({ where, message: read.failure });
    return noFile;
  }
  if (read.text === undefined) {
    if (named !== undefined) problems.push({ where, message: `no such file: ${name}` });
    return noFile;
  }
  const result = parseSettingsFile(name, read.text);
  if ("file" in result) return result.file;
  problems.push(...result.problems);
  return noFile;
}

/** The file's values with the overlay's on top. A wrong shape in the file stays, to be refused. */
function merge(
  fileValues: unknown,
  overlay: ReadonlyMap<string, { readonly value: unknown }>,
): unknown {
  if (!isGroup(fileValues)) return fileValues;
  const merged = structuredClone(fileValues);
  for (const [path, { value }] of overlay) {
    const steps = path.split(".");
    const last = steps.pop() ?? path;
    let group: Record<string, unknown> | undefined = merged;
    for (const step of steps) {
      const inner: unknown = (group[step] ??= {});
      group = isGroup(inner) ? inner : undefined;
      if (group === undefined) break;
    }
    if (group !== undefined) group[last] = value;
  }
  return merged;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function describe(
  issue: z.core.$ZodIssue,
  whereIs: (path: readonly PropertyKey[]) => string,
): Problem[] {
  const dotted = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const allowed = namesIn(dotted).join(", ");
    return issue.keys.map((key) => ({
      where: whereIs([...issue.path, key]),
      message: `${[...issue.path, key].join(".")}: no such setting; allowed here: ${allowed}`,
    }));
  }
  const setting = settings.find((one) => dotted === one.path || dotted.startsWith(`${one.path}.`));
  const isMissing = issue.code === "invalid_type" && issue.message.endsWith("undefined");
  const where = whereIs(issue.path);
  if (setting === undefined)
    return [{ where, message: `${dotted || "the file"}: ${issue.message}` }];
  if (isMissing && setting.isFileOnly) return [{ where, message: `${dotted}: is missing` }];
  if (isMissing) return [{ where, message: missingText(setting) }];
  const rule = issue.code === "custom" ? issue.message : `must be ${setting.allowed}`;
  return [{ where, message: `${dotted}: ${rule}` }];
}

function missingText(setting: Setting): string {
  const { path, variable, flag, allowed } = setting;
  return `${path}: is missing; set ${path} in the file, ${variable} or ${flag} to ${allowed}`;
}

/** Read by the tests, which start the service with their own environment. */
const testVariables = ["MERCAPTAN_CORPORA"];

function unknownVariables(env: Environment): Problem[] {
  const variables = settings.flatMap((one) => (one.isFileOnly ? [] : [one.variable]));
  const known = new Set([configFileVariable, ...testVariables, ...variables]);
  return Object.keys(env)
    .filter((name) => name.startsWith(variablePrefix) && !known.has(name))
    .map((name) => {
      const asFile = `${name}_FILE`;
      const hint = known.has(asFile)
        ? `a secret is read from a file: set ${asFile}`
        : "the variables are listed in docs/CONFIGURATION.md";
      return { where: name, message: `no such setting; ${hint}` };
    });
}

function unknownFlags(flags: Readonly<Record<string, string | undefined>>): Problem[] {
  const flagKeys = settings.flatMap((one) => (one.isFileOnly ? [] : [one.flagKey]));
  const known = new Set(["config", ...flagKeys]);
  return Object.keys(flags)
    .filter((key) => !known.has(key))
    .map((key) => ({ where: `flag ${key}`, message: "no such setting" }));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
