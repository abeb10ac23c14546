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

/** A rule as it was in force for one meter, for the explanation of what it raised. */
export interface RuleInForce {
  /** Of the program: counts changes of the rule's meaning. */
  readonly version: number;
  readonly source: string;
  readonly latching: boolean;
  readonly thresholds: Readonly<Record<string, RuleValue>>;
  /** Those of the thresholds that keep it from flickering. */
  readonly deadBand: Readonly<Record<string, RuleValue>>;
  readonly priority: number;
  readonly gravePriority: number;
  readonly onDelayMinutes: number;
  readonly offDelayMinutes: number;
  readonly asksForClose: boolean;
  /** What it cannot miss at this meter; null: it is not about a flow, or takes the meter's word. */
  readonly floor: { readonly flowMlPerHour: number; readonly withinMs: number } | null;
}
