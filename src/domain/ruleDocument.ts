/** A utility's own rules as plain data: checked when the text was read, applied in this order, key by key. */
import type { OwnRules } from "./ownRule.ts";
import type { Role } from "./role.ts";

/** Thresholds and conduct of some rules; what is not named stays as it is. */
export type RuleThresholds = Readonly<
  Record<string, Readonly<Record<string, SetValue | undefined>> | undefined>
>;
type SetValue = number | boolean | readonly string[];

type ByName = Readonly<Record<string, RuleThresholds | undefined>>;

export interface RuleDocument {
  /** Whoever wrote it counts its versions; every occurrence carries the one that was in force. */
  readonly version: string;
  /** SHA-256 of what it says, in hexadecimal: comments and the order of its keys do not matter. */
  readonly hash: string;
  readonly all: RuleThresholds;
  readonly sizes: ByName;
  readonly siteClasses: ByName;
  readonly areas: ByName;
  /** By meter id. */
  readonly meters: ByName;
  /** Rules that the utility wrote itself; absent in documents from before there were any. */
  readonly own?: OwnRules | undefined;
}

/** Who put a document in force, and why. */
export interface RuleSigner {
  readonly by: string;
  /** null: no person, but the settings file. */
  readonly role: Role | null;
  readonly reason: string | null;
}

/** One change of the rules as the ledger keeps it for ever. */
export interface RuleRecord extends RuleSigner {
  /** Counts the changes of this ledger. */
  readonly no: number;
  /** null: back to the factory's rules. */
  readonly document: RuleDocument | null;
  readonly source: "file" | "api";
  /** When what it says was first shown to somebody, our clock; null: it never was. */
  readonly previewedAtMs: number | null;
  /** From this instant of event time on readings are judged by it. */
  readonly inForceAtMs: number;
}

/** What was shown to somebody before it was put in force. */
export interface RulePreview {
  readonly document: RuleDocument;
  readonly previewedAtMs: number;
  readonly by: string;
  readonly role: Role;
}
