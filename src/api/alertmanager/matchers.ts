/**
 * Alertmanager's matchers. Its regular expressions come from outside and would run in our loop, so only the part of
 * the language that people use here is taken: literals, alternatives, `.`, `.*` and `.+`, anchored at both ends.
 */
import type { Matcher } from "#domain/alarm.ts";
import { fail, ok, type Result } from "#domain/result.ts";

export type Labels = Readonly<Record<string, string>>;

const limits = Object.freeze({ valueCharactersMax: 512, wildcardsMax: 4 });
const operators = ["!=", "=~", "!~", "="] as const;
const namePattern = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** A letter, digit or harmless mark; an escaped mark; a wildcard; an alternative. */
const simplePattern = /^(?:[\p{L}\p{N} _:/@-]|\\[.*+?()[\]{}|^$\\-]|\.[*+]?|\|)*$/u;

/** `area="north"`, `alertname=~"R.*"`, without quotes as well. */
export function parseMatcher(text: string): Result<Matcher, string> {
  const operator = operators
    .map((word) => ({ word, at: text.indexOf(word) }))
    .filter(({ at }) => at > 0)
    .sort((one, other) => one.at - other.at || other.word.length - one.word.length)[0];
  if (operator === undefined) return fail(`bad matcher format: ${text}`);
  const { word, at } = operator;
  const name = text.slice(0, at).trim();
  const raw = text.slice(at + word.length).trim();
  const value = /^".*"$/s.test(raw) ? unquoted(raw) : raw;
  const isEqual = word === "=" || word === "=~";
  return checked({ name, value, isEqual, isRegex: word.endsWith("~") });
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
}

/** The matcher, or why it is none. */
export function checked(matcher: Matcher): Result<Matcher, string> {
  const { name, value, isRegex } = matcher;
  if (!namePattern.test(name)) return fail(`bad label name: ${name}`);
  if (value.length > limits.valueCharactersMax) return fail("a value is too long");
  if (!isRegex) return ok(matcher);
  const wildcards = value.match(/\.[*+]/g)?.length ?? 0;
  if (!simplePattern.test(value) || wildcards > limits.wildcardsMax) {
    return fail("a regular expression may have literals, |, . and up to 4 times .* or .+");
  }
  return ok(matcher);
}

/** A label that an alarm does not have is empty, as with Alertmanager. */
export function isMatched(matchers: readonly Matcher[], labels: Labels): boolean {
  return matchers.every(({ name, value, isRegex, isEqual }) => {
    const own = labels[name] ?? "";
    const isSame = isRegex ? new RegExp(`^(?:${value})$`, "su").test(own) : own === value;
    return isSame === isEqual;
  });
}
