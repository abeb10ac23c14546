/**
 * Files of frames with known answers: one JSON object a line. A line that is none, or whose members are not what
 * they must be, is told with its number and stops nothing: such files come from strangers.
 */
import { readFileSync } from "node:fs";

/** One frame and what its publisher says of it. */
export interface Row {
  readonly line: number;
  readonly id: string;
  readonly protocol: string;
  /** Empty where a row has no bytes of its own. */
  readonly hex: string;
  readonly expected: Readonly<Record<string, unknown>>;
  readonly kind?: string | null;
  readonly key?: string | null;
  readonly authKey?: string | null;
  readonly systemTitle?: string | null;
  readonly iv?: string | null;
  readonly framing?: string | null;
  readonly precedingHex?: readonly string[] | null;
  readonly gas?: unknown;
  readonly encodeVector?: boolean | null;
  /** To be judged by the standard, not by the row. */
  readonly disputed?: boolean | null;
  readonly checksum?: { readonly valid?: unknown } | null;
  readonly crc?: { readonly valid?: unknown } | null;
  readonly format?: string | null;
  readonly path?: string | null;
  readonly topic?: string | null;
  readonly datatype?: number | null;
  readonly littleEndianHex?: string | null;
  readonly matchesLittleEndianRule?: boolean | null;
  readonly note?: unknown;
}

/** A line that is no row. */
export interface Malformed {
  readonly line: number;
  readonly trouble: string;
}

/** The longest line that is read. */
const lineCharsMax = 4 * 1024 * 1024;

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isHex: Check = (value) => typeof value === "string" && /^(?:[0-9a-f]{2})*$/i.test(value);
const isObject: Check = (value) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a member must be where it is there; those in `needed` must be. */
const members: Readonly<Record<string, Check>> = {
  id: isText,
  protocol: isText,
  hex: isHex,
  expected: isObject,
  kind: isText,
  key: isHex,
  authKey: isHex,
  systemTitle: isHex,
  iv: isHex,
  framing: isText,
  precedingHex: (value) => Array.isArray(value) && value.every(isHex),
  encodeVector: (value) => typeof value === "boolean",
  disputed: (value) => typeof value === "boolean",
  checksum: isObject,
  crc: isObject,
  format: isText,
  path: isText,
  topic: isText,
  datatype: (value) => Number.isSafeInteger(value),
  littleEndianHex: isHex,
  matchesLittleEndianRule: (value) => typeof value === "boolean",
};
const needed = ["id", "protocol", "expected"];

/** Every line of a file, as a row or as what is wrong with it. */
export function readRows(file: string): readonly (Row | Malformed)[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((text, index) => (text.trim() === "" ? [] : [rowOf(text, index + 1)]));
}

/** One line. */
export function rowOf(text: string, line: number): Row | Malformed {
  if (text.length > lineCharsMax)
    return { line, trouble: `longer than ${lineCharsMax} characters` };
  let value: unknown;
  try {
    value = JSON.parse(text, exactly);
  } catch (cause) {
    return { line, trouble: cause instanceof Error ? cause.message : String(cause) };
  }
  if (!isObject(value)) return { line, trouble: "not a JSON object" };
  const told = value as Readonly<Record<string, unknown>>;
  const missing = needed.find((name) => !Object.hasOwn(told, name));
  if (missing !== undefined) return { line, trouble: `${missing} is missing` };
  const wrong = Object.keys(members).find((name) => {
    const one = Object.hasOwn(told, name) ? told[name] : undefined;
    const isAbsent = one === undefined || (one === null && !needed.includes(name));
    return !isAbsent && members[name]?.(one) !== true;
  });
  if (wrong !== undefined) return { line, trouble: `${wrong} is not what it must be` };
  const row = told as Omit<Row, "line" | "hex"> & { readonly hex?: string };
  return { ...row, hex: row.hex ?? "", line };
}

/** Whole numbers that JSON.parse would round stay the text that they are. */
function exactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isRounded = typeof value === "number" && Number.isInteger(value);
  if (!isRounded || Number.isSafeInteger(value)) return value;
  return context?.source ?? value;
}

export function isMalformed(one: Row | Malformed): one is Malformed {
  return "trouble" in one;
}
