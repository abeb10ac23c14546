/** What changes for which meters when one rule document takes the place of another. */
import { ownRuleIds } from "#domain/alarm.ts";
import type { RuleChange, RuleChanges, RuleValue } from "#domain/ruleChanges.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { isAbout } from "./ownRules.ts";
import { conductFor, ruleGroup, tuningFor, type RuleTarget } from "./tuningFor.ts";

/** Ids that are named per change; the count is of all. */
const examplesMax = 10;
/** A document with a value of its own for every meter is not listed whole. */
const changesMax = 500;

type Difference = Pick<RuleChange, "rule" | "name" | "before" | "after">;
type Counted = Difference & { meters: number; readonly examples: string[] };

/** Meters that both documents treat alike are looked at once. */
export function compareRules(
  before: RuleDocument | null,
  after: RuleDocument | null,
  meters: Iterable<RuleTarget>,
): RuleChanges {
  const groups = new Map<string, readonly Difference[]>();
  const counted = new Map<string, Counted>();
  let touched = 0;
  for (const meter of meters) {
    const key = ruleGroup([before, after], meter);
    let differences = groups.get(key);
    if (differences === undefined) {
      differences = [...differencesFor(before, after, meter)];
      groups.set(key, differences);
    }
    if (differences.length > 0) touched += 1;
    for (const difference of differences) count(counted, difference, meter.id);
  }
  const changes = [...counted.values()].sort((one, other) => other.meters - one.meters);
  return {
    meters: touched,
    rules: [...new Set(changes.map(({ rule }) => rule))],
    changes: changes.slice(0, changesMax),
    isCut: changes.length > changesMax,
  };
}

function count(counted: Map<string, Counted>, difference: Difference, id: string): void {
  const { rule, name, before, after } = difference;
  const key = JSON.stringify([rule, name, before, after]);
  let known = counted.get(key);
  if (known === undefined) counted.set(key, (known = { ...difference, meters: 0, examples: [] }));
  known.meters += 1;
  if (known.examples.length < examplesMax) known.examples.push(id);
}

function* differencesFor(
  before: RuleDocument | null,
  after: RuleDocument | null,
  meter: RuleTarget,
): Iterable<Difference> {
  const one = rulesOf(before, meter);
  const other = rulesOf(after, meter);
  for (const rule of new Set([...one.keys(), ...other.keys()])) {
    const from = one.get(rule) ?? {};
    const to = other.get(rule) ?? {};
    for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
      const [was, is] = [from[name] ?? null, to[name] ?? null];
      if (JSON.stringify(was) !== JSON.stringify(is)) yield { rule, name, before: was, after: is };
    }
  }
}

type Values = Readonly<Record<string, RuleValue>>;

function rulesOf(document: RuleDocument | null, meter: RuleTarget): ReadonlyMap<string, Values> {
  const thresholds: Readonly<Record<string, object>> = { ...tuningFor(document, meter) };
  const own = ownFor(document, meter);
  const conducts = Object.entries(conductFor(document, meter));
  return new Map(
    conducts
      .filter(([rule]) => !isOwn(rule) || own[rule] !== undefined)
      .map(([rule, conduct]) => [rule, { ...conduct, ...thresholds[rule], ...own[rule] }]),
  );
}

function isOwn(rule: string): boolean {
  return ownRuleIds.some((id) => id === rule);
}

/** What the document's own rules are about, for this meter. */
function ownFor(
  document: RuleDocument | null,
  meter: RuleTarget,
): Readonly<Record<string, Values>> {
  const rules = Object.entries(document?.own ?? {}).filter(([, rule]) => isAbout(rule, meter));
  return Object.fromEntries(
    rules.map(([id, { when, title }]) => [id, { when, titleEn: title.en, titleZh: title.zh }]),
  );
}
