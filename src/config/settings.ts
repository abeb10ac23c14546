/** The schema as a flat list: each setting with its path, its environment variable and its flag. */
import { z } from "zod";
import { configSchema } from "./schema.ts";

export interface Setting {
  /** As in the file: `mqtt.tls.keyFile`. */
  readonly path: string;
  /** `MERCAPTAN_MQTT_TLS_KEY_FILE` */
  readonly variable: string;
  /** `--mqtt-tls-key-file` */
  readonly flag: string;
  /** The flag as a command-line parser names it: `mqttTlsKeyFile`. */
  readonly flagKey: string;
  readonly kind: "text" | "number" | "list";
  /** A list of groups: it can stand in the file only. */
  readonly isFileOnly: boolean;
  /** What may stand there, in words. */
  readonly allowed: string;
  readonly defaultText: string;
  readonly description: string;
}

/** Names the file; the only variable that is no setting. */
export const configFileVariable = "MERCAPTAN_CONFIG";
export const variablePrefix = "MERCAPTAN_";

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
  readonly default?: unknown;
  readonly description?: string;
}

const rootSchema = z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema;

export const settings: readonly Setting[] = leaves(rootSchema, []);

/** Groups of settings with what they are for, by path. */
export const groups: ReadonlyMap<string, string> = new Map(groupsOf(rootSchema, []));

/** Names that may stand in the group at this path ("" is the whole file). */
export function namesIn(path: string): readonly string[] {
  const steps = path === "" ? [] : path.split(".");
  const inner = (at: JsonSchema | undefined, step: string) =>
    /^\d+$/.test(step) ? at?.items : at?.properties?.[step];
  const group = steps.reduce<JsonSchema | undefined>(inner, rootSchema);
  return Object.keys(group?.properties ?? {});
}

/** Text of a variable or flag as the schema wants it; text that does not fit stays, to be refused there. */
export function fromText(setting: Setting, text: string): unknown {
  if (setting.kind === "list") return text.split(",").map((part) => part.trim());
  if (setting.kind === "number" && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

function leaves(schema: JsonSchema, path: readonly string[]): Setting[] {
  if (schema.properties === undefined) return [leaf(schema, path)];
  return Object.entries(schema.properties).flatMap(([name, inner]) =>
    leaves(inner, [...path, name]),
  );
}

function leaf(schema: JsonSchema, path: readonly string[]): Setting {
  const words = path.flatMap((step) => step.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  const dashed = words.join("-");
  return {
    path: path.join("."),
    variable: variablePrefix + words.join("_").toUpperCase(),
    flag: `--${dashed}`,
    flagKey: dashed.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
    kind: kindOf(schema),
    isFileOnly: schema.items?.properties !== undefined,
    allowed: allowedText(schema),
    defaultText: schema.default === undefined ? "not set" : JSON.stringify(schema.default),
    description: schema.description ?? "",
  };
}

function kindOf(schema: JsonSchema): Setting["kind"] {
  if (schema.type === "array") return "list";
  return schema.type === "integer" || schema.type === "number" ? "number" : "text";
}

function allowedText(schema: JsonSchema): string {
  if (schema.properties !== undefined) {
    const names = Object.keys(schema.properties);
    const optional = names.filter((name) => schema.required?.includes(name) !== true);
    const list = names.map((name) => (optional.includes(name) ? `${name} (optional)` : name));
    return `a group of ${list.join(", ")}`;
  }
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  if (schema.type === "array") return `a list, each entry ${allowedText(schema.items ?? {})}`;
  if (schema.type === "integer" || schema.type === "number") {
    const noun = schema.type === "integer" ? "a whole number" : "a number";
    return `${noun} from ${schema.minimum} to ${schema.maximum}`;
  }
  return schema.format === "uri" ? "an address such as http://127.0.0.1:8086" : "a text";
}

function groupsOf(schema: JsonSchema, path: readonly string[]): [string, string][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]): [string, string][] => {
    if (inner.properties === undefined) return [];
    const here = [...path, name];
    return [[here.join("."), inner.description ?? ""], ...groupsOf(inner, here)];
  });
}
