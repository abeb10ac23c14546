/** What the API must be able to do with a rule document without knowing the rules. */
import type { RuleChanges } from "#domain/ruleChanges.ts";
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
  /** For all meters of the registry; null: the factory's rules. */
  changes(before: RuleDocument | null, after: RuleDocument | null): RuleChanges;
}
