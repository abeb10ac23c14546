/** Reads a rule document: YAML, checked against the thresholds that there are; every mistake with line and column. */
import { ownRuleIds } from "#domain/alarm.ts";
import { meterSizeNames, siteClasses } from "#domain/meter.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { createHash } from "node:crypto";
import { z } from "zod";
import { ConfigError, type Problem } from "./configError.ts";
import { checkDocument, documentText } from "./document.ts";
import { readTextFile, type ReadText } from "./environment.ts";

/** What a document may set: the factory's values by rule and name; the rules room has them. */
export type KnownThresholds = Readonly<Record<string, Readonly<Record<string, KnownValue>>>>;
/** Of an expression in a rule of one's own: why it is none, in one sentence; null: it is one. */
type CheckExpression = (when: string) => string | null;

/** What a document may say; the rules room knows. */
export interface RuleWords {
  readonly known: KnownThresholds;
  readonly checkExpression: CheckExpression;
}
type KnownValue = number | boolean | readonly string[];

/** A document, or everything that is wrong with it and where. */
export type ReadRules =
  | { readonly ok: true; readonly document: RuleDocument }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The document in the file, or a ConfigError that names every mistake and where it stands. */
export function loadRules(
  file: string,
  words: RuleWords,
  readFile: ReadText = readTextFile,
): RuleDocument {
  const rules = readRules(file, documentText(file, readFile), words);
  if (rules.ok) return rules.document;
  throw new ConfigError(rules.problems);
}

/** The same for text that somebody sent; `name` stands before line and column. */
export function readRules(name: string, text: string, words: RuleWords): ReadRules {
  const unknown = "there is no such rule or threshold";
  const checked = checkDocument(name, text, documentSchema(words), unknown);
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

function documentSchema({ known, checkExpression }: RuleWords) {
  const thresholds = thresholdsSchema(known);
  return z.strictObject({
    version: z.string().regex(/^[0-9A-Za-z._-]{1,32}$/, "1 to 32 of 0-9 A-Z a-z . _ -"),
    all: thresholds.default({}),
    sizes: z.partialRecord(z.enum(meterSizeNames), thresholds).default({}),
    siteClasses: z.partialRecord(z.enum(siteClasses), thresholds).default({}),
    areas: z.record(z.string().min(1).max(64), thresholds).default({}),
    meters: z.record(z.string().regex(/^[0-9A-Za-z_-]{1,32}$/), thresholds).default({}),
    own: z.partialRecord(z.enum(ownRuleIds), ownSchema(checkExpression)).optional(),
  });
}

const title = z.string().trim().min(1).max(80);

/** A rule of one's own: words, an expression, urgency, and whom it is about. */
function ownSchema(checkExpression: CheckExpression) {
  const names = z.array(z.string().min(1).max(64)).min(1);
  return z.strictObject({
    title: z.strictObject({ en: title, zh: title }),
    when: z.string().superRefine((when, context) => {
      const why = checkExpression(when);
      if (why !== null) context.addIssue({ code: "custom", message: why });
    }),
    priority: z.literal([1, 2, 3, 4]).default(3),
    onDelayMinutes: z.number().min(0).max(delayMinutesMax).default(0),
    offDelayMinutes: z.number().min(0).max(delayMinutesMax).default(0),
    asksForClose: z.boolean().default(false),
    only: z
      .strictObject({
        sizes: z.array(z.enum(meterSizeNames)).min(1).optional(),
        siteClasses: z.array(z.enum(siteClasses)).min(1).optional(),
        areas: names.optional(),
        meters: names.optional(),
      })
      .default({}),
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
