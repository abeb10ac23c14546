/** Reads a rule document: YAML, checked against the thresholds that there are; every mistake with line and column. */
import { meterSizeNames, siteClasses } from "#domain/meter.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { createHash } from "node:crypto";
import { z } from "zod";
import { ConfigError, type Problem } from "./configError.ts";
import { checkDocument, documentText } from "./document.ts";
import { readTextFile, type ReadText } from "./environment.ts";

/** What a document may set: the factory's values by rule and name; the rules room has them. */
export type KnownThresholds = Readonly<Record<string, Readonly<Record<string, KnownValue>>>>;
type KnownValue = number | boolean | readonly string[];

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
  const rules = readRules(file, documentText(file, readFile), known);
  if (rules.ok) return rules.document;
  throw new ConfigError(rules.problems);
}

/** The same for text that somebody sent; `name` stands before line and column. */
export function readRules(name: string, text: string, known: KnownThresholds): ReadRules {
  const unknown = "there is no such rule or threshold";
  const checked = checkDocument(name, text, documentSchema(known), unknown);
  if (!checked.ok) return checked;
  return { ok: true, document: { ...checked.value, hash: hashOf(checked.value) } };
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
      ([name, value]) => [name, valueSchema(name, value).optional()] as const,
    );
    return [rule, z.strictObject(Object.fromEntries(fields)).optional()] as const;
  });
  return z.strictObject(Object.fromEntries(rules));
}

/** A week; who waits longer for an alarm does not want it. */
const delayMinutesMax = 7 * 24 * 60;

/** Factors, times and flows are never below nothing; a list names site classes. */
function valueSchema(name: string, value: KnownValue): z.ZodType<KnownValue> {
  if (typeof value === "boolean") return z.boolean();
  if (typeof value !== "number") return z.array(z.enum(siteClasses));
  if (/priority$/i.test(name)) return z.int().min(1).max(4);
  if (name.endsWith("DelayMinutes")) return z.number().min(0).max(delayMinutesMax);
  if (name.endsWith("BandShare")) return z.number().min(0).max(0.9);
  return z.number().min(0).max(1_000_000);
}
