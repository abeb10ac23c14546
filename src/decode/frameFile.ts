/** What is on file of a meter, from text: keys and the switches of its model. */
import { protocolNames } from "#domain/meter.ts";
import type { FrameFile } from "./candidates.ts";

/** Why a text is no such file. */
export interface FileTrouble {
  readonly trouble: string;
}

const keyBytes = 16;
/** DES, of the oldest radio meters. */
const shortKeyBytes = 8;

/** A key as 32 hexadecimal digits (DES: 16), or as its 16 bytes; undefined: neither. */
export function keyOf(raw: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(raw).toString("latin1").trim().replaceAll(/[\s:]/g, "");
  if (isKey(text)) return Uint8Array.from(Buffer.from(text, "hex"));
  return raw.length === keyBytes ? Uint8Array.from(raw) : undefined;
}

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isText: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isMap: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isList: Check = (value) =>
  Array.isArray(value) && value.every((item) => item === null || typeof item === "string");
const isOneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(String(value));
const isHex =
  (bytes: number): Check =>
  (value) =>
    typeof value === "string" && new RegExp(`^[0-9a-f]{${2 * bytes}}$`, "i").test(value);

const isKey: Check = (value) => isHex(keyBytes)(value) || isHex(shortKeyBytes)(value);

/** What may stand there; those in hexadecimal become bytes. */
const members = {
  key: isKey,
  authKey: isHex(keyBytes),
  systemTitle: isHex(8),
  iv: isHex(keyBytes),
  emptyAad: isBoolean,
  invocationCounterSeen: isNumber,
  messageCounterSeen: isNumber,
  formats: isMap,
  checksums: isOneOf("required", "absent"),
  allowPlain: isBoolean,
  clockOffsetMs: isNumber,
  offsetMinutes: isNumber,
  isDeviationInverted: isBoolean,
  volumeAt: isOneOf("measurement", "base"),
  volumeRegister: isText,
  companion: isOneOf("dsmrP2"),
  statusMap: isMap,
  gasChannel: isNumber,
  equipmentId: isText,
  scalers: isMap,
  objectList: isList,
  capturePeriodSeconds: isNumber,
  inner: isOneOf(...protocolNames),
  metrics: isMap,
  closeMetric: isMap,
  path: isText,
} as const satisfies Readonly<Partial<Record<keyof FrameFile, Check>>>;
const inHex = new Set(["key", "authKey", "systemTitle", "iv"]);

function isMember(name: string): name is keyof typeof members {
  return Object.hasOwn(members, name);
}

/** The file of a meter as JSON text; what nobody knows is refused, for a typing mistake would be silent. */
export function fileOf(text: string): FrameFile | FileTrouble {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { trouble: cause instanceof Error ? cause.message : String(cause) };
  }
  if (!isMap(value)) return { trouble: "not a JSON object" };
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  for (const [name, told] of entries) {
    if (!isMember(name)) return { trouble: `unknown member ${JSON.stringify(name)}` };
    if (!members[name](told)) return { trouble: `${name} is not what it must be` };
  }
  const bytesOf = (told: unknown) => Uint8Array.from(Buffer.from(String(told), "hex"));
  return Object.fromEntries(
    entries.map(([name, told]) => [name, inHex.has(name) ? bytesOf(told) : told]),
  );
}
