/** Reads a policy of automatic closing: YAML; every mistake with line and column. */
import type { ClosePolicy } from "#domain/closePolicy.ts";
import { siteClasses } from "#domain/meter.ts";
import { z } from "zod";
import { ConfigError } from "./configError.ts";
import { checkDocument, documentText } from "./document.ts";
import { readTextFile, type ReadText } from "./environment.ts";

/** An uncontrolled flow is proposed to persons or not at all: people are at that meter. */
const words = z.strictObject({
  R1: z.enum(["automatic", "person", "never"]).optional(),
  R19: z.enum(["person", "never"]).optional(),
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
