/** Reads a rule document: YAML, checked against the thresholds that there are; every mistake with line and column. */
import { meterSizeNames, siteClasses } from "#domain/meter.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { createHash } from "node:crypto";
import { z } from "zod";
import { ConfigError, type Problem } from "./configError.ts";
import { readTextFile, tryRead, type ReadText } from "./environment.ts";
import { parseSettingsFile, type SettingsFile } from "./yamlFile.ts";

/** The factory's thresholds by rule and name; the rules room has them. */
export type KnownThresholds = Readonly<
  Record<string, Readonly<Record<string, number | readonly string[]>>>
>;

/** A document, or everything that is wrong with it and where. */
export type ReadRules =
  | { readonly ok: true; readonly document: RuleDocument }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The document in the file, or a ConfigError that names every mistake and where it stands. */
export function loadRules(
  file: string,
  known: KnownThresholds,
  readFile: ReadText = readTextFile,
): RuleDocument {
  const read = tryRead(file, readFile);
  const text = "text" in read ? read.text : undefined;
  if (text === undefined) {
    const message = "failure" in read ? read.failure : "no such file";
    throw new ConfigError([{ where: file, message }]);
  }
  const rules = readRules(file, text, known);
  if (rules.ok) return rules.document;
  throw new ConfigError(rules.problems);
}

/** The same for text that somebody sent; `name` stands before line and column. */
export function readRules(name: string, text: string, known: KnownThresholds): ReadRules {
  const parsed = parseSettingsFile(name, text);
  if (!("file" in parsed)) return { ok: false, problems: parsed.problems };
  const checked = documentSchema(known).safeParse(parsed.file.values);
  if (checked.success) {
    return { ok: true, document: { ...checked.data, hash: hashOf(checked.data) } };
  }
  const problems = checked.error.issues.flatMap((issue) => problemsOf(issue, parsed.file));
  return { ok: false, problems };
}

/** The same for two texts that say the same. */
function hashOf(document: object): string {
  return createHash("sha256").update(canonicalJson(document)).digest("hex");
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}

function documentSchema(known: KnownThresholds) {
  const thresholds = thresholdsSchema(known);
  return z.strictObject({
    version: z.string().regex(/^[0-9A-Za-z._-]{1,32}$/, "1 to 32 of 0-9 A-Z a-z . _ -"),
    all: thresholds.default({}),
    sizes: z.partialRecord(z.enum(meterSizeNames), thresholds).default({}),
    siteClasses: z.partialRecord(z.enum(siteClasses), thresholds).default({}),
    areas: z.record(z.string().min(1).max(64), thresholds).default({}),
    meters: z.record(z.string().regex(/^[0-9A-Za-z_-]{1,32}$/), thresholds).default({}),
  });
}

function thresholdsSchema(known: KnownThresholds) {
  const rules = Object.entries(known).map(([rule, names]) => {
    const fields = Object.entries(names).map(
      ([name, value]) => [name, valueSchema(value)] as const,
    );
    return [rule, z.strictObject(Object.fromEntries(fields)).optional()] as const;
  });
  return z.strictObject(Object.fromEntries(rules));
}

/** Factors, times and flows are never below nothing; a list names site classes. */
function valueSchema(value: number | readonly string[]) {
  const schema: z.ZodType<number | readonly string[]> =
    typeof value === "number" ? z.number().min(0).max(1_000_000) : z.array(z.enum(siteClasses));
  return schema.optional();
}

function problemsOf(issue: z.core.$ZodIssue, file: SettingsFile): readonly Problem[] {
  const keys = issue.code === "unrecognized_keys" ? issue.keys : null;
  if (keys === null)
    return [{ where: file.whereIs(issue.path), message: told(issue.path, issue.message) }];
  return keys.map((key) => {
    const at = [...issue.path, key];
    return { where: file.whereIs(at), message: told(at, "there is no such rule or threshold") };
  });
}

function told(path: readonly PropertyKey[], message: string): string {
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
