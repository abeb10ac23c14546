/** What another rule document would change, for whoever is about to put it in force. */

export type RuleValue = number | boolean | string | readonly string[] | null;

/** One value of one rule, and the meters for which it becomes another one. */
export interface RuleChange {
  readonly rule: string;
  readonly name: string;
  /** null: there is none on this side. */
  readonly before: RuleValue;
  readonly after: RuleValue;
  readonly meters: number;
  /** Ids of a few of them. */
  readonly examples: readonly string[];
}

export interface RuleChanges {
  /** Meters for which anything changes. */
  readonly meters: number;
  readonly rules: readonly string[];
  readonly changes: readonly RuleChange[];
  /** There are more changes than are listed. */
  readonly isCut: boolean;
}
