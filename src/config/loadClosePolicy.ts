/** Reads a policy of automatic closing: YAML; every mistake with line and column. */
import { closeWords, type ClosePolicy } from "#domain/closePolicy.ts";
import { siteClasses } from "#domain/meter.ts";
import { z } from "zod";
import { ConfigError } from "./configError.ts";
import { checkDocument, documentText } from "./document.ts";
import { readTextFile, type ReadText } from "./environment.ts";

/** Only a leak may close by itself; everything else is proposed to persons or not at all. */
const proposed = z.enum(["person", "never"]).optional();
const words = z.strictObject({
  R1: z.enum(closeWords).optional(),
  R2: proposed,
  R3: proposed,
  R5: proposed,
  R19: proposed,
});

const policySchema = z.strictObject({
  version: z.string().regex(/^[0-9A-Za-z._-]{1,32}$/, "1 to 32 of 0-9 A-Z a-z . _ -"),
  by: z.string().trim().min(1).max(64),
  reason: z.string().trim().min(1).max(500),
  all: words.default({}),
  siteClasses: z.partialRecord(z.enum(siteClasses), words).default({}),
  areas: z.record(z.string().min(1).max(64), words).default({}),
  meters: z.record(z.string().regex(/^[0-9A-Za-z_-]{1,32}$/), words).default({}),
});

/** The policy in the file, or a ConfigError that names every mistake and where it stands. */
export function loadClosePolicy(file: string, readFile: ReadText = readTextFile): ClosePolicy {
  const text = documentText(file, readFile);
  const checked = checkDocument(file, text, policySchema, "there is no such rule or key");
  if (checked.ok) return checked.value;
  throw new ConfigError(checked.problems);
}
