/**
 * Rules of a utility's own: an expression over one reading, true or false. Each is on its own: one that fails at a
 * meter is named, keeps what it last said, and touches no other rule.
 */
import { ownRuleIds, type OwnRuleId } from "#domain/alarm.ts";
import type { OwnRule } from "#domain/ownRule.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";
import { compileExpression, type Expression } from "./expression.ts";
import type { ConditionChange, RuleReading, RuleSettings } from "./rule.ts";
import type { RuleTarget } from "./tuningFor.ts";

export interface CompiledRule {
  readonly id: OwnRuleId;
  readonly title: OwnRule["title"];
  readonly expression: Expression;
}

/** What own rules last said of a meter, and by a stable word why the last try failed; absent: nothing. */
export interface OwnStates {
  readonly holding: readonly OwnRuleId[];
  readonly failing: Readonly<Partial<Record<OwnRuleId, string>>>;
}

export interface OwnStep {
  readonly states: OwnStates | undefined;
  readonly changes: readonly ConditionChange[];
}

const nothing: OwnStep = { states: undefined, changes: [] };
const noStates: OwnStates = { holding: [], failing: {} };

/** Whether the rule is about this meter. */
export function isAbout({ only }: OwnRule, { id, size, siteClass, area }: RuleTarget): boolean {
  const isIn = <Name extends string>(names: readonly Name[] | undefined, name: Name): boolean =>
    names === undefined || names.includes(name);
  return (
    isIn(only.sizes, size) &&
    isIn(only.siteClasses, siteClass) &&
    isIn(only.areas, area) &&
    isIn<string>(only.meters, id)
  );
}

/** Checked when its document was read; should a later program not take it any more, it fails by name at every meter. */
const notCompiled: Expression = {
  judge: () => ({ ok: false, reason: "not_compiled" }),
  seen: () => ({}),
};

/** The document's own rules for this meter, ready to run; they were checked when the document was read. */
export function compileOwn(
  document: RuleDocument | null,
  meter: RuleTarget,
): readonly CompiledRule[] {
  const own = document?.own ?? {};
  return ownRuleIds.flatMap((id) => {
    const rule = own[id];
    if (rule === undefined || !isAbout(rule, meter)) return [];
    const compiled = compileExpression(rule.when);
    const expression = compiled.ok ? compiled.expression : notCompiled;
    return [{ id, title: rule.title, expression }];
  });
}

/** One reading through them all; a rule that is no longer there ends. */
export function stepOwn(
  rules: readonly CompiledRule[],
  before: OwnStates | undefined,
  settings: RuleSettings,
  reading: RuleReading,
): OwnStep {
  if (rules.length === 0 && before === undefined) return nothing;
  const { holding, failing } = before ?? noStates;
  const held = new Set(holding);
  const failed: Partial<Record<OwnRuleId, string>> = {};
  const changes: ConditionChange[] = [];
  for (const { id, title, expression } of rules) {
    const verdict = expression.judge(settings, reading);
    if (!verdict.ok) {
      failed[id] = verdict.reason;
    } else if (verdict.holds === null) {
      const reason = failing[id];
      if (reason !== undefined) failed[id] = reason;
    } else if (verdict.holds !== held.has(id)) {
      const proof = { titleEn: title.en, titleZh: title.zh, ...expression.seen(settings, reading) };
      changes.push({ rule: id, level: verdict.holds ? 1 : 0, proof });
      if (verdict.holds) held.add(id);
      else held.delete(id);
    }
  }
  for (const id of holding) {
    if (rules.some((rule) => rule.id === id)) continue;
    held.delete(id);
    changes.push({ rule: id, level: 0, proof: {} });
  }
  const isEmpty = held.size === 0 && Object.keys(failed).length === 0;
  const now = ownRuleIds.filter((id) => held.has(id));
  return { states: isEmpty ? undefined : { holding: now, failing: failed }, changes };
}
