/** A utility's own policy of closing without a person, as plain data: checked when its file was read. */

/** Rules that want a valve shut: R1 orders it, R19 proposes it to persons. */
export const closingRules = ["R1", "R19"] as const;
export type ClosingRule = (typeof closingRules)[number];

/** Who closes for a rule: the system by itself, persons to whom it is proposed, or nobody unless a person orders it. */
export const closeWords = ["automatic", "person", "never"] as const;
export type CloseWord = (typeof closeWords)[number];

/** One word per rule; what is not named is as one layer up. */
export type CloseWords = Readonly<Partial<Record<ClosingRule, CloseWord | undefined>>>;

type ByName = Readonly<Record<string, CloseWords | undefined>>;

/** The narrower layer is the stronger one. None of them can loosen an interlock. */
export interface ClosePolicy {
  readonly version: string;
  /** Who answers for it, and why it is as it is; both go into the audit. */
  readonly by: string;
  readonly reason: string;
  readonly all: CloseWords;
  readonly siteClasses: ByName;
  readonly areas: ByName;
  /** By meter id. */
  readonly meters: ByName;
}

/** Without a policy: a leak closes its valve, an uncontrolled flow proposes it. */
export const factoryWords: Readonly<Record<ClosingRule, CloseWord>> = Object.freeze({
  R1: "automatic",
  R19: "person",
});
