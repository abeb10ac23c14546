/** A utility's own policy of closing without a person, as plain data: checked when its file was read. */

/** Rules that may want a valve shut: R1 orders it; R19, and R2, R3, R5 where a document lets them, propose it. */
export const closingRules = ["R1", "R2", "R3", "R5", "R19"] as const;
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

/** Without a policy: a leak closes its valve, everything else proposes it. */
export const factoryWords: Readonly<Record<ClosingRule, CloseWord>> = Object.freeze({
  R1: "automatic",
  R2: "person",
  R3: "person",
  R5: "person",
  R19: "person",
});
