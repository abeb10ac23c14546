/** What the API must be able to do with a rule document without knowing the rules. */
import type { MeterRuleId } from "#domain/alarm.ts";
import type { BackTestReport } from "#domain/backTest.ts";
import type { Meter } from "#domain/meter.ts";
import type { RuleChanges, RuleInForce } from "#domain/ruleChanges.ts";
import type { RuleDocument } from "#domain/ruleDocument.ts";

/** One mistake, and where it stands: `rules.yaml:4:5`. */
export interface RuleProblem {
  readonly where: string;
  readonly message: string;
}

export interface RuleBook {
  read(
    text: string,
  ):
    | { readonly ok: true; readonly document: RuleDocument }
    | { readonly ok: false; readonly problems: readonly RuleProblem[] };
  /** The rule as this document, or the factory, has it for the meter. */
  explain(document: RuleDocument | null, meter: Meter, rule: MeterRuleId): RuleInForce;
  /** For all meters of the registry; null: the factory's rules. */
  changes(before: RuleDocument | null, after: RuleDocument | null): RuleChanges;
  /** Over the last days of what is stored; null: another one is running. */
  test(candidate: RuleDocument | null, days: number): Promise<BackTestReport | null>;
}
