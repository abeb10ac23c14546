/** A document of the utility's own (rules, policies) as its text has it; every mistake keeps its line and column. */
import type { z } from "zod";
import { ConfigError, type Problem } from "./configError.ts";
import { tryRead, type ReadText } from "./environment.ts";
import { parseSettingsFile, type SettingsFile } from "./yamlFile.ts";

/** What the text says, or everything that is wrong with it and where. */
type CheckedDocument<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The text of the file; a ConfigError when there is none. */
export function documentText(file: string, readFile: ReadText): string {
  const read = tryRead(file, readFile);
  const text = "text" in read ? read.text : undefined;
  if (text !== undefined) return text;
  const message = "failure" in read ? read.failure : "no such file";
  throw new ConfigError([{ where: file, message }]);
}

/** `name` stands before line and column; `unknown` is said of keys that are not there. */
export function checkDocument<Value>(
  name: string,
  text: string,
  schema: z.ZodType<Value>,
  unknown: string,
): CheckedDocument<Value> {
  const parsed = parseSettingsFile(name, text);
  if (!("file" in parsed)) return { ok: false, problems: parsed.problems };
  const checked = schema.safeParse(parsed.file.values);
  if (checked.success) return { ok: true, value: checked.data };
  const { issues } = checked.error;
  return { ok: false, problems: issues.flatMap((one) => problemsOf(one, parsed.file, unknown)) };
}

function problemsOf(
  issue: z.core.$ZodIssue,
  file: SettingsFile,
  unknown: string,
): readonly Problem[] {
  const keys = issue.code === "unrecognized_keys" ? issue.keys : null;
  if (keys === null)
    return [{ where: file.whereIs(issue.path), message: told(issue.path, issue.message) }];
  return keys.map((key) => {
    const at = [...issue.path, key];
    return { where: file.whereIs(at), message: told(at, unknown) };
  });
}

function told(path: readonly PropertyKey[], message: string): string {
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
}
